// The families of loops of the instruction set EMBER_ISA, each defined in the X.isa.cpp of its subject. dispatch.cpp, which chooses among
// the sets, includes this once for each of them: there is no #pragma once.
#include "kernels/kernels.h"

namespace ember::kernels::EMBER_ISA {

struct Families {
  static const Both<AttentionLoops> attention;
  static const Both<ChannelNumbers> channel_numbers;
  static const Both<DepthwiseFamily> depthwise;
  static const Both<DotFamily> dots;
  static const Both<GemmFamily> gemm;
  static const Both<LayerNormLoops> layer_norm;
  static const Both<MomentLoops> moments;
  static const Both<PlaneNormLoops> plane_norm;
  static const Both<PoolFamily> pool, pool_planes;
  static const Both<RecurrentLoops> recurrent;
  static const Both<RowNormLoops> row_norm;
  static const Both<SoftmaxFamily> softmax;
  static const Both<WindowNormLoops> window_norm;

  static const CopyKernels copy;
  static const ElementwiseTable unary, activation, binary;
  static const OptimKernels optim;
  static const RandomKernels random;
  static const ReduceKernels reduce;
  static const WinogradKernels winograd;
};

}  // namespace ember::kernels::EMBER_ISA
