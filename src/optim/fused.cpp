// SGD and Adam: one pass over each parameter.
#include <ember/autograd.h>
#include <ember/optim/adam.h>
#include <ember/optim/sgd.h>

#include <cmath>

#include "error_format.h"
#include "kernels/kernels.h"
#include "kernels/parallel.h"
#include "python_repr.h"

namespace ember::optim {
namespace {

template <class T>
const kernels::OptimFamily<T>& family() {
  if constexpr (sizeof(T) == 4) return kernels::kernels().optim.float32;
  else return kernels::kernels().optim.float64;
}

/// step(begin, end, typed zero) over the elements of a parameter that lies row-major beside its gradient.
template <class Step>
void over_elements(const Tensor& p, Step&& step) {
  const bool is_float = p.dtype() == kFloat32;
  kernels::parallel_for(p.numel(), 1024, double(p.numel()) * 2, [&](int64_t begin, int64_t end) {
    if (is_float) step(begin, end, float());
    else step(begin, end, double());
  });
  p.bump_version();
}

/// Python prints a number as it was written: whole ones are mostly written without a point.
std::string as_written(double value) { return value == std::floor(value) ? fmt::format("{}", value) : python_repr(value); }

void check_common(double lr, double weight_decay) {
  check<ValueError>(lr >= 0, "Invalid learning rate: {}", as_written(lr));
  check<ValueError>(weight_decay >= 0, "Invalid weight_decay value: {}", as_written(weight_decay));
}

}  // namespace

void SGDOptions::check(const SGDOptions& o) {
  using ember::check;
  ember::check<ValueError>(o.lr >= 0, "Invalid learning rate: {}", as_written(o.lr));
  ember::check<ValueError>(o.momentum >= 0, "Invalid momentum value: {}", as_written(o.momentum));
  ember::check<ValueError>(o.weight_decay >= 0, "Invalid weight_decay value: {}", as_written(o.weight_decay));
  ember::check<ValueError>(!o.nesterov || (o.momentum > 0 && o.dampening == 0), "Nesterov momentum requires a momentum and zero dampening");
}

void SGD::update(int64_t group, const Tensor& p, const Tensor& given, ParamState& state) {
  const SGDOptions& o = options_[std::size_t(group)];
  kernels::SgdStep step{o.lr, o.momentum, o.dampening, o.weight_decay, o.nesterov, o.maximize, false};
  if (o.momentum != 0) {
    step.first = !state.slots[0].defined();
    if (step.first) state.slots[0] = empty(p.sizes(), p.dtype());
    state.exists = true;
  }
  const Tensor gradient = given.contiguous(), target = p.detach().contiguous();
  const Tensor buffer = o.momentum != 0 ? state.slots[0] : Tensor();
  over_elements(target, [&](int64_t begin, int64_t end, auto zero) {
    using T = decltype(zero);
    family<T>().sgd(end - begin, step, gradient.data<T>() + begin, buffer.defined() ? buffer.data<T>() + begin : nullptr, target.data<T>() + begin);
  });
  if (!p.is_contiguous()) p.detach().copy_(target);
}

void AdamOptions::check(const AdamOptions& o) {
  check_common(o.lr, o.weight_decay);
  ember::check<ValueError>(o.eps >= 0, "Invalid epsilon value: {}", as_written(o.eps));
  ember::check<ValueError>(o.betas.first >= 0 && o.betas.first < 1, "Invalid beta parameter at index 0: {}", python_repr(o.betas.first));
  ember::check<ValueError>(o.betas.second >= 0 && o.betas.second < 1, "Invalid beta parameter at index 1: {}", python_repr(o.betas.second));
}

void Adam::update(int64_t group, const Tensor& p, const Tensor& given, ParamState& state) {
  const AdamOptions& o = options_[std::size_t(group)];
  if (!state.exists) {
    state.exists = true;
    for (int k = 0; k < (o.amsgrad ? 3 : 2); ++k) state.slots[k] = zeros(p.sizes(), p.dtype());
  }
  const double t = double(++state.step);
  const double correction1 = 1 - std::pow(o.betas.first, t), correction2 = 1 - std::pow(o.betas.second, t);
  const bool decoupled = o.decoupled_weight_decay;
  const kernels::AdamStep step{o.betas.first, o.betas.second, decoupled ? 0 : o.weight_decay, decoupled ? o.lr * o.weight_decay : 0,
                               o.lr / correction1, std::sqrt(correction2), o.eps, o.maximize};
  const Tensor gradient = given.contiguous(), target = p.detach().contiguous();
  over_elements(target, [&](int64_t begin, int64_t end, auto zero) {
    using T = decltype(zero);
    family<T>().adam(end - begin, step, gradient.data<T>() + begin, state.slots[0].data<T>() + begin, state.slots[1].data<T>() + begin,
                     o.amsgrad ? state.slots[2].data<T>() + begin : nullptr, target.data<T>() + begin);
  });
  if (!p.is_contiguous()) p.detach().copy_(target);
}

std::vector<ParamGroup<AdamOptions>> AdamW::decoupled(const std::vector<ParamGroup<Options>>& groups) {
  std::vector<ParamGroup<AdamOptions>> result;
  for (const ParamGroup<Options>& g : groups) result.push_back({g.params, g.options});
  return result;
}

}  // namespace ember::optim
