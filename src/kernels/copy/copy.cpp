// Strided copies: dimensions that lie one behind the other are merged, then rows are copied; where one side runs along another
// dimension than the other (a transpose), in square blocks that stay in the cache.
#include "kernels/copy/copy.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "with_type.h"

namespace ember::kernels {
namespace {

constexpr int kMaxDims = 8;
constexpr int64_t kLongRow = 1 << 15;  // bytes, from which the C library's copy is the faster one

struct Plan {
  int dims = 0;
  int64_t sizes[kMaxDims], dst[kMaxDims], src[kMaxDims];  // the last dimension is the innermost
  int64_t numel = 1;
};

/// Sorts dimensions by falling stride of the destination, and merges those that are one run on both sides.
Plan make_plan(const int64_t* dst_strides, const int64_t* src_strides, const int64_t* sizes, int dims) {
  Plan plan;
  for (int i = 0; i < dims; ++i) {
    plan.numel *= sizes[i];
    if (sizes[i] == 1) continue;
    int at = plan.dims++;
    for (; at > 0 && std::abs(plan.dst[at - 1]) < std::abs(dst_strides[i]); --at) {  // negative: backwards, as flip() writes
      plan.sizes[at] = plan.sizes[at - 1];
      plan.dst[at] = plan.dst[at - 1];
      plan.src[at] = plan.src[at - 1];
    }
    plan.sizes[at] = sizes[i];
    plan.dst[at] = dst_strides[i];
    plan.src[at] = src_strides[i];
  }
  int last = 0;
  for (int i = 1; i < plan.dims; ++i) {
    if (plan.dst[last] == plan.sizes[i] * plan.dst[i] && plan.src[last] == plan.sizes[i] * plan.src[i]) {
      plan.sizes[last] *= plan.sizes[i];
    } else {
      plan.sizes[++last] = plan.sizes[i];
    }
    plan.dst[last] = plan.dst[i];
    plan.src[last] = plan.src[i];
  }
  if (plan.dims == 0) plan.sizes[0] = plan.dst[0] = plan.src[0] = 1;  // a single element
  plan.dims = last + 1;
  return plan;
}

template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, bool>) return value != From(0);
  else if constexpr (std::is_same_v<To, std::uint8_t> && std::is_floating_point_v<From>) return To(int64_t(value));
  else return To(value);
}

/// Neither type changes, and the instruction sets have loops for its size.
template <class To, class From>
constexpr bool kMovesBits = std::is_same_v<To, From> && sizeof(To) >= 4;

template <class T>
void fill_row(int64_t n, T* dst, T value) {
  if constexpr (sizeof(T) == sizeof(std::uint32_t))
    copy_loops().fill_32(n, std::bit_cast<std::uint32_t>(value), reinterpret_cast<std::uint32_t*>(dst));
  else if constexpr (sizeof(T) == 8) copy_loops().fill_64(n, std::bit_cast<std::uint64_t>(value), reinterpret_cast<std::uint64_t*>(dst));
  else std::memset(dst, int(value), std::size_t(n));
}

template <class To, class From>
void copy_row(int64_t n, To* dst, int64_t ds, const From* src, int64_t ss) {
  if (ds == 1 && ss == 1) {
    if constexpr (std::is_same_v<To, From>) {
      const int64_t bytes = n * int64_t(sizeof(To));
      if (bytes > kLongRow) std::memcpy(dst, src, std::size_t(bytes));
      else copy_loops().copy_row(bytes, src, dst);
    } else {
      for (int64_t i = 0; i < n; ++i) dst[i] = convert<To>(src[i]);
    }
  } else if (ds == 1 && ss == 0) {
    fill_row(n, dst, convert<To>(*src));
  } else if (ds == -1 && ss == 1) {
    To* const first = dst - (n - 1);
    for (int64_t i = 0; i < n; ++i) first[n - 1 - i] = convert<To>(src[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i * ds] = convert<To>(src[i * ss]);
  }
}

/// rows x columns where dst runs along columns and src along rows.
template <class To, class From>
void copy_transposed(int64_t rows, int64_t columns, To* dst, int64_t dst_row, const From* src, int64_t src_column) {
  if constexpr (kMovesBits<To, From>) {
    const CopyKernels& k = copy_loops();
    using Bits = std::conditional_t<sizeof(To) == 4, std::uint32_t, std::uint64_t>;
    const auto transpose = [&] {
      if constexpr (sizeof(To) == 4) return k.transpose_32;
      else return k.transpose_64;
    }();
    return transpose(rows, columns, reinterpret_cast<Bits*>(dst), dst_row, reinterpret_cast<const Bits*>(src), src_column);
  }
  constexpr int64_t kBlock = 16;
  for (int64_t c0 = 0; c0 < columns; c0 += kBlock) {
    const int64_t c1 = c0 + kBlock < columns ? c0 + kBlock : columns;
    for (int64_t r0 = 0; r0 < rows; r0 += kBlock) {
      const int64_t r1 = r0 + kBlock < rows ? r0 + kBlock : rows;
      for (int64_t r = r0; r < r1; ++r)
        for (int64_t c = c0; c < c1; ++c) dst[r * dst_row + c] = convert<To>(src[r + c * src_column]);
    }
  }
}

/// Calls body(dst offset, src offset) for the outer indices [begin, end) of the first `outer` dimensions.
template <class Body>
void for_each_outer(const Plan& plan, int outer, int64_t begin, int64_t end, Body&& body) {
  int64_t index[kMaxDims] = {}, d = 0, s = 0, rest = begin;
  for (int i = outer; i-- > 0;) {
    index[i] = rest % plan.sizes[i];
    rest /= plan.sizes[i];
    d += index[i] * plan.dst[i];
    s += index[i] * plan.src[i];
  }
  for (int64_t n = begin; n < end; ++n) {
    body(d, s);
    for (int i = outer; i-- > 0;) {
      d += plan.dst[i];
      s += plan.src[i];
      if (++index[i] < plan.sizes[i]) break;
      d -= index[i] * plan.dst[i];
      s -= index[i] * plan.src[i];
      index[i] = 0;
    }
  }
}

template <class To, class From>
void copy_planned(const Plan& plan, To* dst, const From* src) {
  const int inner = plan.dims - 1;
  const int64_t n = plan.sizes[inner];
  if (plan.dims == 1) {
    parallel_for(n, 4096, double(n), [&](int64_t begin, int64_t end) {
      copy_row(end - begin, dst + begin * plan.dst[0], plan.dst[0], src + begin * plan.src[0], plan.src[0]);
    });
    return;
  }
  // A transpose: some outer dimension is the contiguous one of the source. (One value along the inner dimension is a fill instead.)
  for (int i = 0; plan.dst[inner] == 1 && plan.src[inner] > 1 && i < inner; ++i) {
    if (plan.src[i] != 1) continue;
    Plan outer = plan;
    std::swap(outer.sizes[i], outer.sizes[inner - 1]);
    std::swap(outer.dst[i], outer.dst[inner - 1]);
    std::swap(outer.src[i], outer.src[inner - 1]);
    const int64_t rows = outer.sizes[inner - 1], images = plan.numel / (rows * n);
    const int64_t block = images > 1 ? rows : 16, blocks = (rows + block - 1) / block;
    parallel_for(images * blocks, 1, double(plan.numel), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        const int64_t r0 = k % blocks * block, count = r0 + block < rows ? block : rows - r0;
        for_each_outer(outer, inner - 1, k / blocks, k / blocks + 1, [&](int64_t d, int64_t s) {
          copy_transposed(count, n, dst + d + r0 * outer.dst[inner - 1], outer.dst[inner - 1], src + s + r0, outer.src[inner]);
        });
      }
    });
    return;
  }
  const int64_t rows = plan.numel / n;
  parallel_for(rows, 1 + 4096 / n, double(plan.numel), [&](int64_t begin, int64_t end) {
    for_each_outer(plan, inner, begin, end, [&](int64_t d, int64_t s) { copy_row(n, dst + d, plan.dst[inner], src + s, plan.src[inner]); });
  });
}

}  // namespace

