// Products and distances beyond ember/ops/linalg.h. As the functions of the same names in torch.
#pragma once

#include <ember/ops/linalg.h>

namespace ember {

Tensor addbmm(const Tensor& x, const Tensor& a, const Tensor& b,
              AddmmOptions options = {});  ///< beta x + alpha times the sum of the products of the batch
Tensor addr(const Tensor& x, const Tensor& u, const Tensor& v, AddmmOptions options = {});  ///< beta x + alpha u v^T
Tensor inner(const Tensor& a, const Tensor& b);  ///< sums over the last dimension of both; a product where one has none
Tensor kron(const Tensor& a, const Tensor& b);   ///< each element of a times all of b, as blocks
/// Along dim, or the first dimension of size 3. Throws "linalg.cross: inputs dimension 0 must have length 3. Got 2 and 2".
Tensor cross(const Tensor& a, const Tensor& b);
Tensor cross(const Tensor& a, const Tensor& b, int64_t dim);
/// |a_i - b_j|_p between rows of matrices (..., n, d) and (..., m, d): (..., n, m). The gradient of a distance 0 is 0.
Tensor cdist(const Tensor& a, const Tensor& b, double p = 2);
Tensor pdist(const Tensor& x, double p = 2);  ///< |x_i - x_j|_p of all pairs of rows i < j, as a vector
/// x1^T W_o x2 + b_o for each output o: x1 (*, I), x2 (*, J), weight (O, I, J), bias (O) -> (*, O). As torch.nn.functional.bilinear.
Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight, const OptionalTensor& bias = {});

}  // namespace ember
