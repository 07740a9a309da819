// Packing of weights: transposed in registers, a tap's row of inputs or outputs at a time.
#include "kernels/conv/weights.h"

#include <algorithm>
#include <cstring>

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
  const int64_t taps = s.kh * s.kw, c = s.c_group(), o = s.o_group(), lanes = gemm_loops<T>().lanes;
  const int64_t row = (taps + lanes - 1) / lanes * lanes;
  for (int64_t g = 0; g < s.groups; ++g) {
    const Taps<T> from = memory.group(g);
    parallel_for(c, 1, double(taps * c * o), [&](int64_t begin, int64_t end) {
      Scratch<T> block(lanes * row);
      for (int64_t i = begin; i < end; ++i)
        for (int64_t j = 0; j < o; j += lanes) {
          // Rows of outputs, columns of taps.
          const int64_t rows = std::min(lanes, o - j);
          gemm_loops<T>().pack_transposed(rows, int(taps), from.at(0, i, j), c * from.wide, block, row);
          for (int64_t k = 0; k < rows; ++k) std::memcpy(w + ((g * o + j + k) * c + i) * taps, block + k * row, std::size_t(taps) * sizeof(T));
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
