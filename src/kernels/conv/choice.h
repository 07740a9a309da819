// Which algorithm a convolution takes: a model of what each costs, nothing is tried at run time.
#pragma once

#include <atomic>

#include "kernels/conv/conv.h"

namespace ember::kernels {

enum class ConvPath : std::uint8_t { Direct, Pointwise, Depthwise, Dots, Spans, Winograd2, Winograd4 };
enum class ConvDirection : std::uint8_t { Forward, BackwardInput, BackwardWeight };

/// What the user asked for, as ember::ConvAlgorithm numbers it: Auto leaves it to the model, which never takes Winograd4; the others hold wherever they are possible.
enum class ConvWish : std::uint8_t { Auto, Direct, Winograd2, Winograd4 };
extern std::atomic<ConvWish> conv_wish;

const char* name(ConvPath path);

/// The path of s in numbers of `bytes` bytes.
ConvPath conv_path(const ConvShape& s, ConvDirection direction, int bytes);

}  // namespace ember::kernels
