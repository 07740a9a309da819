// Sums, products, extremes and their positions, running sums, moments. Real sums go into doubles every few additions, so that
// float32 results are rounded about once.
#include "kernels/families.isa.h"
#include "kernels/lanes/folds.h"
#include "kernels/reduce/reduce.h"

namespace ember::kernels::EMBER_ISA {
namespace {

// --- rows: n numbers side by side

/// Sums of floats: eight numbers a lane in float, then on in double.
double sum_row(int64_t n, const float* x) {
  constexpr int L = kLanes<float>, kBlock = 8 * L;
  DoubleLanes low{}, high{};
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    const float* p = x + i;
    const FloatLanes a = load(p) + load(p + L), b = load(p + 2 * L) + load(p + 3 * L);
    const FloatLanes c = load(p + 4 * L) + load(p + 5 * L), d = load(p + 6 * L) + load(p + 7 * L);
    const FloatLanes sum = (a + b) + (c + d);
    low += widen_low(sum);
    high += widen_high(sum);
  }
  for (; i + L <= n; i += L) {
    const FloatLanes v = load(x + i);
    low += widen_low(v);
    high += widen_high(v);
  }
  double total = horizontal_sum(low + high);
  for (; i < n; ++i) total += double(x[i]);
  return total;
}

double sum_row(int64_t n, const double* x) {
  constexpr int L = kLanes<double>;
  DoubleLanes a{}, b{}, c{}, d{};
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
    a += load(x + i);
    b += load(x + i + L);
    c += load(x + i + 2 * L);
    d += load(x + i + 3 * L);
  }
  double total = horizontal_sum((a + b) + (c + d));
  for (; i < n; ++i) total += x[i];
  return total;
}

int64_t sum_row(int64_t n, const int64_t* x) {
  std::uint64_t total = 0;  // wraps
  for (int64_t i = 0; i < n; ++i) total += std::uint64_t(x[i]);
  return int64_t(total);
}

struct Sum {
  template <class T>
  static T row(int64_t n, const T* x) {
    return T(sum_row(n, x));
  }
  template <class A>
  static A add(A a, A b) {
    return a + b;
  }
  template <class A>
  static constexpr A kStart = 0;
};

struct Prod {
  template <class T>
  static T row(int64_t n, const T* x) {
    constexpr int L = kLanes<T>;
    Lanes<T> parts[4];
    for (Lanes<T>& part : parts) part = Lanes<T>{} + T(1);
    int64_t i = 0;
    for (; i + 4 * L <= n; i += 4 * L)
      for (int j = 0; j < 4; ++j) parts[j] *= load(x + i + j * L);
    T product = fold((parts[0] * parts[1]) * (parts[2] * parts[3]), [](T a, T b) { return T(a * b); });
    for (; i < n; ++i) product *= x[i];
    return product;
  }
  template <class A>
  static A add(A a, A b) {
    return a * b;
  }
  template <class A>
  static constexpr A kStart = 1;
};

/// `above(a, b)`: does a beat b. NaN beats everything and is kept.
template <class Order>
struct Extreme {
  template <class T>
  static T add(T best, T x) {
    return best != best ? best : Order::above(best, x) ? best : x;
  }
  template <class T>
  static T row(int64_t n, const T* x) {
    if constexpr (__is_same(T, float) || __is_same(T, double)) {
      constexpr int L = kLanes<T>;
      if (n < 2 * L) return short_row(n, x);
      Lanes<T> best = load(x), nan = best;
      for (int64_t i = L; i + L <= n; i += L) {
        const Lanes<T> v = load(x + i);
        best = select(Order::above(v, best), v, best);
        nan = select(is_nan(v), v, nan);
      }
      const Lanes<T> last = load(x + n - L);
      best = select(Order::above(last, best), last, best);
      nan = select(is_nan(last), last, nan);
      if (any(is_nan(nan))) return T(__builtin_nan(""));
      return fold(best, [](T a, T b) { return Order::above(a, b) ? a : b; });
    } else {
      return short_row(n, x);
    }
  }
  template <class T>
  static T short_row(int64_t n, const T* x) {
    T best = x[0];
    for (int64_t i = 1; i < n; ++i) best = add(best, x[i]);
    return best;
  }
};
struct Above {
  template <class A>
  static auto above(A a, A b) {
    return a > b;
  }
};
struct Below {
  template <class A>
  static auto above(A a, A b) {
    return a < b;
  }
};

