// The hot loops. The files X.isa.cpp are compiled once for every instruction set; what stands here are the families of the set that this
// processor runs best, or of the one that EMBER_ISA=v2|v3|v4 in the environment names. Each family is reached by a function of its own: a
// program carries the loops that it may call, not all.
//
// A new family is a struct of function pointers in its subject's header, its function here and in dispatch.cpp, a line in
// families.isa.h, and its definition in the subject's X.isa.cpp.
#pragma once

#include <type_traits>

#include "kernels/attention/attention.h"
#include "kernels/conv/depthwise_loops.h"
#include "kernels/conv/dots_loops.h"
#include "kernels/conv/winograd_loops.h"
#include "kernels/copy/copy.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/gemm/gemm.h"
#include "kernels/norm/norm.h"
#include "kernels/optim/optim.h"
#include "kernels/pool/pool.h"
#include "kernels/random/random.h"
#include "kernels/recurrent/recurrent.h"
#include "kernels/reduce/reduce.h"
#include "kernels/softmax/softmax.h"

namespace ember::kernels {

/// The same loops over float and over double.
template <template <class> class Family>
struct Both {
  Family<float> float32;
  Family<double> float64;

  template <class T>
  const Family<T>& of() const {
    if constexpr (std::is_same_v<T, float>) return float32;
    else return float64;
  }
};

const char* instruction_set();  ///< "v2", "v3", "v4" on x86-64, "base" elsewhere

const Both<AttentionLoops>& attention_loops();
const Both<DepthwiseFamily>& depthwise_loops();
const Both<DotFamily>& dots_loops();
const Both<GemmFamily>& gemm_loops();
const Both<LayerNormLoops>& layer_norm_loops();
const Both<MomentLoops>& moments_loops();
const Both<PoolFamily>& pool_loops();         ///< channels innermost
const Both<PoolFamily>& pool_planes_loops();  ///< plane by plane
const Both<RecurrentLoops>& recurrent_loops();
const Both<SoftmaxFamily>& softmax_loops();

const CopyKernels& copy_loops();
const ElementwiseKernels& elementwise_loops();
const OptimKernels& optim_loops();
const RandomKernels& random_loops();
const ReduceKernels& reduce_loops();
const WinogradKernels& winograd_loops();

// The loops over numbers of type T.
template <class T>
const BatchNormLoops<T>& batch_norm_loops();
template <class T>
const AttentionLoops<T>& attention_loops() {
  return attention_loops().of<T>();
}
template <class T>
const DepthwiseFamily<T>& depthwise_loops() {
  return depthwise_loops().of<T>();
}
template <class T>
const DotFamily<T>& dots_loops() {
  return dots_loops().of<T>();
}
template <class T>
const GemmFamily<T>& gemm_loops() {
  return gemm_loops().of<T>();
}
template <class T>
const LayerNormLoops<T>& layer_norm_loops() {
  return layer_norm_loops().of<T>();
}
template <class T>
const MomentLoops<T>& moments_loops() {
  return moments_loops().of<T>();
}
template <class T>
const PoolFamily<T>& pool_loops() {
  return pool_loops().of<T>();
}
template <class T>
const PoolFamily<T>& pool_planes_loops() {
  return pool_planes_loops().of<T>();
}
template <class T>
const RecurrentLoops<T>& recurrent_loops() {
  return recurrent_loops().of<T>();
}
template <class T>
const SoftmaxFamily<T>& softmax_loops() {
  return softmax_loops().of<T>();
}

}  // namespace ember::kernels
