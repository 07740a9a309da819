// Cuts attention into tiles of queries and keys, and shares heads and queries between the threads.
#include "kernels/attention/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels {
namespace {

constexpr int64_t kQueries = 64, kKeys = 128;  // of a tile: the scores and their gradients fit the second-level cache

template <class T>
void clear(int64_t rows, int64_t columns, T* data, int64_t row) {
  for (int64_t r = 0; r < rows; ++r) std::fill_n(data + r * row, columns, T(0));
}

/// c += a b, or c = a b, of rows that are contiguous.
template <class T>
void product(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row, const T* b, int64_t b_row, T* c, int64_t c_row, bool accumulate) {
  gemm<T>(m, n, k, {a, a_row, 1}, {b, b_row, 1}, c, c_row, {accumulate, nullptr, false});
}
/// c = a b^T
template <class T>
void product_of_rows(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row, const T* b, int64_t b_row, T* c) {
  gemm<T>(m, n, k, {a, a_row, 1}, {b, 1, b_row}, c, n);
}
/// c += a^T b
template <class T>
void add_product_of_columns(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row, const T* b, int64_t b_row, T* c, int64_t c_row) {
  gemm<T>(m, n, k, {a, 1, a_row}, {b, b_row, 1}, c, c_row, {true, nullptr, false});
}

/// The keys that the queries [i, i + rows) see of all.
int64_t seen_keys(const AttentionShape& s, int64_t i, int64_t rows) { return s.causal ? std::min(s.keys, i + rows) : s.keys; }

template <class T>
ScoreTile<T> tile_of(const AttentionShape& s, Heads<const T> mask, int64_t batch, int64_t head, int64_t i, int64_t rows, int64_t j, int64_t columns,
                     T* scores) {
  return {rows, columns, scores, T(s.scale), mask.data ? mask.at(batch, head, i) + j : nullptr, mask.row_stride, s.causal, i - j + 1};
}

/// Multiply-adds of all scores and what they weigh, in the pool's steps.
double work_of(const AttentionShape& s, double products) {
  return products * double(s.batch * s.heads) * double(s.queries) * double(s.keys) * double(s.width + s.out) / 16;
}

/// One block of queries of one head against all keys.
template <class T>
void attend(const AttentionShape& s, Heads<const T> q, Heads<const T> k, Heads<const T> v, Heads<const T> mask, Heads<T> y, T* log_sums,
            int64_t batch, int64_t head, int64_t i) {
  const AttentionLoops<T>& loops = attention_loops<T>();
  const int64_t rows = std::min(kQueries, s.queries - i), key_head = head / (s.heads / s.key_heads), end = seen_keys(s, i, rows);
  const Scratch<T> scores(kQueries * kKeys);
  T top[kQueries], sum[kQueries] = {}, factor[kQueries];
  std::fill_n(top, rows, -std::numeric_limits<T>::infinity());
  T* const out = y.at(batch, head, i);
  clear(rows, s.out, out, y.row_stride);
  for (int64_t j = 0; j < end; j += kKeys) {
    const int64_t columns = std::min(kKeys, end - j);
    product_of_rows(rows, columns, s.width, q.at(batch, head, i), q.row_stride, k.at(batch, key_head, j), k.row_stride, scores.data());
    loops.weights(tile_of(s, mask, batch, head, i, rows, j, columns, scores.data()), top, sum, factor);
    if (j > 0) loops.scale_rows(rows, s.out, factor, out, y.row_stride);
    product<T>(rows, s.out, columns, scores, columns, v.at(batch, key_head, j), v.row_stride, out, y.row_stride, true);
  }
  for (int64_t r = 0; r < rows; ++r) {
    factor[r] = sum[r] == T(0) ? T(0) : T(1) / sum[r];
    log_sums[(batch * s.heads + head) * s.queries + i + r] = sum[r] == T(0) ? T(0) : top[r] + std::log(sum[r]);
  }
  loops.scale_rows(rows, s.out, factor, out, y.row_stride);
}

/// The gradients of one head of k and v, and of the heads of q that share it.
template <class T>
struct BackwardOfHead {
  const AttentionShape& s;
  Heads<const T> q, k, v, mask, y;
  const T* log_sums;
  Heads<const T> dy;
  Heads<T> dq, dk, dv;
  const AttentionLoops<T>& loops = attention_loops<T>();
  const Scratch<T> scores{kQueries * kKeys}, d_scores{kQueries * kKeys};

