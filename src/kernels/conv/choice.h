// Which algorithm a convolution takes: a model of what each costs, nothing is tried at run time.
#pragma once

#include <atomic>

#include "kernels/conv/conv.h"

namespace ember::kernels {

enum class ConvPath : std::uint8_t { Direct, Columns, Pointwise, Depthwise, Dots, Spans, Planes, Streams, Images, Winograd2, Winograd4 };
enum class ConvDirection : std::uint8_t { Forward, BackwardInput, BackwardWeight };

/// What the user asked for, as ember::ConvAlgorithm numbers it: Auto leaves it to the model, which never takes Winograd4; the others hold wherever
/// they are possible.
enum class ConvWish : std::uint8_t { Auto, Direct, Winograd2, Winograd4 };
extern std::atomic<ConvWish> conv_wish;

const char* name(ConvPath path);

/// For measurements and tests, as long as it lives: this path wherever it is possible, whatever it costs.
class ForcedPath {
 public:
  explicit ForcedPath(ConvPath path);
  ~ForcedPath();
  ForcedPath(const ForcedPath&) = delete;
  ForcedPath& operator=(const ForcedPath&) = delete;
};

/// Cycles of one core, about; infinity where the path cannot take s or is not weighed (Pointwise and Depthwise go by shape).
double conv_cost(ConvPath path, const ConvShape& s, ConvDirection direction, int bytes);

/// Of an image in planes: are its patches copied as it lies, or had it better be turned first?
bool columns_read_planes(const ConvShape& s);

/// The path of s in numbers of `bytes` bytes; with s.planes as if x were turned first where the path does not read planes.
ConvPath conv_path(const ConvShape& s, ConvDirection direction, int bytes);

}  // namespace ember::kernels
