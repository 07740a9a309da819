// Winograd's convolution for 3 x 3 kernels at stride 1, float32, one group, padding up to 2; the transforms are in winograd_loops.h.
#pragma once

#include "kernels/conv/conv.h"
#include "kernels/conv/winograd_loops.h"

namespace ember::kernels {

/// What a block of tiles takes: shared by the kernels and by the choice of the algorithm.
int64_t winograd_tiles(const WinogradFamily& f, const ConvShape& s);

void winograd_forward(const WinogradFamily& f, const ConvShape& s, const float* x, const float* w, const ConvEpilogue<float>& epilogue, float* y);
void winograd_backward_input(const WinogradFamily& f, const ConvShape& s, const float* dy, const float* w, float* dx);
void winograd_backward_weight(const WinogradFamily& f, const ConvShape& s, const float* x, const float* dy, float* dw);

}  // namespace ember::kernels
