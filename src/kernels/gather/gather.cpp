// Cuts gathering and scattering for the threads; gathering moves bits, whatever they mean.
#include "kernels/gather/gather.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"
#include "with_type.h"

namespace ember::kernels {
namespace {

/// Calls body with a number of the size of one element: gathering moves bits, whatever they mean.
template <class Body>
void with_size(DType dtype, Body&& body) {
  if (item_size(dtype) == 8) return body(std::uint64_t());
  if (item_size(dtype) == 4) return body(std::uint32_t());
  body(std::uint8_t());
}

/// body(place in `whole`, number of the index) for the indices `p` of the slices [begin, end) of `index`.
template <class Body>
void for_each_place(const Along& whole, const Along& index, int64_t begin, int64_t end, const int64_t* p, Body body) {
  int64_t s = begin * index.n * index.inner;
  for (int64_t o = begin; o < end; ++o) {
    const int64_t first = o * whole.n * whole.inner;
    if (whole.inner == 1)
      for (int64_t k = 0; k < index.n; ++k, ++s) body(first + p[s], s);
    else
      for (int64_t k = 0; k < index.n; ++k)
        for (int64_t i = 0; i < whole.inner; ++i, ++s) body(first + p[s] * whole.inner + i, s);
  }
}

/// put(to, from) for each index.
template <class T, class Put>
void scatter_values(const Along& from, const Along& to, const int64_t* index, const void* values, void* target, Put put) {
  const T* const in = static_cast<const T*>(values);
  T* const out = static_cast<T*>(target);
  parallel_for(to.outer, 1, double(from.outer * from.n * from.inner) * 3, [&](int64_t begin, int64_t end) {
    for_each_place(to, from, begin, end, index, [=](int64_t place, int64_t s) { put(out[place], in[s]); });
  });
}

// --- whole slices

constexpr int64_t kAhead = 4;  // rows fetched before their turn: no hardware guesses which one comes next

void fetch_row(const void* row, int64_t bytes) {
  for (int64_t i = 0; i < bytes && i < 512; i += 64) __builtin_prefetch(static_cast<const char*>(row) + i);
}

/// to += from, n numbers.
template <class T>
void add_run(int64_t n, const T* from, T* to) {
  if constexpr (std::is_same_v<T, float>) copy_loops().accumulate_float(n, from, to);
  else if constexpr (std::is_same_v<T, double>) copy_loops().accumulate_double(n, from, to);
  else
    for (int64_t i = 0; i < n; ++i) to[i] = T(to[i] + from[i]);
}

/// Indices below n in parts of 2^shift places: order[begin(part) .. end(part)) are the positions in the list of those that lie in it,
/// in rising order.
struct PartsOfPlaces {
  int shift;
  int64_t count;
  Scratch<int64_t> order, ends;

