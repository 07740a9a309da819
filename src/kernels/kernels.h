// The table of hot loops. The files X.isa.cpp are compiled once for every instruction set; kernels() is the set that this processor runs
// best, or the one that EMBER_ISA=v2|v3|v4 in the environment names, and kernels<T>() is its part for float or double.
//
// A new family of loops is a struct of function pointers in its subject's header, a line here, a line in families.isa.h, and its
// definition in the subject's X.isa.cpp.
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

/// The loops over numbers of type T.
template <class T>
struct LoopsOf {
  const AttentionLoops<T>& attention;
  const DepthwiseFamily<T>& depthwise;
  const DotFamily<T>& dots;
  const GemmFamily<T>& gemm;
  const BatchNormLoops<T> batch_norm;
  const LayerNormLoops<T>& layer_norm;
  const MomentLoops<T>& moments;
  const PoolFamily<T>& pool;         ///< channels innermost
  const PoolFamily<T>& pool_planes;  ///< plane by plane
  const RecurrentLoops<T>& recurrent;
  const SoftmaxFamily<T>& softmax;
};

struct Kernels {
  const char* isa;  // "v2", "v3", "v4" on x86-64, "base" elsewhere
  const LoopsOf<float> float32;
  const LoopsOf<double> float64;
  const CopyKernels& copy;
  const ElementwiseKernels elementwise;
  const OptimKernels& optim;
  const RandomKernels& random;
  const ReduceKernels& reduce;
  const WinogradKernels& winograd;
};

const Kernels& kernels();

template <class T>
const LoopsOf<T>& kernels() {
  if constexpr (std::is_same_v<T, float>) return kernels().float32;
  else return kernels().float64;
}

}  // namespace ember::kernels
