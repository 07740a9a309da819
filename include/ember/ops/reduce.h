// Reductions: sums, means, extremes, norms, positions, running sums, sorting. `dims` left out means all of them; a number or a list
// names some; keepdim leaves them with size 1. Each function is a method of Tensor too. As the functions of the same names in torch.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// Sum in the dtype of x (bools and small integers: int64) or the one that is named. The sum of nothing is 0.
Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false, DType dtype = DType::Undefined);
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false, DType dtype = DType::Undefined);
Tensor prod(const Tensor& x, DType dtype = DType::Undefined);
Tensor prod(const Tensor& x, int64_t dim, bool keepdim = false, DType dtype = DType::Undefined);
Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false);  ///< ties share the gradient
Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
struct MinMax {
  Tensor min, max;
};
MinMax aminmax(const Tensor& x, const Dims& dim = {}, bool keepdim = false);  ///< both in one call

Tensor max(const Tensor& x);  ///< over everything; ties share the gradient
Tensor min(const Tensor& x);  ///< over everything; ties share the gradient
struct ValuesIndices {
  Tensor values, indices;
};
ValuesIndices max(const Tensor& x, int64_t dim, bool keepdim = false);  ///< the first of equals has the gradient
ValuesIndices min(const Tensor& x, int64_t dim, bool keepdim = false);  ///< over everything; ties share the gradient
Tensor argmax(const Tensor& x);                                         ///< into the flattened x; a NaN is the largest; the first of equals
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim = false);      ///< the first of equals; a NaN is the largest
Tensor argmin(const Tensor& x);                                         ///< the first of equals; a NaN is the smallest
Tensor argmin(const Tensor& x, int64_t dim, bool keepdim = false);      ///< the first of equals; a NaN is the smallest

/// Sum of squared deviations from the mean over n - correction: 1 is the unbiased estimate, 0 the biased one.
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
template <class T>
  requires std::is_same_v<T, bool>
Tensor var(const Tensor& x, T unbiased) {
  return var(x, Dims(), unbiased);
}
/// The square root of var.
Tensor std(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
template <class T>
  requires std::is_same_v<T, bool>
Tensor std(const Tensor& x, T unbiased) {
  return std(x, Dims(), unbiased);
}
struct VarMean {
  Tensor var, mean;
};
struct StdMean {
  Tensor std, mean;
};
VarMean var_mean(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);  ///< both from one pass
StdMean std_mean(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);  ///< both from one pass

Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false);  ///< ln sum e^x, without overflow
Tensor all(const Tensor& x, const Dims& dims = {}, bool keepdim = false);   ///< is everything other than 0? True of nothing
Tensor any(const Tensor& x, const Dims& dims = {}, bool keepdim = false);   ///< is anything other than 0?
Tensor count_nonzero(const Tensor& x, const Dims& dims = {});               ///< how many are other than 0
/// (sum |x|^p)^(1/p); p = inf is the largest |x|, 0 the number of values other than 0. Gradient 0 at the zero vector.
Tensor norm(const Tensor& x, double p = 2, const Dims& dims = {}, bool keepdim = false);
namespace linalg {
Tensor vector_norm(const Tensor& x, double ord = 2, const Dims& dims = {}, bool keepdim = false);
}

Tensor cumsum(const Tensor& x, int64_t dim, DType dtype = DType::Undefined);   ///< running sums along dim
Tensor cumprod(const Tensor& x, int64_t dim, DType dtype = DType::Undefined);  ///< running products along dim

// --- order
Tensor median(const Tensor& x);                                            ///< the lower one of two middle values
ValuesIndices median(const Tensor& x, int64_t dim, bool keepdim = false);  ///< the lower one of two middle values, and its index
ValuesIndices sort(const Tensor& x, int64_t dim = -1, bool descending = false, bool stable = false);        ///< NaN counts as largest
Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false, bool stable = false);            ///< the indices of sort
ValuesIndices topk(const Tensor& x, int64_t k, int64_t dim = -1, bool largest = true, bool sorted = true);  ///< the k largest, or smallest, in order
struct Unique {
  Tensor values, inverse, counts;  ///< inverse and counts are undefined unless asked for
};
Unique unique(const Tensor& x, bool return_inverse = false, bool return_counts = false);  ///< sorted
/// The different slices along dim, in lexicographic order.
Unique unique(const Tensor& x, bool return_inverse, bool return_counts, int64_t dim);
Tensor bincount(const Tensor& x, const OptionalTensor& weights = {}, int64_t minlength = 0);

}  // namespace ember
