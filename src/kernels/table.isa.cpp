// The families of one instruction set, put together.

#include "kernels/families.isa.h"

#define EMBER_TEXT_OF(name) #name
#define EMBER_TEXT(name) EMBER_TEXT_OF(name)

namespace ember::kernels::EMBER_ISA {

extern const Kernels table;
constinit const Kernels table{
    .isa = EMBER_TEXT(EMBER_ISA),
    .float32 = {attention_loops.float32,
                depthwise_loops.float32,
                dots_loops.float32,
                gemm_loops.float32,
                {plane_norm_loops.float32, row_norm_loops.float32, window_norm_loops.float32, channel_numbers_loops.float32},
                layer_norm_loops.float32,
                moments_loops.float32,
                pool_loops.float32,
                pool_planes_loops.float32,
                recurrent_loops.float32,
                softmax_loops.float32},
    .float64 = {attention_loops.float64,
                depthwise_loops.float64,
                dots_loops.float64,
                gemm_loops.float64,
                {plane_norm_loops.float64, row_norm_loops.float64, window_norm_loops.float64, channel_numbers_loops.float64},
                layer_norm_loops.float64,
                moments_loops.float64,
                pool_loops.float64,
                pool_planes_loops.float64,
                recurrent_loops.float64,
                softmax_loops.float64},
    .copy = copy_loops,
    .elementwise = {unary_loops, activation_loops, binary_loops},
    .optim = optim_loops,
    .random = random_loops,
    .reduce = reduce_loops,
    .winograd = winograd_loops,
};

}  // namespace ember::kernels::EMBER_ISA
