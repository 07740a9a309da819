// The table of hot loops. Each family of kernels is compiled once for every instruction set (*.isa.cpp); kernels() is the set
// that this processor runs best, or the one that EMBER_ISA=v2|v3|v4 in the environment names.
//
// A family NAME is src/kernels/NAME/NAME.h with `struct NameKernels` of function pointers, and NAME/*.isa.cpp which defines
// `extern const NameKernels name_kernels` in namespace ember::kernels::EMBER_ISA. A new one takes a line here and two in
// table.isa.cpp.
#pragma once

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
#include "kernels/reduce/reduce.h"
#include "kernels/softmax/softmax.h"

namespace ember::kernels {

struct Kernels {
  const char* isa;  // "v2", "v3", "v4" on x86-64, "base" elsewhere
  const CopyKernels& copy;
  const DepthwiseKernels& depthwise;
  const DotKernels& dots;
  const ElementwiseKernels& elementwise;
  const GemmKernels& gemm;
  const OptimKernels& optim;
  const BatchNormKernels& batch_norm;
  const LayerNormKernels& layer_norm;
  const PoolKernels& pool;
  const RandomKernels& random;
  const ReduceKernels& reduce;
  const SoftmaxKernels& softmax;
  const WinogradKernels& winograd;
};

const Kernels& kernels();

}  // namespace ember::kernels
