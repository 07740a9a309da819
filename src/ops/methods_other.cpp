// The methods of Tensor that stand for reductions, rearrangements, indexing and products.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/linalg.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

namespace ember {

Tensor Tensor::sum(const Dims& dims, bool keepdim, DType dtype) const { return ember::sum(*this, dims, keepdim, dtype); }
Tensor Tensor::mean(const Dims& dims, bool keepdim, DType dtype) const { return ember::mean(*this, dims, keepdim, dtype); }
Tensor Tensor::prod() const { return ember::prod(*this); }
Tensor Tensor::prod(int64_t dim, bool keepdim) const { return ember::prod(*this, dim, keepdim); }
Tensor Tensor::amax(const Dims& dims, bool keepdim) const { return ember::amax(*this, dims, keepdim); }
Tensor Tensor::amin(const Dims& dims, bool keepdim) const { return ember::amin(*this, dims, keepdim); }
Tensor Tensor::max() const { return ember::max(*this); }
Tensor Tensor::min() const { return ember::min(*this); }
ValuesIndices Tensor::max(int64_t dim, bool keepdim) const { return ember::max(*this, dim, keepdim); }
ValuesIndices Tensor::min(int64_t dim, bool keepdim) const { return ember::min(*this, dim, keepdim); }
Tensor Tensor::argmax() const { return ember::argmax(*this); }
Tensor Tensor::argmin() const { return ember::argmin(*this); }
Tensor Tensor::argmax(int64_t dim, bool keepdim) const { return ember::argmax(*this, dim, keepdim); }
Tensor Tensor::argmin(int64_t dim, bool keepdim) const { return ember::argmin(*this, dim, keepdim); }
Tensor Tensor::var(const Dims& dims, double correction, bool keepdim) const { return ember::var(*this, dims, correction, keepdim); }
Tensor Tensor::std(const Dims& dims, double correction, bool keepdim) const { return ember::std(*this, dims, correction, keepdim); }
Tensor Tensor::logsumexp(const Dims& dims, bool keepdim) const { return ember::logsumexp(*this, dims, keepdim); }
Tensor Tensor::all(const Dims& dims, bool keepdim) const { return ember::all(*this, dims, keepdim); }
Tensor Tensor::any(const Dims& dims, bool keepdim) const { return ember::any(*this, dims, keepdim); }
Tensor Tensor::count_nonzero(const Dims& dims) const { return ember::count_nonzero(*this, dims); }
Tensor Tensor::norm(double p, const Dims& dims, bool keepdim) const { return ember::norm(*this, p, dims, keepdim); }
Tensor Tensor::cumsum(int64_t dim) const { return ember::cumsum(*this, dim); }
Tensor Tensor::cumprod(int64_t dim) const { return ember::cumprod(*this, dim); }
Tensor Tensor::median() const { return ember::median(*this); }
ValuesIndices Tensor::median(int64_t dim, bool keepdim) const { return ember::median(*this, dim, keepdim); }
ValuesIndices Tensor::sort(int64_t dim, bool descending) const { return ember::sort(*this, dim, descending); }
Tensor Tensor::argsort(int64_t dim, bool descending) const { return ember::argsort(*this, dim, descending); }
ValuesIndices Tensor::topk(int64_t k, int64_t dim, bool largest) const { return ember::topk(*this, k, dim, largest); }

Tensor Tensor::repeat(IntArrayRef repeats) const { return ember::repeat(*this, repeats); }
Tensor Tensor::tile(IntArrayRef repeats) const { return ember::tile(*this, repeats); }
Tensor Tensor::broadcast_to(IntArrayRef sizes) const { return ember::broadcast_to(*this, sizes); }
std::vector<Tensor> Tensor::split(int64_t split_size, int64_t dim) const { return ember::split(*this, split_size, dim); }
std::vector<Tensor> Tensor::split(IntArrayRef split_sizes, int64_t dim) const { return ember::split(*this, split_sizes, dim); }
std::vector<Tensor> Tensor::split(std::initializer_list<int64_t> split_sizes, int64_t dim) const { return ember::split(*this, split_sizes, dim); }
std::vector<Tensor> Tensor::chunk(int64_t chunks, int64_t dim) const { return ember::chunk(*this, chunks, dim); }
std::vector<Tensor> Tensor::unbind(int64_t dim) const { return ember::unbind(*this, dim); }
Tensor Tensor::flip(const Dims& dims) const { return ember::flip(*this, dims); }
Tensor Tensor::tril(int64_t diagonal) const { return ember::tril(*this, diagonal); }
Tensor Tensor::triu(int64_t diagonal) const { return ember::triu(*this, diagonal); }
Tensor Tensor::diag(int64_t diagonal) const { return ember::diag(*this, diagonal); }

Tensor Tensor::index_select(int64_t dim, const Tensor& index) const { return ember::index_select(*this, dim, index); }
Tensor Tensor::gather(int64_t dim, const Tensor& index) const { return ember::gather(*this, dim, index); }
Tensor Tensor::scatter(int64_t dim, const Tensor& index, const Operand& source) const { return ember::scatter(*this, dim, index, source); }
Tensor Tensor::scatter_add(int64_t dim, const Tensor& index, const Tensor& source) const { return ember::scatter_add(*this, dim, index, source); }
const Tensor& Tensor::scatter_(int64_t dim, const Tensor& index, const Operand& source) const {
  return apply_inplace(*this, {source.tensor()}, [&](const Tensor& x) { return ember::scatter(x, dim, index, source); });
}
const Tensor& Tensor::scatter_add_(int64_t dim, const Tensor& index, const Tensor& source) const {
  return apply_inplace(*this, {source}, [&](const Tensor& x) { return ember::scatter_add(x, dim, index, source); });
}
const Tensor& Tensor::index_add_(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha) const {
  return apply_inplace(*this, {source}, [&](const Tensor& x) { return ember::index_add(x, dim, index, source, alpha); });
}
Tensor Tensor::masked_select(const Tensor& mask) const { return ember::masked_select(*this, mask); }
Tensor Tensor::nonzero() const { return ember::nonzero(*this); }

Tensor Tensor::matmul(const Tensor& other) const { return ember::matmul(*this, other); }
Tensor Tensor::mm(const Tensor& other) const { return ember::mm(*this, other); }
Tensor Tensor::dot(const Tensor& other) const { return ember::dot(*this, other); }

}  // namespace ember
