// What nn::Sequential runs together.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <ember/nn/fused.h>

namespace ember::nn {

using Children = std::vector<std::pair<std::string, std::unique_ptr<Module>>>;

/// Runs the child at `first`, and those behind it that may run in the same pass. x becomes the result; returns the child that is next.
std::size_t run_together(const Children& children, std::size_t first, Tensor& x);

}  // namespace ember::nn
