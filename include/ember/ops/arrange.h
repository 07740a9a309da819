// Rearranging, splitting and building beyond ember/ops/shape.h. What can be a view of the same memory is one. As the functions of the same
// names in torch.
#pragma once

#include <ember/ops/shape.h>

namespace ember {

// --- views by other names
inline Tensor ravel(const Tensor& x) { return x.contiguous().reshape({-1}); }
inline Tensor reshape_as(const Tensor& x, const Tensor& other) { return x.reshape(other.sizes()); }
inline Tensor swapaxes(const Tensor& x, int64_t a, int64_t b) { return x.transpose(a, b); }
inline Tensor swapdims(const Tensor& x, int64_t a, int64_t b) { return x.transpose(a, b); }
inline Tensor moveaxis(const Tensor& x, IntArrayRef source, IntArrayRef destination) { return x.movedim(source, destination); }
inline Tensor moveaxis(const Tensor& x, int64_t source, int64_t destination) { return x.movedim(source, destination); }
inline std::vector<Tensor> split_with_sizes(const Tensor& x, IntArrayRef sizes, int64_t dim = 0) { return split(x, sizes, dim); }

// --- in parts: a number of sections, the first ones one longer where it does not come out even, or the indices where to cut
std::vector<Tensor> tensor_split(const Tensor& x, int64_t sections, int64_t dim = 0);  ///< the first parts one longer where it does not come out even
std::vector<Tensor> tensor_split(const Tensor& x, IntArrayRef indices, int64_t dim = 0);  ///< cut before each of the indices
std::vector<Tensor> hsplit(const Tensor& x, int64_t sections);     ///< along the columns, of a vector along its only dimension; must come out even
std::vector<Tensor> hsplit(const Tensor& x, IntArrayRef indices);  ///< cut before each of these columns
std::vector<Tensor> vsplit(const Tensor& x, int64_t sections);     ///< along the rows
std::vector<Tensor> vsplit(const Tensor& x, IntArrayRef indices);  ///< cut before each of these rows
std::vector<Tensor> dsplit(const Tensor& x, int64_t sections);     ///< along the third dimension
std::vector<Tensor> dsplit(const Tensor& x, IntArrayRef indices);  ///< cut before each of these
// {3} is a list of one place, as [3] is in Python.
inline std::vector<Tensor> tensor_split(const Tensor& x, std::initializer_list<int64_t> indices, int64_t dim = 0) {
  return tensor_split(x, IntArrayRef(indices), dim);
}
inline std::vector<Tensor> hsplit(const Tensor& x, std::initializer_list<int64_t> indices) { return hsplit(x, IntArrayRef(indices)); }
inline std::vector<Tensor> vsplit(const Tensor& x, std::initializer_list<int64_t> indices) { return vsplit(x, IntArrayRef(indices)); }
inline std::vector<Tensor> dsplit(const Tensor& x, std::initializer_list<int64_t> indices) { return dsplit(x, IntArrayRef(indices)); }

// --- turned around
Tensor fliplr(const Tensor& x);                                           ///< the columns in reverse
Tensor flipud(const Tensor& x);                                           ///< the rows in reverse
Tensor rot90(const Tensor& x, int64_t k = 1, IntArrayRef dims = {0, 1});  ///< k quarter turns from the first towards the second of dims

// --- diagonals and blocks
Tensor diag_embed(const Tensor& x, int64_t offset = 0, int64_t dim1 = -2, int64_t dim2 = -1);  ///< rows of x as diagonals of matrices
Tensor diagflat(const Tensor& x, int64_t offset = 0);                                          ///< all of x as the diagonal of a matrix
Tensor block_diag(const std::vector<Tensor>& tensors);                                         ///< matrices along the diagonal of one
/// x with src written where the view of the same name shows it.
Tensor select_scatter(const Tensor& x, const Tensor& src, int64_t dim, int64_t index);
Tensor slice_scatter(const Tensor& x, const Tensor& src, int64_t dim = 0, int64_t start = Slice::None, int64_t stop = Slice::None, int64_t step = 1);
Tensor diagonal_scatter(const Tensor& x, const Tensor& src, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);

// --- all of several
Tensor cartesian_prod(const std::vector<Tensor>& tensors);                           ///< rows of one element of each
Tensor combinations(const Tensor& x, int64_t r = 2, bool with_replacement = false);  ///< rows of r elements of the vector x
Tensor vander(const Tensor& x, int64_t n = -1, bool increasing = false);  ///< powers of the vector x as columns; -1: as many as it has elements

// --- new ones
Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset = 0, TensorOptions options = {.dtype = kInt64});  ///< (2, n): where tril keeps
Tensor triu_indices(int64_t rows, int64_t columns, int64_t offset = 0, TensorOptions options = {.dtype = kInt64});  ///< (2, n): where triu keeps
Tensor logspace(Scalar start, Scalar end, int64_t steps, double base = 10, TensorOptions options = {});  ///< base^linspace(start, end, steps)
Tensor new_full(const Tensor& like, IntArrayRef sizes, Scalar value, TensorOptions options = {});        ///< of like's dtype unless named
Tensor new_zeros(const Tensor& like, IntArrayRef sizes, TensorOptions options = {});                     ///< zeros, of like's dtype unless named
Tensor new_ones(const Tensor& like, IntArrayRef sizes, TensorOptions options = {});                      ///< ones, of like's dtype unless named
Tensor new_empty(const Tensor& like, IntArrayRef sizes, TensorOptions options = {});  ///< of any values, of like's dtype unless named

}  // namespace ember
