// Which instruction set runs: the best that was built in and that the processor has, or the one that EMBER_ISA names; and the families of
// loops on it. CMake defines EMBER_HAS_v3 and so on for those that were built in.

#include <cstdlib>
#include <string>
#include <string_view>

#include "error_format.h"
#include "kernels/kernels.h"

#ifdef EMBER_HAS_v4
#define EMBER_ISA v4
#include "kernels/families.isa.h"
#undef EMBER_ISA
#endif
#ifdef EMBER_HAS_v3
#define EMBER_ISA v3
#include "kernels/families.isa.h"
#undef EMBER_ISA
#endif
#ifdef EMBER_HAS_v2
#define EMBER_ISA v2
#include "kernels/families.isa.h"
#undef EMBER_ISA
#endif
#ifdef EMBER_HAS_base
#define EMBER_ISA base
#include "kernels/families.isa.h"
#undef EMBER_ISA
#endif

namespace ember::kernels {

namespace {

struct InstructionSet {
  const char* name;
  bool (*runs_here)();
};

// The best one first.
constexpr InstructionSet kBuilt[] = {
#ifdef EMBER_HAS_v4
    {"v4",
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
     }},
#endif
#ifdef EMBER_HAS_v3
    {"v3", [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"); }},
#endif
#ifdef EMBER_HAS_v2
    {"v2", [] { return true; }},
#endif
#ifdef EMBER_HAS_base
    {"base", [] { return true; }},
#endif
};

std::string names() {
  std::string text;
  for (auto set = std::end(kBuilt); set-- != std::begin(kBuilt);)
    text += (text.empty() ? "" : set == std::begin(kBuilt) ? " or " : ", ") + std::string(set->name);
  return text;
}

const InstructionSet& choose() {
  const char* const wanted = std::getenv("EMBER_ISA");
  const bool any = !wanted || !*wanted;
  for (const InstructionSet& set : kBuilt) {
    if (!any && std::string_view(wanted) != set.name) continue;
    if (set.runs_here()) return set;
    check<RuntimeError>(any, "EMBER_ISA: this processor does not run {}", any ? "" : wanted);
  }
  check<RuntimeError>(!any, "this processor runs none of the instruction sets that this Ember was built for ({}): see EMBER_ISAS", names());
  fail<ValueError>("EMBER_ISA: expected {}, got {}", names(), any ? "" : wanted);
}

const InstructionSet& chosen() {
  static const InstructionSet& set = choose();
  return set;
}

/// What `pick` finds among the families of the chosen set.
template <class Pick>
const auto& of_chosen(Pick pick) {
  switch (chosen().name[1]) {
#ifdef EMBER_HAS_v4
    case '4': return pick(v4::Families());
#endif
#ifdef EMBER_HAS_v3
    case '3': return pick(v3::Families());
#endif
#ifdef EMBER_HAS_v2
    case '2': return pick(v2::Families());
#endif
#ifdef EMBER_HAS_base
    default: return pick(base::Families());
#endif
  }
  __builtin_unreachable();
}

}  // namespace

const char* instruction_set() { return chosen().name; }

const Both<AttentionLoops>& attention_loops() {
  static const Both<AttentionLoops>& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::attention; });
  return loops;
}
const Both<DepthwiseFamily>& depthwise_loops() {
  static const Both<DepthwiseFamily>& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::depthwise; });
  return loops;
}
const Both<DotFamily>& dots_loops() {
  static const Both<DotFamily>& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::dots; });
  return loops;
}
const Both<GemmFamily>& gemm_loops() {
  static const Both<GemmFamily>& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::gemm; });
  return loops;
}
const Both<LayerNormLoops>& layer_norm_loops() {
  static const Both<LayerNormLoops>& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::layer_norm; });
  return loops;
}
const Both<MomentLoops>& moments_loops() {
  static const Both<MomentLoops>& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::moments; });
  return loops;
}
const Both<PoolFamily>& pool_loops() {
  static const Both<PoolFamily>& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::pool; });
  return loops;
}
const Both<PoolFamily>& pool_planes_loops() {
  static const Both<PoolFamily>& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::pool_planes; });
  return loops;
}
const Both<RecurrentLoops>& recurrent_loops() {
  static const Both<RecurrentLoops>& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::recurrent; });
  return loops;
}
const Both<SoftmaxFamily>& softmax_loops() {
  static const Both<SoftmaxFamily>& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::softmax; });
  return loops;
}
const CopyKernels& copy_loops() {
  static const CopyKernels& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::copy; });
  return loops;
}
const OptimKernels& optim_loops() {
  static const OptimKernels& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::optim; });
  return loops;
}
const RandomKernels& random_loops() {
  static const RandomKernels& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::random; });
  return loops;
}
const ReduceKernels& reduce_loops() {
  static const ReduceKernels& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::reduce; });
  return loops;
}
const WinogradKernels& winograd_loops() {
  static const WinogradKernels& loops = of_chosen([]<class Families>(Families) -> const auto& { return Families::winograd; });
  return loops;
}
const ElementwiseKernels& elementwise_loops() {
  static const ElementwiseKernels loops{&of_chosen([]<class Families>(Families) -> const auto& { return Families::unary; }),
                                        &of_chosen([]<class Families>(Families) -> const auto& { return Families::activation; }),
                                        &of_chosen([]<class Families>(Families) -> const auto& { return Families::binary; })};
  return loops;
}
template <class T>
const BatchNormLoops<T>& batch_norm_loops() {
  static const BatchNormLoops<T> loops{of_chosen([]<class Families>(Families) -> const auto& { return Families::plane_norm; }).template of<T>(),
                                       of_chosen([]<class Families>(Families) -> const auto& { return Families::row_norm; }).template of<T>(),
                                       of_chosen([]<class Families>(Families) -> const auto& { return Families::window_norm; }).template of<T>(),
                                       of_chosen([]<class Families>(Families) -> const auto& { return Families::channel_numbers; }).template of<T>()};
  return loops;
}
template const BatchNormLoops<float>& batch_norm_loops();
template const BatchNormLoops<double>& batch_norm_loops();

}  // namespace ember::kernels
