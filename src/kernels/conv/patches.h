// The patches that the outputs of a convolution see, number by number.
#pragma once

#include <algorithm>
#include <optional>

#include "kernels/conv/axis.h"
#include "kernels/conv/met.h"
#include "kernels/copy/copy.h"
#include "runtime/scratch.h"

namespace ember::kernels {

inline bool sees_single_pixels(const ConvShape& s) { return meets_by_stride(s) && s.stride[0] == 1 && s.stride[1] == 1; }
inline int64_t patch_size(const ConvShape& s) { return s.kh * s.kw * s.c_group(); }

/// Number k of patch i lies at data[i * row + k * step].
template <class T>
struct Patches {
  const T* data;
  int64_t row, step;
};

/// Copies the patches of one group and a block of outputs at a time.
template <class T>
class PatchReader {
 public:
  /// For blocks of at most `most` outputs.
  PatchReader(const ConvShape& s, const T* x, int64_t most)
      : s_(s), x_(x), plane_(s.planes ? s.h * s.w : 1), pixel_(s.planes ? 1 : s.c), room_(patch_size(s) * rounded(most)) {
    if (sees_single_pixels(s)) s_.h = s_.oh = 1, s_.w = s_.ow = s.h * s.w;  // one long row
    ay_ = forward_axis(s_, 0);
    ax_ = forward_axis(s_, 1);
    if (s.planes && meets_by_stride(s) && !sees_single_pixels(s)) met_.emplace(s, sizeof(T));
  }

  /// One patch after the other, in the order of packed weights (kernel row, tap, channel), of an image whose channels lie innermost. Single
  /// pixels are not copied.
  Patches<T> by_output(int64_t group, int64_t first, int64_t count) const {
    const int64_t c = s_.c_group(), pixels = s_.oh * s_.ow;
    if (sees_single_pixels(s_)) return {x_ + first * s_.c + group * c, s_.c, 1};
    const bool side_by_side = s_.dilation[1] == 1 && c == s_.c;
    T* out = room_;
    for (int64_t i = first; i < first + count; ++i) {
      const int64_t oy = i % pixels / s_.ow, ox = i % s_.ow, kx0 = ax_.begin(ox), kx1 = ax_.end(ox), left = ax_.input(ox, 0);
      const T* const image = x_ + i / pixels * s_.h * s_.w * s_.c + group * c;
      for (int64_t ky = 0; ky < s_.kh; ++ky, out += s_.kw * c) {
        const int64_t y = ay_.input(oy, ky);
        if (y < 0 || y >= s_.h || kx0 >= kx1) {
          std::fill_n(out, s_.kw * c, T(0));
          continue;
        }
        const T* const row = image + (y * s_.w + left) * s_.c;
        std::fill_n(out, kx0 * c, T(0));
        if (side_by_side) std::copy_n(row + kx0 * c, (kx1 - kx0) * c, out + kx0 * c);
        else
          for (int64_t kx = kx0; kx < kx1; ++kx) std::copy_n(row + kx * s_.dilation[1] * s_.c, c, out + kx * c);
        std::fill_n(out + kx1 * c, (s_.kw - kx1) * c, T(0));
      }
    }
    return {room_, patch_size(s_), 1};
  }

  /// Single pixels of planes, turned: one after the other as in by_output.
  Patches<T> turned(int64_t group, int64_t first, int64_t count) const {
    const int64_t c = s_.c_group(), pixels = s_.w;
    for (int64_t done = 0; done < count;) {
      const int64_t image = (first + done) / pixels, begin = (first + done) % pixels, some = std::min(count - done, pixels - begin);
      const T* const from = x_ + (image * s_.c + group * c) * pixels + begin;
      transpose(some, c, room_ + done * c, c, from, pixels);
      done += some;
    }
    return {room_, c, 1};
  }

  /// Number by number of all patches, in the order of the weights as they are (channel, kernel row, tap); up to whole vectors of patches.
  Patches<T> by_number(int64_t group, int64_t first, int64_t count) const {
    const int64_t c = s_.c_group(), row = rounded(count), pixels = s_.oh * s_.ow;
    T* out = room_;
    if (met_) return by_number_of_met(group, first, count);
    for (int64_t i = group * c; i < (group + 1) * c; ++i)
      for (int64_t ky = 0; ky < s_.kh; ++ky)
        for (int64_t kx = 0; kx < s_.kw; ++kx, out += row) {
          const int64_t x0 = ax_.first_output(kx), x1 = ax_.last_output(kx);
          for (int64_t done = 0; done < count;) {
            const int64_t at = first + done, begin = at % s_.ow, end = std::min(s_.ow, begin + count - done), y = ay_.input(at % pixels / s_.ow, ky);
            const T* const image = x_ + at / pixels * s_.h * s_.w * s_.c + i * plane_;
            copy_row(image + y * s_.w * pixel_, y >= 0 && y < s_.h, begin, end, x0, x1, kx, out + done);
            done += end - begin;
          }
          std::fill(out + count, out + row, T(0));
        }
    return {room_, 1, row};
  }

 private:
  static int64_t rounded(int64_t n) { return (n + 15) / 16 * 16; }

  Patches<T> by_number_of_met(int64_t group, int64_t first, int64_t count) const {
    const int64_t c = s_.c_group(), row = rounded(count), pixels = s_.oh * s_.ow;
    for (int64_t done = 0, some = 0; done < count; done += some) {
      const int64_t image = (first + done) / pixels, begin = (first + done) % pixels;
      some = std::min(count - done, pixels - begin);
      for (int64_t i = 0; i < c; ++i) met_->copy(x_ + (image * s_.c + group * c + i) * plane_, begin, some, room_ + i * row + done);
    }
    for (int64_t i = 0; i < c; ++i) std::fill(room_ + i * row + count, room_ + (i + 1) * row, T(0));
    return {room_, 1, row};
  }

  /// The outputs [begin, end) of a row at tap kx, which meets the image at [x0, x1).
  void copy_row(const T* from, bool inside, int64_t begin, int64_t end, int64_t x0, int64_t x1, int64_t kx, T* out) const {
    const int64_t first = inside ? std::clamp(x0, begin, end) : end, last = std::clamp(x1, first, end), step = ax_.stride * pixel_;
    std::fill_n(out, first - begin, T(0));
    const T* in = from + ax_.input(first, kx) * pixel_;
    if (step == 1) std::copy_n(in, last - first, out + first - begin);
    else copy_strided(last - first, in, step, out + first - begin);
    std::fill_n(out + last - begin, end - last, T(0));
  }

  ConvShape s_;
  Axis ay_{}, ax_{};
  const T* x_;
  int64_t plane_, pixel_;
  std::optional<MetPixels> met_;
  Scratch<T> room_;
};

}  // namespace ember::kernels
