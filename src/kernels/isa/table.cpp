// The families of one instruction set, put together.

#include "kernels/kernels.h"

#define EMBER_TEXT_OF(name) #name
#define EMBER_TEXT(name) EMBER_TEXT_OF(name)

namespace ember::kernels::EMBER_ISA {

extern const GemmKernels gemm_kernels;

extern const Kernels table;
constinit const Kernels table{
    .isa = EMBER_TEXT(EMBER_ISA),
    .gemm = gemm_kernels,
};

}  // namespace ember::kernels::EMBER_ISA
