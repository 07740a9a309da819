// The pixels of a plane that a single tap meets at strides, side by side.
#pragma once

#include <vector>

#include "kernels/conv/conv.h"
#include "kernels/copy/copy.h"

namespace ember::kernels {

/// A single tap without padding: it meets the pixels (y * stride, x * stride).
inline bool meets_by_stride(const ConvShape& s) { return s.kh == 1 && s.kw == 1 && s.padding[0] == 0 && s.padding[1] == 0; }

/// Reads n numbers into the cache, from the first to the last as memory likes it: what follows may then pick some of them.
template <class T>
void touch(int64_t n, const T* numbers) {
  constexpr int64_t kLine = 64 / sizeof(T);
  T sum = 0;
  for (int64_t i = 0; i < n; i += kLine) sum += numbers[i];
  [[maybe_unused]] const volatile T wanted = sum;  // the loads stay
}

class MetPixels {
 public:
  MetPixels(const ConvShape& s, int bytes)
      : stride_(s.stride[1]), row_(s.ow), skipped_(s.stride[0] * s.w), in_rows_(in_rows(s)), jumps_(jumps(s.w * bytes, s.stride[0])) {
    if (in_rows_) return;
    places_.reserve(std::size_t(s.oh * s.ow));
    for (int64_t y = 0; y < s.oh; ++y)
      for (int64_t x = 0; x < s.ow; ++x) places_.push_back(std::int32_t(y * s.stride[0] * s.w + x * s.stride[1]));
  }

  /// Are they picked row by row? Those of short rows, and at strides for which there are no vectors, are found one by one.
  static bool in_rows(const ConvShape& s) { return (s.stride[1] == 2 && s.ow >= 16) || s.h * s.w > INT32_MAX; }

  /// The met pixels [begin, begin + count) of a plane.
  template <class T>
  void copy(const T* plane, int64_t begin, int64_t count, T* to) const {
    if (count == 0) return;
    const int64_t first = place(begin);
    if (jumps_) touch(place(begin + count - 1) + 1 - first, plane + first);
    if (!in_rows_) {
      const std::int32_t* const places = places_.data() + begin;
      for (int64_t i = 0; i < count; ++i) to[i] = plane[places[i]];
      return;
    }
    for (int64_t done = 0; done < count;) {
      const int64_t some = std::min(count - done, row_ - (begin + done) % row_);
      copy_strided(some, plane + place(begin + done), stride_, to + done);
      done += some;
    }
  }

 private:
  /// Are few cache lines met? Then a processor does not expect the next one, and each waits for memory: up to five times as long as to read all of
  /// them.
  static bool jumps(int64_t row, int64_t stride) {
    constexpr double kLine = 64;
    const double met = double(row) / kLine + (row % 64 != 0), all = double(row * stride) / kLine;
    return met < 0.6 * all;
  }
  int64_t place(int64_t pixel) const { return in_rows_ ? pixel / row_ * skipped_ + pixel % row_ * stride_ : places_[std::size_t(pixel)]; }

  int64_t stride_, row_, skipped_;
  bool in_rows_, jumps_;
  std::vector<std::int32_t> places_;
};

}  // namespace ember::kernels
