// The passes of softmax over a row: maximum, sum of exponentials, and what is made of them.
#include "kernels/softmax/softmax.h"

#include "kernels/families.isa.h"
#include "kernels/lanes/math.h"
#include "kernels/lanes/sums.h"
#include "kernels/lanes/transpose.h"

namespace ember::kernels::EMBER_ISA {
namespace {

/// Four vectors at a time, so that none waits for the one before. A NaN may be lost: it comes back out of e^x.
template <class T>
T row_max(int64_t n, const T* x) {
  constexpr int L = kLanes<T>;
  if (n < L) {
    T best = -T(__builtin_inf());
    for (int64_t i = 0; i < n; ++i) best = x[i] > best ? x[i] : best;
    return best;
  }
  Lanes<T> top[4];
  for (Lanes<T>& t : top) t = load(x);
  int64_t i = L;
  for (; i + 4 * L <= n; i += 4 * L)
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) top[j] = maximum(load(x + i + j * L), top[j]);
  for (; i + L <= n; i += L) top[0] = maximum(load(x + i), top[0]);
  top[1] = maximum(load(x + n - L), top[1]);
  return horizontal_max(maximum(maximum(top[0], top[1]), maximum(top[2], top[3])));
}

/// Row by row: use(row, i, lanes, e) with the weights e of x - top, then end(row, top, sum of e). Within a row the maximum, the sum and
/// what is done with it wait for each other. So one pass also takes the maximum of the next row, and `use` may complete the row before.
template <class T, class Use, class End>
EMBER_INLINE void weigh_rows(int64_t rows, int64_t n, const T* x, Use use, End end) {
  constexpr int L = kLanes<T>;
  T top = row_max(n, x);
  for (int64_t r = 0; r < rows; ++r) {
    const T *const row = x + r * n, *const next = r + 1 < rows ? row + n : row;
    Lanes<T> next_top = n < L ? broadcast(row_max(n, next)) : load(next + n - L);
    const double sum = row_total<T>(n, [&](int64_t i, auto lanes) {
      const Lanes<T> e = weight(load(row + i, lanes) - top);
      if constexpr (__is_same(decltype(lanes), AllLanes)) next_top = maximum(load(next + i), next_top);
      use(r, i, lanes, e);
      return e;
    });
    end(r, top, sum);
    top = horizontal_max(next_top);
  }
}

/// ln of a sum of weights.
template <class T>
T log_of_sum(double sum) {
  return T(__builtin_log(sum * (1 / double(kWeightOfZero<T>))));
}

/// Of a row of only -inf they are NaN, as in PyTorch.
template <class T>
void softmax(int64_t rows, int64_t n, const T* x, T* y) {
  T scale = 0;
  const auto complete = [&](T* row, int64_t i, auto lanes) { store(row + i, load(row + i, lanes) * scale, lanes); };
  weigh_rows(
      rows, n, x,
      [&](int64_t r, int64_t i, auto lanes, Lanes<T> e) {
        complete(y + (r > 0 ? r - 1 : 0) * n, i, lanes);  // where there is no row before, it is written over at once
        store(y + r * n + i, e, lanes);
      },
      [&](int64_t, T, double sum) { scale = T(1 / sum); });
  for_each_lanes<T>(n, [&](int64_t i, auto lanes) { complete(y + (rows - 1) * n, i, lanes); });
}

template <class T>
void log_softmax(int64_t rows, int64_t n, const T* x, T* y) {
  T last_top = 0, rest = 0;
  const auto complete = [&](int64_t r, int64_t i, auto lanes) { store(y + r * n + i, load(x + r * n + i, lanes) - last_top - rest, lanes); };
  weigh_rows(
      rows, n, x, [&](int64_t r, int64_t i, auto lanes, auto) { complete(r > 0 ? r - 1 : 0, i, lanes); },
      [&](int64_t, T top, double sum) { last_top = top, rest = log_of_sum<T>(sum); });
  for_each_lanes<T>(n, [&](int64_t i, auto lanes) { complete(rows - 1, i, lanes); });
}

template <class T>
void softmax_backward(int64_t rows, int64_t n, const T* dy, const T* y, T* dx) {
  for (int64_t r = 0; r < rows; ++r, dy += n, y += n, dx += n) {
    const T dot = T(row_total<T>(n, [&](int64_t i, auto lanes) { return load(dy + i, lanes) * load(y + i, lanes); }));
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(dx + i, load(y + i, lanes) * (load(dy + i, lanes) - dot), lanes); });
  }
}

template <class T>
void log_softmax_backward(int64_t rows, int64_t n, const T* dy, const T* y, T* dx) {
  for (int64_t r = 0; r < rows; ++r, dy += n, y += n, dx += n) {
    const T sum = T(row_total<T>(n, [&](int64_t i, auto lanes) { return load(dy + i, lanes); }) / kWeightOfZero<T>);
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(dx + i, load(dy + i, lanes) - weight(load(y + i, lanes)) * sum, lanes); });
  }
}

// Rows of a few classes, as classifiers have them, would leave most lanes of a vector empty: as many rows as a vector has lanes are
// transposed, and go through maximum, e^x, sum and ln side by side.

