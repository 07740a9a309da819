// The families of loops of one instruction set, each defined in the file of its subject and collected in table.isa.cpp.
#pragma once

#include "kernels/kernels.h"

namespace ember::kernels::EMBER_ISA {

/// The same loops over float and over double.
template <template <class> class Family>
struct Both {
  Family<float> float32;
  Family<double> float64;
};

extern const Both<AttentionLoops> attention_loops;
extern const Both<ChannelNumbers> channel_numbers_loops;
extern const Both<DepthwiseFamily> depthwise_loops;
extern const Both<DotFamily> dots_loops;
extern const Both<GemmFamily> gemm_loops;
extern const Both<LayerNormLoops> layer_norm_loops;
extern const Both<MomentLoops> moments_loops;
extern const Both<PlaneNormLoops> plane_norm_loops;
extern const Both<PoolFamily> pool_loops, pool_planes_loops;
extern const Both<RecurrentLoops> recurrent_loops;
extern const Both<RowNormLoops> row_norm_loops;
extern const Both<SoftmaxFamily> softmax_loops;
extern const Both<WindowNormLoops> window_norm_loops;

extern const CopyKernels copy_loops;
extern const ElementwiseTable unary_loops, activation_loops, binary_loops;
extern const OptimKernels optim_loops;
extern const RandomKernels random_loops;
extern const ReduceKernels reduce_loops;
extern const WinogradKernels winograd_loops;

}  // namespace ember::kernels::EMBER_ISA
