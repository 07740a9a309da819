// The families of one instruction set, put together.

#include "kernels/kernels.h"

#define EMBER_TEXT_OF(name) #name
#define EMBER_TEXT(name) EMBER_TEXT_OF(name)

namespace ember::kernels::EMBER_ISA {

extern const CopyKernels copy_kernels;
extern const DepthwiseKernels depthwise_kernels;
extern const DotKernels dot_kernels;
extern const ElementwiseTable unary_table, activation_table, binary_table;
constinit const ElementwiseKernels elementwise_kernels{unary_table, activation_table, binary_table};
extern const GemmKernels gemm_kernels;
extern const OptimKernels optim_kernels;
extern const PlaneNormLoops<float> plane_norm_float;
extern const PlaneNormLoops<double> plane_norm_double;
extern const RowNormLoops<float> row_norm_float;
extern const RowNormLoops<double> row_norm_double;
extern const WindowNormLoops<float> window_norm_float;
extern const WindowNormLoops<double> window_norm_double;
extern const ChannelNumbers<float> channel_numbers_float;
extern const ChannelNumbers<double> channel_numbers_double;
constinit const BatchNormKernels batch_norm_kernels{{plane_norm_float, row_norm_float, window_norm_float, channel_numbers_float},
                                                    {plane_norm_double, row_norm_double, window_norm_double, channel_numbers_double}};
extern const LayerNormKernels layer_norm_kernels;
extern const PoolFamily<float> pool_float, pool_planes_float;
extern const PoolFamily<double> pool_double, pool_planes_double;
constinit const PoolKernels pool_kernels{pool_float, pool_planes_float, pool_double, pool_planes_double};
extern const RandomKernels random_kernels;
extern const ReduceKernels reduce_kernels;
extern const SoftmaxKernels softmax_kernels;
extern const WinogradKernels winograd_kernels;

extern const Kernels table;
constinit const Kernels table{
    .isa = EMBER_TEXT(EMBER_ISA),
    .copy = copy_kernels,
    .depthwise = depthwise_kernels,
    .dots = dot_kernels,
    .elementwise = elementwise_kernels,
    .gemm = gemm_kernels,
    .optim = optim_kernels,
    .batch_norm = batch_norm_kernels,
    .layer_norm = layer_norm_kernels,
    .pool = pool_kernels,
    .random = random_kernels,
    .reduce = reduce_kernels,
    .softmax = softmax_kernels,
    .winograd = winograd_kernels,
};

}  // namespace ember::kernels::EMBER_ISA
