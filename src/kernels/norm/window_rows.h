// Rows of 2 x 2 windows of channels-last images: what batch norm needs to work together with the max pooling behind it.
#pragma once

#include <algorithm>

#include "kernels/kernels.h"
#include "kernels/pool/windows.h"
#include "runtime/scratch.h"

namespace ember::kernels {

struct WindowRows {
  int64_t images, height, width, channels;

  int64_t an_image() const { return height / 2; }
  int64_t count() const { return images * an_image(); }
  /// Where row i of windows begins among the numbers of x, and of y.
  int64_t input(int64_t i) const { return (i / an_image() * height + i % an_image() * 2) * width * channels; }
  int64_t output(int64_t i) const { return i * (width / 2) * channels; }
};

/// The gradient of a pooling by 2 x 2, spread over the pixels of its input, any part of them at a time.
template <class T>
class SpreadGradient {
 public:
  SpreadGradient(const WindowRows& rows, const T* dy, const std::uint8_t* taps)
      : rows_(rows), windows_(sliding_windows(rows.height, rows.width, {2, 2, 0, 1}, {2, 2, 0, 1}, false, false)), dy_(dy), taps_(taps),
        pair_(2 * rows_.width * rows_.channels) {}

  /// Pixels [begin, end) of all images. A pair of rows that is cut by an end is spread aside first.
  void write(int64_t begin, int64_t end, T* out) const {
    const int64_t c = rows_.channels, an_image = rows_.height * rows_.width;
    for (int64_t pixel = begin; pixel < end;) {
      const int64_t image = pixel / an_image, row = pixel % an_image / (2 * rows_.width), first = image * an_image + row * 2 * rows_.width;
      const int64_t last = std::min(first + 2 * rows_.width, (image + 1) * an_image), stop = std::min(last, end);
      T* const to = out + (pixel - begin) * c;
      if (row == rows_.an_image()) {
        std::fill_n(to, (stop - pixel) * c, T(0));  // the odd row under the last windows
      } else if (first == pixel && last == stop) {
        spread(image * rows_.an_image() + row, to);
      } else {
        spread(image * rows_.an_image() + row, pair_);
        std::copy_n(pair_ + (pixel - first) * c, (stop - pixel) * c, to);
      }
      pixel = stop;
    }
  }

 private:
  void spread(int64_t row, T* to) const {
    const bool covered = rows_.width % 2 == 0;
    if (!covered) std::fill_n(to, 2 * rows_.width * rows_.channels, T(0));
    PoolShape pair{windows_->y_view, windows_->x_view, rows_.channels};
    pair.y.out = 1;
    const int64_t at = rows_.output(row);
    pool_loops<T>().scatter_byte(pair, dy_ + at, taps_ + at, to, covered);
  }

  const WindowRows rows_;
  const SharedWindows windows_;
  const T* dy_;
  const std::uint8_t* taps_;
  const Scratch<T> pair_;
};

}  // namespace ember::kernels
