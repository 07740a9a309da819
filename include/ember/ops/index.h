// Picking and placing by index. Indices are int64 tensors. As the functions of the same names in torch; the `_` forms are methods
// of Tensor. x.index({...}) and x.index_put_({...}, v), the brackets of Python, are methods, too (ember/tensor.h).
#pragma once

#include <ember/tensor.h>

namespace ember {

/// Slices of x along dim at a 0- or 1-D index. Throws IndexError "index out of range in self".
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
/// x with alpha * source's slices added at index.
Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1);

/// y[i][j][k] = x[index[i][j][k]][j][k] for dim 0, and so on. index has x's number of dimensions and is nowhere larger, but in dim.
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
/// x with y[index[i][j][k]][j][k] = source[i][j][k] for dim 0; the last one stays where an index occurs twice.
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Operand& source);
/// The same with y[...] += source or *= source. Not differentiable with Multiply.
enum class ScatterReduce : std::uint8_t { Add, Multiply };
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Operand& source, ScatterReduce reduce);
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
/// gather with x and indices broadcast against each other outside dim.
Tensor take_along_dim(const Tensor& x, const Tensor& indices, int64_t dim);
Tensor take_along_dim(const Tensor& x, const Tensor& indices);  ///< of the flattened x

/// The elements where the mask is true, as a vector; mask and x broadcast.
Tensor masked_select(const Tensor& x, const Tensor& mask);
/// Positions of the elements other than 0: (count, x.dim()) int64, row-major order.
Tensor nonzero(const Tensor& x);
Tensor argwhere(const Tensor& x);

/// x with x[indices] = values, or += values. As torch.index_put.
Tensor index_put(const Tensor& x, const std::vector<TensorIndex>& indices, const Tensor& values, bool accumulate = false);

}  // namespace ember