  PartsOfPlaces(int64_t n, int64_t most_parts, int64_t length, const int64_t* index)
      : shift(std::bit_width(std::uint64_t(n - 1) / std::uint64_t(most_parts))), count(((n - 1) >> shift) + 1), order(length), ends(count + 1) {
    std::fill_n(ends.data(), count + 1, 0);
    for (int64_t k = 0; k < length; ++k) ++ends[(index[k] >> shift) + 1];
    for (int64_t part = 0; part < count; ++part) ends[part + 1] += ends[part];
    for (int64_t k = 0; k < length; ++k) order[ends[index[k] >> shift]++] = k;  // moves every end to the next one's place
  }
  int64_t begin(int64_t part) const { return part == 0 ? 0 : ends[part - 1]; }
  int64_t end(int64_t part) const { return ends[part]; }
};

/// Of one outer slice with many places: equal indices must not meet on two threads, so each takes places of its own.
template <class T>
void add_to_places(Before before, const Along& to, int64_t count, const int64_t* p, const T* in, T* out) {
  const double work = double(count * to.inner + to.n * to.inner);
  const PartsOfPlaces parts(to.n, slices_for(to.n, 1, work), count, p);
  parallel_slices(parts.count, [&](int64_t part) {
    const int64_t first = part << parts.shift, places = std::min(to.n - first, int64_t(1) << parts.shift), end = parts.end(part);
    if (before == Before::Nothing) std::memset(out + first * to.inner, 0, std::size_t(places * to.inner) * sizeof(T));
    for (int64_t j = parts.begin(part); j < end; ++j) {
      const int64_t k = parts.order[j];
      if (j + kAhead < end) fetch_row(in + parts.order[j + kAhead] * to.inner, to.inner * int64_t(sizeof(T)));
      add_run(to.inner, in + k * to.inner, out + p[k] * to.inner);
    }
  });
}

template <class T>
void add_slices_of(Before before, const Along& to, int64_t count, const int64_t* p, const T* in, T* out) {
  if (to.outer == 1 && to.n >= 256) return add_to_places(before, to, count, p, in, out);
  if (before == Before::Nothing) std::memset(out, 0, std::size_t(to.outer * to.n * to.inner) * sizeof(T));
  const auto add = [&](int64_t o, int64_t begin, int64_t end) {
    const T* const from = in + o * count * to.inner;
    T* const target = out + o * to.n * to.inner;
    if (to.inner == 1)
      for (int64_t k = 0; k < count; ++k) target[p[k]] = T(target[p[k]] + from[k]);
    else
      for (int64_t k = 0; k < count; ++k) add_run(end - begin, from + k * to.inner + begin, target + p[k] * to.inner + begin);
  };
  const double numbers = double(to.outer * count * to.inner);
  if (to.outer == 1)  // each thread adds a part of every slice
    parallel_for(to.inner, 16, numbers, [&](int64_t begin, int64_t end) { add(0, begin, end); });
  else  // or none
    parallel_for(to.outer, 1, numbers * 2, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) add(o, 0, to.inner);
    });
}

}  // namespace

void gather(DType dtype, const Along& from, const Along& to, const int64_t* index, const void* in, void* out) {
  with_size(dtype, [&]<class Bits>(Bits) {
    const Bits* const values = static_cast<const Bits*>(in);
    Bits* const target = static_cast<Bits*>(out);
    parallel_for(to.outer, 1, double(to.outer * to.n * to.inner) * 3, [&](int64_t begin, int64_t end) {
      for_each_place(from, to, begin, end, index, [=](int64_t place, int64_t s) { target[s] = values[place]; });
    });
  });
}

void scatter(ScatterOp op, DType dtype, const Along& from, const Along& to, const int64_t* index, const void* in, void* out) {
  if (op == ScatterOp::Set)
    return with_size(dtype, [&]<class Bits>(Bits) { scatter_values<Bits>(from, to, index, in, out, [](Bits& a, Bits b) { a = b; }); });
  with_type(dtype, [&]<class T>(T) {
    if (op == ScatterOp::Add) scatter_values<T>(from, to, index, in, out, [](T& a, T b) { a = T(a + b); });
    else scatter_values<T>(from, to, index, in, out, [](T& a, T b) { a = T(a * b); });
  });
}

void select_slices(DType dtype, const Along& from, int64_t count, const int64_t* index, const void* in, void* out) {
  const double work = double(from.outer * count * from.inner);
  if (from.inner == 1 && from.outer > 1)
    return with_size(dtype, [&]<class Bits>(Bits) {
      parallel_for(from.outer, 1, work, [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o) {
          const Bits* const row = static_cast<const Bits*>(in) + o * from.n;
          for (int64_t k = 0; k < count; ++k) static_cast<Bits*>(out)[o * count + k] = row[index[k]];
        }
      });
    });
  const int64_t bytes = from.inner * item_size(dtype);
  parallel_for(from.outer * count, 1, work, [&](int64_t begin, int64_t end) {
    const auto row = [&](int64_t r) { return static_cast<const char*>(in) + ((r / count) * from.n + index[r % count]) * bytes; };
    for (int64_t r = begin; r < end; ++r) {
      if (r + kAhead < end) fetch_row(row(r + kAhead), bytes);
      std::memcpy(static_cast<char*>(out) + r * bytes, row(r), std::size_t(bytes));
    }
  });
}

void add_slices(DType dtype, Before before, const Along& to, int64_t count, const int64_t* index, const void* in, void* out) {
  with_type(dtype, [&]<class T>(T) { add_slices_of<T>(before, to, count, index, static_cast<const T*>(in), static_cast<T*>(out)); });
}

}  // namespace ember::kernels
