// Reductions beyond those of ember/ops/reduce.h: without NaN, running extremes, order, differences, covariance. As the functions of the same
// names in torch.
#pragma once

#include <ember/ops/histogram.h>
#include <ember/ops/reduce.h>

namespace ember {

// --- NaN left out
Tensor nansum(const Tensor& x, const Dims& dims = {}, bool keepdim = false, DType dtype = DType::Undefined);   ///< NaN counts as 0
Tensor nanmean(const Tensor& x, const Dims& dims = {}, bool keepdim = false, DType dtype = DType::Undefined);  ///< of what is not NaN
Tensor nanmedian(const Tensor& x);                                                                             ///< the lower one of two middle values
ValuesIndices nanmedian(const Tensor& x, int64_t dim, bool keepdim = false);                                   ///< along dim, and where it stands
/// quantile of what is not NaN.
Tensor nanquantile(const Tensor& x, double q, Interpolation interpolation = Interpolation::Linear);
Tensor nanquantile(const Tensor& x, double q, int64_t dim, bool keepdim = false, Interpolation interpolation = Interpolation::Linear);
Tensor nanquantile(const Tensor& x, const Tensor& q, Interpolation interpolation = Interpolation::Linear);
Tensor nanquantile(const Tensor& x, const Tensor& q, int64_t dim, bool keepdim = false, Interpolation interpolation = Interpolation::Linear);

// --- along one dimension
ValuesIndices cummax(const Tensor& x, int64_t dim);  ///< the largest so far, the last of equals, and its index; a NaN stays
ValuesIndices cummin(const Tensor& x, int64_t dim);  ///< the smallest so far
Tensor logcumsumexp(const Tensor& x, int64_t dim);   ///< ln of the running sums of e^x, without overflow
/// The k-th smallest, from 1, and its index; NaN counts as largest. Throws "kthvalue(): selected number k out of range for dimension 0".
ValuesIndices kthvalue(const Tensor& x, int64_t k, int64_t dim = -1, bool keepdim = false);
ValuesIndices mode(const Tensor& x, int64_t dim = -1,
                   bool keepdim = false);  ///< the most frequent value, the smallest of several, and an index of it
struct DiffOptions {
  int64_t n = 1, dim = -1;                   ///< how often, along what
  OptionalTensor prepend = {}, append = {};  ///< joined to x before
};
Tensor diff(const Tensor& x, const DiffOptions& options = {});         ///< x[i + 1] - x[i]; of bools whether they differ
Tensor trapezoid(const Tensor& y, double dx = 1, int64_t dim = -1);    ///< the integral of points dx apart, by straight lines between them
Tensor trapezoid(const Tensor& y, const Tensor& x, int64_t dim = -1);  ///< of points at x

// --- of all
Tensor dist(const Tensor& a, const Tensor& b, double p = 2);  ///< norm(a - b, p)
struct CovOptions {
  int64_t correction = 1;
  OptionalTensor fweights = {}, aweights = {};  ///< how often, and how much, each observation counts
};
Tensor cov(const Tensor& x, const CovOptions& options = {});  ///< covariances of variables (rows) over observations (columns)
Tensor corrcoef(const Tensor& x);                             ///< cov scaled to ones on the diagonal

}  // namespace ember