/// e[i][r] = x[r * n + i] for r < count: whole vectors, whose lanes past count hold 0. Pairs need no square block.
template <class T>
EMBER_INLINE void load_transposed(int count, int64_t n, const T* x, Lanes<T>* e) {
  constexpr int L = kLanes<T>;
  if (n == 2) {
    const int numbers = 2 * count;
    const Lanes<T> low = numbers >= L ? load(x) : load(x, numbers);
    const Lanes<T> high = numbers == 2 * L ? load(x + L) : numbers > L ? load(x + L, numbers - L) : Lanes<T>{};
    e[0] = every_second<0, T>(low, high);
    e[1] = every_second<1, T>(low, high);
    return;
  }
  for (int64_t i = 0; i < n; i += L) {
    const int width = int(n - i < L ? n - i : L);
    Lanes<T> block[L];
#pragma GCC unroll 16
    for (int r = 0; r < L; ++r) block[r] = r < count ? load(x + r * n + i, width) : Lanes<T>{};
    transpose<T>(block);
#pragma GCC unroll 16
    for (int k = 0; k < L; ++k)
      if (k < width) e[i + k] = block[k];
  }
}

/// y[r * n + i] = e[i][r] * scale[r].
template <class T>
EMBER_INLINE void store_transposed(int count, int64_t n, const Lanes<T>* e, Lanes<T> scale, T* y) {
  constexpr int L = kLanes<T>;
  if (n == 2) {
    const int numbers = 2 * count;
    const Lanes<T> a = e[0] * scale, b = e[1] * scale;
    store(y, interleave_low(a, b), numbers < L ? numbers : L);
    if (numbers > L) store(y + L, interleave_high(a, b), numbers - L);
    return;
  }
  for (int64_t i = 0; i < n; i += L) {
    const int width = int(n - i < L ? n - i : L);
    Lanes<T> block[L];
#pragma GCC unroll 16
    for (int k = 0; k < L; ++k) block[k] = k < width ? e[i + k] * scale : Lanes<T>{};
    transpose<T>(block);
#pragma GCC unroll 16
    for (int r = 0; r < L; ++r)
      if (r < count) store(y + r * n + i, block[r], width);
  }
}

template <class T>
void log_sum_exp_short(int64_t rows, int64_t n, const T* x, T* tops, T* logs, T* p) {
  constexpr int L = kLanes<T>;
  Lanes<T> e[kShortRow] = {};
  for (int64_t first = 0; first < rows; first += L) {
    const int count = int(rows - first < L ? rows - first : L);
    load_transposed(count, n, x + first * n, e);
    Lanes<T> top = e[0], sum{};
    for (int64_t i = 1; i < n; ++i) top = maximum(e[i], top);
    for (int64_t i = 0; i < n; ++i) sum += e[i] = exp(e[i] - top);
    Lanes<T> rest;
    if constexpr (sizeof(T) == 4) rest = log(sum);
    else rest = each_lane(sum, [](T v) { return log(v); });
    store(tops + first, top, count);
    store(logs + first, rest, count);
    if (p) store_transposed(count, n, e, T(1) / sum, p + first * n);
  }
}

template <class T>
void log_sum_exp(int64_t rows, int64_t n, const T* x, T* tops, T* logs, T* p) {
  if (n <= kShortRow) return log_sum_exp_short(rows, n, x, tops, logs, p);
  weigh_rows(rows, n, x, [](auto...) {}, [&](int64_t r, T top, double sum) { tops[r] = top, logs[r] = log_of_sum<T>(sum); });
}

template <class T>
void cross_entropy_backward(int64_t rows, int64_t n, const T* x, const T* tops, const T* logs, const int64_t* target, const T* scale, T* dx) {
  bool one_scale = !tops;
  for (int64_t r = 0; r < rows; ++r) one_scale &= scale[r] == scale[0];
  if (one_scale) {
    for_each_lanes<T>(rows * n, [&](int64_t i, auto lanes) { store(dx + i, load(x + i, lanes) * scale[0], lanes); });
  } else {
    for (int64_t r = 0; r < rows; ++r) {
      const T s = scale[r], w = s / kWeightOfZero<T>, *const in = x + r * n;
      T* const out = dx + r * n;
      if (tops) for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(out + i, weight(load(in + i, lanes) - tops[r] - logs[r]) * w, lanes); });
      else for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(out + i, load(in + i, lanes) * s, lanes); });
    }
  }
  // By itself: a number that was just written with its neighbours is slow to read back.
  for (int64_t r = 0; r < rows; ++r)
    if (scale[r] != 0) dx[r * n + target[r]] -= scale[r];
}

template <class T>
constexpr SoftmaxFamily<T> family() {
  return {softmax<T>, log_softmax<T>, softmax_backward<T>, log_softmax_backward<T>, log_sum_exp<T>, cross_entropy_backward<T>};
}

}  // namespace

constinit const Both<SoftmaxFamily> Families::softmax{family<float>(), family<double>()};

}  // namespace ember::kernels::EMBER_ISA