// --- columns: the reduced dimension lies outside, neighbours in memory belong to different results

/// Adds `rows` numbers of each column to its total: in T among themselves, so that few additions are in doubles. Inlined, two
/// blocks would become one of twice as many rows, whose streams get in each other's way.
template <class R, int rows, class T, class Wide>
[[gnu::noinline]] void add_block(int64_t width, int64_t step, const T* __restrict x, Wide* __restrict total) {
  for (int64_t i = 0; i < width; ++i) {
    T part = x[i];
#pragma GCC unroll 16
    for (int k = 1; k < rows; ++k) part = R::add(part, x[k * step + i]);
    total[i] = R::add(total[i], Wide(part));
  }
}

/// Rows are read side by side in blocks, along memory; the totals of a panel of columns stay in the nearest cache.
template <class R, class T, class Wide>
void add_columns(int64_t n, int64_t inner, int64_t step, const T* x, T* y) {
  constexpr int kPanel = 1024, kBlock = 4;
  Wide total[kPanel];
  for (int64_t i0 = 0; i0 < inner; i0 += kPanel) {
    const int64_t width = inner - i0 < kPanel ? inner - i0 : kPanel;
    for (int64_t i = 0; i < width; ++i) total[i] = R::template kStart<Wide>;
    int64_t k = 0;
    for (; k + kBlock <= n; k += kBlock) add_block<R, kBlock>(width, step, x + k * step + i0, total);
    for (; k < n; ++k) add_block<R, 1>(width, step, x + k * step + i0, total);
    for (int64_t i = 0; i < width; ++i) y[i0 + i] = T(total[i]);
  }
}

template <class R, class T>
void extreme_columns(int64_t n, int64_t inner, int64_t step, const T* x, T* y) {
  for (int64_t i = 0; i < inner; ++i) y[i] = x[i];
  for (int64_t k = 1; k < n; ++k)
    for (int64_t i = 0; i < inner; ++i) y[i] = R::add(y[i], x[k * step + i]);
}

template <class R, class T, class Wide>
void add_all(const ReduceCall& c) {
  for (int64_t o = 0; o < c.outer; ++o) {
    const T* x = static_cast<const T*>(c.x) + o * c.x_outer;
    T* y = static_cast<T*>(c.y) + o * c.y_outer;
    if (c.inner == 1 && c.step == 1) *y = R::template row<T>(c.n, x);
    else add_columns<R, T, Wide>(c.n, c.inner, c.step, x, y);
  }
}

template <class R, class T>
void extremes(const ReduceCall& c) {
  for (int64_t o = 0; o < c.outer; ++o) {
    const T* x = static_cast<const T*>(c.x) + o * c.x_outer;
    T* y = static_cast<T*>(c.y) + o * c.y_outer;
    if (c.inner == 1 && c.step == 1) *y = R::template row<T>(c.n, x);
    else extreme_columns<R, T>(c.n, c.inner, c.step, x, y);
  }
}

template <class Order, class T>
void positions(const ReduceCall& c) {
  for (int64_t o = 0; o < c.outer; ++o) {
    const T* x = static_cast<const T*>(c.x) + o * c.x_outer;
    int64_t* y = static_cast<int64_t*>(c.y) + o * c.y_outer;
    for (int64_t i = 0; i < c.inner; ++i) {
      T best = x[i];
      int64_t at = 0;
      for (int64_t k = 1; k < c.n && best == best; ++k) {
        const T v = x[k * c.step + i];
        if (Order::above(v, best) || v != v) {
          best = v;
          at = k;
        }
      }
      y[i] = at;
    }
  }
}

