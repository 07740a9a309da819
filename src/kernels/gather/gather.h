// Moving and adding numbers and slices by index, on all threads. Memory is row-major, seen along one dimension as (outer, n, inner), and the
// indices are checked.
#pragma once

#include <ember/dtype.h>

namespace ember::kernels {

using std::int64_t;

struct Along {
  int64_t outer = 1, n = 1, inner = 1;
};

/// out[o, k, i] = in[o, index[o, k, i], i] of elements of the dtype; index and out have the form `to`.
void gather(DType dtype, const Along& from, const Along& to, const int64_t* index, const void* in, void* out);

enum class ScatterOp { Set, Add, Multiply };

/// out[o, index[o, k, i], i] = that op in[o, k, i], one after the other in the order of k; index and in have the form `from`.
void scatter(ScatterOp op, DType dtype, const Along& from, const Along& to, const int64_t* index, const void* in, void* out);

/// out[o, k, :] = in[o, index[k], :] for `count` indices.
void select_slices(DType dtype, const Along& from, int64_t count, const int64_t* index, const void* in, void* out);

/// What a target holds before slices are added.
enum class Before { Values, Nothing };

/// out[o, index[k], :] += in[o, k, :] for `count` indices, where Nothing counts as 0. Equal indices add up in the order of k.
void add_slices(DType dtype, Before before, const Along& to, int64_t count, const int64_t* index, const void* in, void* out);

}  // namespace ember::kernels
