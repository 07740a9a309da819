// Scaled dot product attention in tiles: at any time a core holds the scores of some queries and some keys, never the whole matrix.
// Dao et al. 2022, Rabe & Staats 2021.
#pragma once

#include <cstdint>

namespace ember::kernels {

/// A tensor (batch, heads, rows, width) whose rows are contiguous.
template <class T>
struct Heads {
  T* data;
  int64_t batch_stride, head_stride, row_stride;
  T* at(int64_t batch, int64_t head, int64_t row) const { return data + batch * batch_stride + head * head_stride + row * row_stride; }
};

/// Sizes of q (batch, heads, queries, width), k (batch, key_heads, keys, width) and v (batch, key_heads, keys, out): `heads / key_heads`
/// heads of q share one of k and v.
struct AttentionShape {
  int64_t batch, heads, key_heads, queries, keys, width, out;
  double scale;
  bool causal;  ///< query i sees the keys up to i
};

/// y = softmax(q k^T scale + mask) v, and of each query the logarithm of its sum, (batch, heads, queries); 0 where it sees no key. mask.data
/// may be null.
template <class T>
void attention(const AttentionShape& shape, Heads<const T> q, Heads<const T> k, Heads<const T> v, Heads<const T> mask, Heads<T> y, T* log_sums);

/// The gradients; the tiles of scores are computed again.
template <class T>
void attention_backward(const AttentionShape& shape, Heads<const T> q, Heads<const T> k, Heads<const T> v, Heads<const T> mask, Heads<const T> y,
                        const T* log_sums, Heads<const T> dy, Heads<T> dq, Heads<T> dk, Heads<T> dv);

// ---------------------------------------------------------------------------------------------------------------------------
// One instruction set's part.

/// A tile of scores, rows x columns; row r takes part up to column `seen + r`, or whole where seen < 0 counts nothing.
template <class T>
struct ScoreTile {
  int64_t rows, columns;
  T* scores;  ///< contiguous
  T scale;
  const T* mask;  ///< null: none
  int64_t mask_row;
  bool causal;
  int64_t first_seen;  ///< causal: row r sees its first `first_seen + r` columns
  int64_t seen(int64_t r) const {
    const int64_t n = first_seen + r;
    return !causal || n > columns ? columns : n < 0 ? 0 : n;
  }
};

template <class T>
struct AttentionLoops {
  /// scores = e^(scores scale + mask - top) with the top of all tiles so far; sum and top of each row go on, and factor says by what the
  /// results so far have to be multiplied.
  void (*weights)(const ScoreTile<T>& tile, T* top, T* sum, T* factor);
  /// y[r] *= factor[r]
  void (*scale_rows)(int64_t rows, int64_t columns, const T* factor, T* y, int64_t y_row);
  /// sums[r] = x[r] . y[r]
  void (*dot_rows)(int64_t rows, int64_t columns, const T* x, int64_t x_row, const T* y, int64_t y_row, T* sums);
  /// scores = p = e^(scores scale + mask - log_sum), d = p (d - delta) scale
  void (*gradient)(const ScoreTile<T>& tile, const T* log_sum, const T* delta, T* d);
};

}  // namespace ember::kernels