/// Running results; the sum of floats runs in double. Columns side by side go along memory, their totals in the nearest cache.
template <class R, class T, class Wide>
void running(const ReduceCall& c) {
  constexpr int kPanel = 1024;
  for (int64_t o = 0; o < c.outer; ++o)
    for (int64_t i0 = 0; i0 < c.inner; i0 += kPanel) {
      const T* __restrict x = static_cast<const T*>(c.x) + o * c.x_outer + i0;
      T* __restrict y = static_cast<T*>(c.y) + o * c.y_outer + i0;
      const int64_t width = c.inner - i0 < kPanel ? c.inner - i0 : kPanel;
      Wide total[kPanel];
      for (int64_t i = 0; i < width; ++i) total[i] = R::template kStart<Wide>;
      if (width == 1)
        for (int64_t k = 0; k < c.n; ++k) y[k * c.step] = T(total[0] = R::add(total[0], Wide(x[k * c.step])));
      else
        for (int64_t k = 0; k < c.n; ++k)
          for (int64_t i = 0; i < width; ++i) y[k * c.step + i] = T(total[i] = R::add(total[i], Wide(x[k * c.step + i])));
    }
}

// --- mean and squared deviations, in two passes over a row

template <class T>
void moments(int64_t rows, int64_t n, const T* x, double* mean, double* squares) {
  for (int64_t r = 0; r < rows; ++r, x += n) {
    const double center = double(sum_row(n, x)) / double(n);
    double part[8] = {};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
      for (int j = 0; j < 8; ++j) part[j] += (double(x[i + j]) - center) * (double(x[i + j]) - center);
    for (; i < n; ++i) part[0] += (double(x[i]) - center) * (double(x[i]) - center);
    mean[r] = center;
    squares[r] = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
  }
}

template <class R>
constexpr void add_rows(ReduceKernels& t, Reduction reduction, Reduction cumulative) {
  t.loops[int(reduction)][int(kFloat32)] = add_all<R, float, double>;
  t.loops[int(reduction)][int(kFloat64)] = add_all<R, double, double>;
  t.loops[int(reduction)][int(kInt64)] = add_all<R, int64_t, int64_t>;
  t.loops[int(cumulative)][int(kFloat32)] = running<R, float, double>;
  t.loops[int(cumulative)][int(kFloat64)] = running<R, double, double>;
  t.loops[int(cumulative)][int(kInt64)] = running<R, int64_t, int64_t>;
}

template <class Order>
constexpr void extreme_rows(ReduceKernels& t, Reduction value, Reduction position) {
  t.loops[int(value)][int(kFloat32)] = extremes<Extreme<Order>, float>;
  t.loops[int(value)][int(kFloat64)] = extremes<Extreme<Order>, double>;
  t.loops[int(value)][int(kInt64)] = extremes<Extreme<Order>, int64_t>;
  t.loops[int(value)][int(kUInt8)] = extremes<Extreme<Order>, std::uint8_t>;
  t.loops[int(value)][int(kBool)] = extremes<Extreme<Order>, std::uint8_t>;
  t.loops[int(position)][int(kFloat32)] = positions<Order, float>;
  t.loops[int(position)][int(kFloat64)] = positions<Order, double>;
  t.loops[int(position)][int(kInt64)] = positions<Order, int64_t>;
  t.loops[int(position)][int(kUInt8)] = positions<Order, std::uint8_t>;
  t.loops[int(position)][int(kBool)] = positions<Order, std::uint8_t>;
}

constexpr ReduceKernels make_table() {
  ReduceKernels t{};
  add_rows<Sum>(t, Reduction::Sum, Reduction::CumSum);
  add_rows<Prod>(t, Reduction::Prod, Reduction::CumProd);
  extreme_rows<Above>(t, Reduction::Max, Reduction::ArgMax);
  extreme_rows<Below>(t, Reduction::Min, Reduction::ArgMin);
  return t;
}

}  // namespace

constinit const ReduceKernels Families::reduce = make_table();
constinit const Both<MomentLoops> Families::moments{{EMBER_ISA::moments<float>}, {EMBER_ISA::moments<double>}};

}  // namespace ember::kernels::EMBER_ISA
