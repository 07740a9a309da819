// Products of matrices and vectors. As the functions of the same names in torch.
#pragma once

#include <ember/ops/then.h>

namespace ember {

/// x W^T + b over the last dimension: x (..., in), W (out, in), b (out) or undefined -> (..., out). As torch.nn.functional.linear.
/// Throws "mat1 and mat2 shapes cannot be multiplied (2x5 and 4x3)". Of a tail a ReLU runs in the same pass.
Tensor linear(const Tensor& x, const Tensor& weight, const OptionalTensor& bias = {}, const Then& then = {});

/// The product of a and b: of vectors the dot product; with one vector the matrix-vector product; of matrices theirs; beyond two
/// dimensions batches of matrices, whose leading dimensions broadcast.
Tensor matmul(const Tensor& a, const Tensor& b);
Tensor mm(const Tensor& a, const Tensor& b);   ///< (n, k), (k, m) -> (n, m)
Tensor mv(const Tensor& a, const Tensor& x);   ///< (n, k), (k) -> (n)
Tensor dot(const Tensor& x, const Tensor& y);  ///< (n), (n) -> ()
Tensor bmm(const Tensor& a, const Tensor& b);  ///< (b, n, k), (b, k, m) -> (b, n, m)
Tensor outer(const Tensor& x, const Tensor& y);
struct AddmmOptions {
  Scalar beta = 1, alpha = 1;
};
/// beta * x + alpha * (a b), x broadcast. With beta 0, NaN of x do not count.
Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, AddmmOptions options = {});
Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& v, AddmmOptions options = {});
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, AddmmOptions options = {});
Tensor trace(const Tensor& x);  ///< the sum of the diagonal of a matrix

/// Sums of products by Einstein's convention: einsum("bij,bjk->bik", {a, b}); "..." stands for further dimensions.
Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands);
/// Contracts the last `dims` dimensions of a with the first ones of b, or the ones named.
Tensor tensordot(const Tensor& a, const Tensor& b, int64_t dims = 2);
Tensor tensordot(const Tensor& a, const Tensor& b, IntArrayRef dims_a, IntArrayRef dims_b);

}  // namespace ember