void copy(DType to, void* dst, const int64_t* dst_strides, DType from, const void* src, const int64_t* src_strides, const int64_t* sizes, int dims) {
  const Plan plan = make_plan(dst_strides, src_strides, sizes, dims);
  if (plan.numel == 0) return;
  with_type(to, [&](auto t) {
    with_type(from, [&](auto f) { copy_planned(plan, static_cast<decltype(t)*>(dst), static_cast<const decltype(f)*>(src)); });
  });
}

void fill(DType dtype, void* dst, int64_t n, const void* value) {
  with_type(dtype, [&](auto t) {
    using T = decltype(t);
    T* const p = static_cast<T*>(dst);
    const T v = *static_cast<const T*>(value);
    parallel_for(n, 4096, double(n) / 2, [&](int64_t begin, int64_t end) { fill_row(end - begin, p + begin, v); });
  });
}

void transpose(int64_t rows, int64_t columns, float* to, int64_t to_row, const float* from, int64_t from_column) {
  copy_transposed(rows, columns, to, to_row, from, from_column);
}
void transpose(int64_t rows, int64_t columns, double* to, int64_t to_row, const double* from, int64_t from_column) {
  copy_transposed(rows, columns, to, to_row, from, from_column);
}

void copy_strided(int64_t n, const float* from, int64_t step, float* to) {
  if (step == 2) return copy_loops().every_second_32(n, reinterpret_cast<const std::uint32_t*>(from), reinterpret_cast<std::uint32_t*>(to));
  for (int64_t i = 0; i < n; ++i) to[i] = from[i * step];
}
void copy_strided(int64_t n, const double* from, int64_t step, double* to) {
  if (step == 2) return copy_loops().every_second_64(n, reinterpret_cast<const std::uint64_t*>(from), reinterpret_cast<std::uint64_t*>(to));
  for (int64_t i = 0; i < n; ++i) to[i] = from[i * step];
}

void accumulate(DType dtype, int64_t n, const void* x, void* y) {
  with_type(dtype, [&](auto t) {
    using T = decltype(t);
    const T* from = static_cast<const T*>(x);
    T* to = static_cast<T*>(y);
    parallel_for(n, 4096, double(n), [&](int64_t begin, int64_t end) {
      if constexpr (std::is_same_v<T, float>) copy_loops().accumulate_float(end - begin, from + begin, to + begin);
      else if constexpr (std::is_same_v<T, double>) copy_loops().accumulate_double(end - begin, from + begin, to + begin);
      else
        for (int64_t i = begin; i < end; ++i) to[i] = T(to[i] + from[i]);
    });
  });
}

void join_rows(int64_t rows, const RowsOfBytes* parts, int64_t count, char* to, int64_t numbers) {
  int64_t row_bytes = 0;
  for (int64_t i = 0; i < count; ++i) row_bytes += parts[i].bytes;
  parallel_for(rows, 1, double(numbers), [&](int64_t begin, int64_t end) {
    const auto copy_row = copy_loops().copy_row;
    for (int64_t r = begin; r < end; ++r) {
      char* at = to + r * row_bytes;
      for (int64_t i = 0; i < count; at += parts[i].bytes, ++i) copy_row(parts[i].bytes, parts[i].data + r * parts[i].bytes, at);
    }
  });
}

}  // namespace ember::kernels