  void run(int64_t batch, int64_t key_head) const {
    clear(s.keys, s.width, dk.at(batch, key_head, 0), dk.row_stride);
    clear(s.keys, s.out, dv.at(batch, key_head, 0), dv.row_stride);
    const int64_t group = s.heads / s.key_heads;
    for (int64_t head = key_head * group; head < (key_head + 1) * group; ++head) {
      clear(s.queries, s.width, dq.at(batch, head, 0), dq.row_stride);
      for (int64_t i = 0; i < s.queries; i += kQueries) run_block(batch, key_head, head, i, std::min(kQueries, s.queries - i));
    }
  }

  // With p the weights: dv += p^T dy, dp = dy v^T, ds = p (dp - rowsum(dy y)) scale, dq += ds k, dk += ds^T q.
  void run_block(int64_t batch, int64_t key_head, int64_t head, int64_t i, int64_t rows) const {
    T delta[kQueries];
    const T* const dy_block = dy.at(batch, head, i);
    loops.dot_rows(rows, s.out, dy_block, dy.row_stride, y.at(batch, head, i), y.row_stride, delta);
    const int64_t end = seen_keys(s, i, rows);
    for (int64_t j = 0; j < end; j += kKeys) {
      const int64_t columns = std::min(kKeys, end - j);
      const T *const q_block = q.at(batch, head, i), *const k_block = k.at(batch, key_head, j);
      product_of_rows(rows, columns, s.width, q_block, q.row_stride, k_block, k.row_stride, scores.data());
      product_of_rows(rows, columns, s.out, dy_block, dy.row_stride, v.at(batch, key_head, j), v.row_stride, d_scores.data());
      loops.gradient(tile_of(s, mask, batch, head, i, rows, j, columns, scores.data()), log_sums + (batch * s.heads + head) * s.queries + i, delta,
                     d_scores);
      add_product_of_columns<T>(columns, s.out, rows, scores, columns, dy_block, dy.row_stride, dv.at(batch, key_head, j), dv.row_stride);
      product<T>(rows, s.width, columns, d_scores, columns, k_block, k.row_stride, dq.at(batch, head, i), dq.row_stride, true);
      add_product_of_columns<T>(columns, s.width, rows, d_scores, columns, q_block, q.row_stride, dk.at(batch, key_head, j), dk.row_stride);
    }
  }
};

}  // namespace

template <class T>
void attention(const AttentionShape& s, Heads<const T> q, Heads<const T> k, Heads<const T> v, Heads<const T> mask, Heads<T> y, T* log_sums) {
  const int64_t blocks = (s.queries + kQueries - 1) / kQueries;
  parallel_for(s.batch * s.heads * blocks, 1, work_of(s, 1), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t head = task / blocks;
      attend(s, q, k, v, mask, y, log_sums, head / s.heads, head % s.heads, task % blocks * kQueries);
    }
  });
}

template <class T>
void attention_backward(const AttentionShape& s, Heads<const T> q, Heads<const T> k, Heads<const T> v, Heads<const T> mask, Heads<const T> y,
                        const T* log_sums, Heads<const T> dy, Heads<T> dq, Heads<T> dk, Heads<T> dv) {
  parallel_for(s.batch * s.key_heads, 1, work_of(s, 2.5), [&](int64_t begin, int64_t end) {
    const BackwardOfHead<T> backward{s, q, k, v, mask, y, log_sums, dy, dq, dk, dv};
    for (int64_t task = begin; task < end; ++task) backward.run(task / s.key_heads, task % s.key_heads);
  });
}

template void attention(const AttentionShape&, Heads<const float>, Heads<const float>, Heads<const float>, Heads<const float>, Heads<float>, float*);
template void attention(const AttentionShape&, Heads<const double>, Heads<const double>, Heads<const double>, Heads<const double>, Heads<double>,
                        double*);
template void attention_backward(const AttentionShape&, Heads<const float>, Heads<const float>, Heads<const float>, Heads<const float>,
                                 Heads<const float>, const float*, Heads<const float>, Heads<float>, Heads<float>, Heads<float>);
template void attention_backward(const AttentionShape&, Heads<const double>, Heads<const double>, Heads<const double>, Heads<const double>,
                                 Heads<const double>, const double*, Heads<const double>, Heads<double>, Heads<double>, Heads<double>);

}  // namespace ember::kernels
