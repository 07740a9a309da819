// Loops of batch norm and layer norm. Sums run in T for a few numbers a lane, then go on in double.
#include "kernels/norm.h"

#include "kernels/isa/lanes.h"

namespace ember::kernels::EMBER_ISA {
namespace {

/// Sums of T that end in doubles: add() up to 8 vectors, then flush().
template <class T>
struct WideSum;
template <>
struct WideSum<float> {
  DoubleLanes low{}, high{};
  void add(FloatLanes v) {
    low += widen_low(v);
    high += widen_high(v);
  }
  double total() const { return horizontal_sum(low + high); }
};
template <>
struct WideSum<double> {
  DoubleLanes sum{};
  void add(DoubleLanes v) { sum += v; }
  double total() const { return horizontal_sum(sum); }
};

/// total over i of term(i, lanes), terms being vectors; eight of them at a time are added in T.
template <class T, class Term>
EMBER_INLINE double wide_total(int64_t n, Term term) {
  constexpr int L = kLanes<T>;
  WideSum<T> sum;
  int64_t i = 0;
  for (; i + 8 * L <= n; i += 8 * L) {
    const Lanes<T> a = term(i, AllLanes{}) + term(i + L, AllLanes{}), b = term(i + 2 * L, AllLanes{}) + term(i + 3 * L, AllLanes{});
    const Lanes<T> c = term(i + 4 * L, AllLanes{}) + term(i + 5 * L, AllLanes{}), d = term(i + 6 * L, AllLanes{}) + term(i + 7 * L, AllLanes{});
    sum.add((a + b) + (c + d));
  }
  for (; i + L <= n; i += L) sum.add(term(i, AllLanes{}));
  if (i < n) sum.add(keep(term(i, int(n - i)), int(n - i)));
  return sum.total();
}

template <class T>
double sum(int64_t n, const T* x) {
  return wide_total<T>(n, [x](int64_t i, auto lanes) { return load(x + i, lanes); });
}

// The squares go into the double sum one by one: PyTorch adds them so, and its bits are those of this rounding.
template <class T>
double squares(int64_t n, const T* x, T mean) {
  WideSum<T> total;
  for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
    const Lanes<T> d = load(x + i, lanes) - mean;
    total.add(keep(d * d, lanes));
  });
  return total.total();
}

template <class T>
void products(int64_t n, const T* dy, const T* x, T mean, double* sum_out, double* product_out) {
  *sum_out += wide_total<T>(n, [dy](int64_t i, auto lanes) { return load(dy + i, lanes); });
  *product_out += wide_total<T>(n, [=](int64_t i, auto lanes) { return load(dy + i, lanes) * (load(x + i, lanes) - mean); });
}

template <class T>
void affine(int64_t n, const T* x, T alpha, T beta, bool relu, T* y) {
  if (relu)
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
      store(y + i, maximum(zeros<T>(), fma(load(x + i, lanes), broadcast(alpha), broadcast(beta))), lanes);
    });
  else
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) { store(y + i, fma(load(x + i, lanes), broadcast(alpha), broadcast(beta)), lanes); });
}

template <class T>
void gradient(int64_t n, const T* dy, const T* x, T a, T b, T c, T mean, T* dx) {
  for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
    const Lanes<T> shift = fma(load(x + i, lanes) - mean, broadcast(b), broadcast(c));
    store(dx + i, fma(load(dy + i, lanes), broadcast(a), shift), lanes);
  });
}

// --- columns. A strip of channels stays in registers while 16 rows pass, then joins the doubles.

template <class T, class Term>
EMBER_INLINE void column_total(int64_t rows, int64_t c, double* out, Term term) {
  constexpr int L = kLanes<T>;
  for (int64_t r0 = 0; r0 < rows; r0 += 16) {
    const int64_t r1 = r0 + 16 < rows ? r0 + 16 : rows;
    for_each_lanes<T>(c, [&](int64_t j, auto lanes) {
      Lanes<T> total = term(r0, j, lanes);
      for (int64_t r = r0 + 1; r < r1; ++r) total += term(r, j, lanes);
      T part[L];
      store(part, total);
      const int count = int(c - j < L ? c - j : L);
      for (int k = 0; k < count; ++k) out[j + k] += double(part[k]);
    });
  }
}

template <class T>
void column_sums(int64_t rows, int64_t c, const T* x, double* out) {
  column_total<T>(rows, c, out, [=](int64_t r, int64_t j, auto lanes) { return load(x + r * c + j, lanes); });
}

