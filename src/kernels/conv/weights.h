// Weights as the convolutions read them: the kernel's taps as matrices (inputs x outputs), cut into column panels.
#pragma once

#include "kernels/conv/conv.h"
#include "kernels/conv/taps.h"
#include "kernels/gemm/gemm.h"
#include "kernels/kernels.h"
#include "runtime/scratch.h"

namespace ember::kernels {

/// How wide the column panels of a matrix with `length` rows are: at most two vectors, as even as whole vectors allow; four where the
/// sums are short and writing the results is what counts.
template <class T>
int64_t panel_columns(int64_t columns, int64_t length) {
  const GemmFamily<T>& f = gemm_loops<T>();
  const int64_t vectors = (columns + f.lanes - 1) / f.lanes, most = f.masked_loads && length <= 64 && vectors % 4 == 0 ? 4 : 2;
  const int64_t panels = (vectors + most - 1) / most;
  return (vectors + panels - 1) / panels * f.lanes;
}

/// The taps of all groups in memory of their own.
template <class T>
class TapsMemory {
 public:
  TapsMemory(int64_t groups, int64_t taps, int64_t inputs, int64_t outputs)
      : shape_{nullptr, taps, inputs, outputs, panel_columns<T>(outputs, taps * inputs)}, memory_(groups * shape_.size()) {}

  Taps<T> group(int64_t g) const {
    Taps<T> taps = shape_;
    taps.data = memory_ + g * shape_.size();
    return taps;
  }
  int64_t size() const { return shape_.size(); }  ///< of one group
  T* data() const { return memory_; }

 private:
  Taps<T> shape_;
  Scratch<T> memory_;
};

/// Weights (o, c / groups, kh, kw) as taps from inputs to outputs.
template <class T>
TapsMemory<T> forward_taps(const ConvShape& s, const T* w);

/// The same turned around, from outputs to inputs, the last tap first: what carries dy back to dx.
template <class T>
TapsMemory<T> backward_taps(const ConvShape& s, const T* w);

/// Taps from inputs to outputs, all groups, as weights (o, c / groups, kh, kw).
template <class T>
void unpack_taps(const ConvShape& s, const TapsMemory<T>& taps, T* w);

}  // namespace ember::kernels
