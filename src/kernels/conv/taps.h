// The taps of a convolution's kernel as matrices (inputs x outputs), cut into column panels as matrix products read them.
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

// Always inlined: files compiled for one instruction set may not leave functions that others could be linked to.
/// One group's taps. Tap t (of kh * kw), input i, output o lies at at(t, i, o); the rows of the last panel are filled up with zeros.
template <class T>
struct Taps {
  T* data;
  int64_t taps, inputs, outputs, wide;

  int64_t panels() const { return (outputs + wide - 1) / wide; }
  int64_t panel_size() const { return taps * inputs * wide; }
  int64_t size() const { return panels() * panel_size(); }
  [[gnu::always_inline]] T* at(int64_t tap, int64_t input, int64_t output) const {
    return data + output / wide * panel_size() + (tap * inputs + input) * wide + output % wide;
  }
};

}  // namespace ember::kernels
