// Packing of weights: transposed in registers, a tap's row of inputs or outputs at a time.
#include "kernels/conv/weights.h"

#include <algorithm>

#include "kernels/copy/copy.h"
#include "runtime/parallel.h"

namespace ember::kernels {

template <class T>
TapsMemory<T> forward_taps(const ConvShape& s, const T* w) {
  const int64_t taps = s.kh * s.kw, c = s.c_group(), o = s.o_group();
  TapsMemory<T> memory(s.groups, taps, c, o);
  for (int64_t g = 0; g < s.groups; ++g) {
    const Taps<T> out = memory.group(g);
    parallel_for(c, 1, double(taps * c * o), [&](int64_t begin, int64_t end) {
      for (int64_t j = 0; j < o; j += out.wide) {
        const T* from = w + (g * o + j) * c * taps;
        const int columns = int(std::min(out.wide, o - j));
        if (taps == 1) {
          gemm_loops<T>().pack_transposed(end - begin, columns, from + begin, c, out.at(0, begin, j), out.wide);
          continue;
        }
        for (int64_t i = begin; i < end; ++i)
          gemm_loops<T>().pack_transposed(taps, columns, from + i * taps, c * taps, out.at(0, i, j), c * out.wide);
      }
    });
  }
  return memory;
}

template <class T>
TapsMemory<T> backward_taps(const ConvShape& s, const T* w) {
  const int64_t taps = s.kh * s.kw, c = s.c_group(), o = s.o_group();
  TapsMemory<T> memory(s.groups, taps, o, c);
  for (int64_t g = 0; g < s.groups; ++g) {
    const Taps<T> out = memory.group(g);
    parallel_for(o, 1, double(taps * c * o), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        for (int64_t j = 0; j < c; j += out.wide)
          gemm_loops<T>().pack_transposed(taps, int(std::min(out.wide, c - j)), w + ((g * o + i) * c + j) * taps, taps, out.at(taps - 1, i, j),
                                          -o * out.wide);
    });
  }
  return memory;
}

template <class T>
void unpack_taps(const ConvShape& s, const TapsMemory<T>& memory, T* w) {
  constexpr int64_t kInputs = 64;  // of all taps and a vector of outputs, in the first-level cache
  const int64_t taps = s.kh * s.kw, c = s.c_group(), o = s.o_group(), lanes = gemm_loops<T>().lanes;
  for (int64_t g = 0; g < s.groups; ++g) {
    const Taps<T> from = memory.group(g);
    T* const to = w + g * o * c * taps;
    parallel_for(c, 16, double(taps * c * o), [&](int64_t begin, int64_t end) {
      const Scratch<T> block(lanes * taps * kInputs);  // (outputs, taps, inputs)
      for (int64_t i = begin; i < end; i += kInputs)
        for (int64_t j = 0; j < o; j += lanes) {
          const int64_t inputs = std::min(kInputs, end - i), outputs = std::min(lanes, o - j);
          if (taps == 1) {
            transpose(outputs, inputs, to + j * c + i, c, from.at(0, i, j), from.wide);
            continue;
          }
          for (int64_t t = 0; t < taps; ++t) transpose(outputs, inputs, block + t * inputs, taps * inputs, from.at(0, t * c + i, j), from.wide);
          for (int64_t k = 0; k < outputs; ++k) transpose(inputs, taps, to + ((j + k) * c + i) * taps, taps, block + k * taps * inputs, inputs);
        }
    });
  }
}

template TapsMemory<float> forward_taps(const ConvShape&, const float*);
template TapsMemory<double> forward_taps(const ConvShape&, const double*);
template TapsMemory<float> backward_taps(const ConvShape&, const float*);
template TapsMemory<double> backward_taps(const ConvShape&, const double*);
template void unpack_taps(const ConvShape&, const TapsMemory<float>&, float*);
template void unpack_taps(const ConvShape&, const TapsMemory<double>&, double*);

}  // namespace ember::kernels
