// The forward and backward recursions over the target with blanks between its labels.
#include "kernels/ctc/ctc.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels {
namespace {

template <class T>
constexpr T kNever = -std::numeric_limits<T>::infinity();

/// ln(e^a + e^b + e^c).
template <class T>
T log_sum(T a, T b, T c = kNever<T>) {
  const T top = std::max({a, b, c});
  if (top == kNever<T>) return top;
  return std::log(std::exp(a - top) + std::exp(b - top) + std::exp(c - top)) + top;
}

/// One sample: its labels with blanks between them.
struct Sample {
  const CtcBatch& at;
  int64_t b;
  int64_t steps() const { return at.input_lengths[b]; }
  int64_t states() const { return 2 * at.target_lengths[b] + 1; }
  int64_t label(int64_t s) const { return s % 2 == 0 ? at.blank : at.targets[at.target_at[b] + s / 2]; }
  /// May an alignment step over the blank between s - 2 and s?
  bool skips(int64_t s) const { return s > 1 && label(s) != label(s - 2); }
  template <class T>
  const T* row(const T* log_probs, int64_t t) const {
    return log_probs + (t * at.samples + b) * at.classes;
  }
};

template <class T>
double work_of(const CtcBatch& at) {
  return 20 * double(at.steps) * double(at.samples) * double(at.states());
}

template <class T>
T forward_sample(const Sample& x, const T* log_probs, T* alpha) {
  const int64_t n = x.states(), row = x.at.states();
  if (x.steps() == 0) return n == 1 ? T(0) : -kNever<T>;
  std::fill_n(alpha, n, kNever<T>);
  for (int64_t s = 0; s < std::min<int64_t>(2, n); ++s) alpha[s] = x.row(log_probs, 0)[x.label(s)];
  for (int64_t t = 1; t < x.steps(); ++t) {
    const T *const before = alpha + (t - 1) * row, *const p = x.row(log_probs, t);
    for (int64_t s = 0; s < n; ++s)
      alpha[t * row + s] = p[x.label(s)] + log_sum(before[s], s > 0 ? before[s - 1] : kNever<T>, x.skips(s) ? before[s - 2] : kNever<T>);
  }
  const T* const last = alpha + (x.steps() - 1) * row;
  return -log_sum(last[n - 1], n > 1 ? last[n - 2] : kNever<T>);
}

// With beta the probability of all endings, alpha beta / p is that of the alignments that are in state s at step t, and their share of all
// is e^(alpha + beta - ln p + loss). Of a class, the gradient is its probability less the shares of the states that have it as label.
template <class T>
void backward_sample(const Sample& x, const T* log_probs, T loss, const T* alpha, T dloss, T* grad) {
  const int64_t n = x.states(), row = x.at.states(), classes = x.at.classes;
  const Scratch<T> betas(2 * n), shares(classes);
  T *beta = betas, *later = betas + n;
  for (int64_t t = x.steps(); t-- > 0;) {
    const T* const p = x.row(log_probs, t);
    for (int64_t s = 0; s < n; ++s) {
      const T stay = t + 1 == x.steps()
                         ? (s + 2 >= n ? T(0) : kNever<T>)
                         : log_sum(later[s], s + 1 < n ? later[s + 1] : kNever<T>, s + 2 < n && x.skips(s + 2) ? later[s + 2] : kNever<T>);
      beta[s] = stay + p[x.label(s)];
    }
    std::fill_n(shares.data(), classes, kNever<T>);
    for (int64_t s = 0; s < n; ++s) shares[x.label(s)] = log_sum(shares[x.label(s)], alpha[t * row + s] + beta[s]);
    T* const g = grad + (t * x.at.samples + x.b) * classes;
    for (int64_t c = 0; c < classes; ++c) g[c] = (std::exp(p[c]) - std::exp(shares[c] + loss - p[c])) * dloss;
    std::swap(beta, later);
  }
}

}  // namespace

template <class T>
void ctc_forward(const CtcBatch& at, const T* log_probs, T* loss, T* alpha) {
  parallel_for(at.samples, 1, work_of<T>(at), [&](int64_t first, int64_t end) {
    for (int64_t b = first; b < end; ++b) loss[b] = forward_sample({at, b}, log_probs, alpha + b * at.steps * at.states());
  });
}

template <class T>
void ctc_backward(const CtcBatch& at, const T* log_probs, const T* loss, const T* alpha, const T* dloss, bool zero_infinity, T* grad) {
  std::fill_n(grad, at.steps * at.samples * at.classes, T(0));
  parallel_for(at.samples, 1, 2 * work_of<T>(at), [&](int64_t first, int64_t end) {
    for (int64_t b = first; b < end; ++b)
      if (!zero_infinity || loss[b] != std::numeric_limits<T>::infinity())
        backward_sample({at, b}, log_probs, loss[b], alpha + b * at.steps * at.states(), dloss[b], grad);
  });
}

template void ctc_forward(const CtcBatch&, const float*, float*, float*);
template void ctc_forward(const CtcBatch&, const double*, double*, double*);
template void ctc_backward(const CtcBatch&, const float*, const float*, const float*, const float*, bool, float*);
template void ctc_backward(const CtcBatch&, const double*, const double*, const double*, const double*, bool, double*);

}  // namespace ember::kernels
