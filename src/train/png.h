// Small pictures for event files and pages: they must not depend on whether libpng is there.
#pragma once

#include <ember/tensor.h>

namespace ember::train {

/// The bytes of a PNG of (H, W), (1, H, W) or (3, H, W): uint8, or real numbers 0 .. 1. Throws ValueError "WHO: ..." for anything else.
std::string png_bytes(const char* who, const Tensor& image);

}  // namespace ember::train