template <class T>
void column_squares(int64_t rows, int64_t c, const T* x, const T* mean, double* out) {
  column_total<T>(rows, c, out, [=](int64_t r, int64_t j, auto lanes) {
    const Lanes<T> d = load(x + r * c + j, lanes) - load(mean + j, lanes);
    return d * d;
  });
}

template <class T>
void column_products(int64_t rows, int64_t c, const T* dy, const T* x, const T* mean, double* sum_out, double* product_out) {
  for (int64_t r = 0; r < rows; r += 16) {  // both sums while the rows are in the cache
    const int64_t count = rows - r < 16 ? rows - r : 16;
    const T *g = dy + r * c, *v = x + r * c;
    column_total<T>(count, c, sum_out, [=](int64_t i, int64_t j, auto lanes) { return load(g + i * c + j, lanes); });
    column_total<T>(count, c, product_out, [=](int64_t i, int64_t j, auto lanes) {
      return load(g + i * c + j, lanes) * (load(v + i * c + j, lanes) - load(mean + j, lanes));
    });
  }
}

template <class T>
void column_affine(int64_t rows, int64_t c, const T* x, const T* alpha, const T* beta, bool relu, T* y) {
  for (int64_t r = 0; r < rows; ++r, x += c, y += c)
    for_each_lanes<T>(c, [&](int64_t j, auto lanes) {
      const Lanes<T> v = fma(load(x + j, lanes), load(alpha + j, lanes), load(beta + j, lanes));
      store(y + j, relu ? maximum(zeros<T>(), v) : v, lanes);
    });
}

template <class T>
void column_gradient(int64_t rows, int64_t c, const T* dy, const T* x, NormGradient<T> g, T* dx) {
  for (int64_t r = 0; r < rows; ++r, x += c, dy += c, dx += c)
    for_each_lanes<T>(c, [&](int64_t j, auto lanes) {
      const Lanes<T> shift = fma(load(x + j, lanes) - load(g.mean + j, lanes), load(g.b + j, lanes), load(g.c + j, lanes));
      store(dx + j, fma(load(dy + j, lanes), load(g.a + j, lanes), shift), lanes);
    });
}

// --- layer norm

template <class T>
void layer_forward(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, T* y, T* mean, T* rstd) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const T center = T(sum(n, x) / double(n));
    const double variance = wide_total<T>(n, [=](int64_t i, auto lanes) {
      const Lanes<T> d = load(x + i, lanes) - center;
      return keep(d * d, lanes);
    }) / double(n);
    const T scale = T(1 / square_root(variance + eps));
    mean[r] = center;
    rstd[r] = scale;
    for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
      Lanes<T> v = (load(x + i, lanes) - center) * scale;
      if (weight) v = v * load(weight + i, lanes);
      if (bias) v = v + load(bias + i, lanes);
      store(y + i, v, lanes);
    });
  }
}

// With xhat = (x - mean) rstd and g = dy weight: dx = rstd (g - mean(g) - xhat mean(g xhat)).
template <class T>
void layer_backward(int64_t rows, int64_t n, const T* dy, const T* x, const T* weight, const T* mean, const T* rstd, T* dx,
                    double* dweight, double* dbias) {
  for (int64_t r = 0; r < rows; ++r) {
    const T *g = dy + r * n, *v = x + r * n;
    const T center = mean[r], scale = rstd[r];
    const auto upstream = [=](int64_t i, auto lanes) { return weight ? load(g + i, lanes) * load(weight + i, lanes) : load(g + i, lanes); };
    if (dx) {
      const T first = T(wide_total<T>(n, upstream) / double(n));
      const T second = T(wide_total<T>(n, [=](int64_t i, auto lanes) { return upstream(i, lanes) * ((load(v + i, lanes) - center) * scale); }) / double(n));
      for_each_lanes<T>(n, [&](int64_t i, auto lanes) {
        const Lanes<T> xhat = (load(v + i, lanes) - center) * scale;
        store(dx + r * n + i, (upstream(i, lanes) - first - xhat * second) * scale, lanes);
      });
    }
    if (dweight)
      for (int64_t i = 0; i < n; ++i) dweight[i] += double(g[i] * ((v[i] - center) * scale));
    if (dbias)
      for (int64_t i = 0; i < n; ++i) dbias[i] += double(g[i]);
  }
}

template <class T>
constexpr NormFamily<T> family() {
  return {sum<T>,           squares<T>,         products<T>,      affine<T>,          gradient<T>,      column_sums<T>,
          column_squares<T>, column_products<T>, column_affine<T>, column_gradient<T>, layer_forward<T>, layer_backward<T>};
}

}  // namespace

extern const NormKernels norm_kernels;
constinit const NormKernels norm_kernels{family<float>(), family<double>()};

}  // namespace ember::kernels::EMBER_ISA
