// Joining, splitting and rearranging. What can be a view of the same memory is one, as in PyTorch; the others copy. The views that
// are methods of Tensor are functions here, too. As the functions of the same names in torch.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// Joins along an existing dimension. Throws "Sizes of tensors must match except in dimension 0. ...".
Tensor cat(const std::vector<Tensor>& tensors, int64_t dim = 0);
Tensor stack(const std::vector<Tensor>& tensors, int64_t dim = 0);  ///< joins along a new dimension
Tensor hstack(const std::vector<Tensor>& tensors);
Tensor vstack(const std::vector<Tensor>& tensors);
std::vector<Tensor> split(const Tensor& x, int64_t split_size, int64_t dim = 0);  ///< views; the last may be shorter
std::vector<Tensor> split(const Tensor& x, IntArrayRef split_sizes, int64_t dim = 0);
inline std::vector<Tensor> split(const Tensor& x, std::initializer_list<int64_t> split_sizes, int64_t dim = 0) {  // {3} is a list, too
  return split(x, IntArrayRef(split_sizes), dim);
}
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim = 0);  ///< at most so many views of equal length, but for the last
std::vector<Tensor> unbind(const Tensor& x, int64_t dim = 0);                 ///< views without this dimension

// --- views
inline Tensor reshape(const Tensor& x, IntArrayRef sizes) { return x.reshape(sizes); }
inline Tensor flatten(const Tensor& x, int64_t start_dim = 0, int64_t end_dim = -1) { return x.flatten(start_dim, end_dim); }
inline Tensor unflatten(const Tensor& x, int64_t dim, IntArrayRef sizes) { return x.unflatten(dim, sizes); }
inline Tensor permute(const Tensor& x, IntArrayRef dims) { return x.permute(dims); }
inline Tensor transpose(const Tensor& x, int64_t a, int64_t b) { return x.transpose(a, b); }
inline Tensor t(const Tensor& x) { return x.t(); }
inline Tensor squeeze(const Tensor& x) { return x.squeeze(); }
inline Tensor squeeze(const Tensor& x, int64_t dim) { return x.squeeze(dim); }
inline Tensor unsqueeze(const Tensor& x, int64_t dim) { return x.unsqueeze(dim); }
inline Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) { return x.narrow(dim, start, length); }
inline Tensor select(const Tensor& x, int64_t dim, int64_t index) { return x.select(dim, index); }
/// A view of the diagonal of dim1 and dim2, as the last dimension.
inline Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1) { return x.diagonal(offset, dim1, dim2); }
inline Tensor movedim(const Tensor& x, IntArrayRef source, IntArrayRef destination) { return x.movedim(source, destination); }
inline Tensor movedim(const Tensor& x, int64_t source, int64_t destination) { return x.movedim(source, destination); }
Tensor broadcast_to(const Tensor& x, IntArrayRef sizes);                    ///< a view with those sizes, as expand
std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors);  ///< views with the common sizes
/// Grids of coordinates: one output for each 1-D input. `indexing` is "ij" or "xy".
std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors, const char* indexing = "ij");

// --- copies
Tensor repeat(const Tensor& x, IntArrayRef repeats);                            ///< the whole, several times along each dimension
Tensor tile(const Tensor& x, IntArrayRef repeats);                              ///< as repeat; missing dimensions count as 1
Tensor repeat_interleave(const Tensor& x, int64_t repeats);                     ///< each element several times, of the flattened x
Tensor repeat_interleave(const Tensor& x, int64_t repeats, int64_t dim);        ///< each slice along dim several times
Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, int64_t dim);  ///< each slice along dim several times
Tensor flip(const Tensor& x, const Dims& dims);                                 ///< the order along dims turned around
Tensor roll(const Tensor& x, int64_t shift);                                    ///< of the flattened x
Tensor roll(const Tensor& x, IntArrayRef shifts, IntArrayRef dims);             ///< along dims; what leaves at the end comes in at the front
Tensor tril(const Tensor& x, int64_t diagonal = 0);                             ///< 0 above the diagonal
Tensor triu(const Tensor& x, int64_t diagonal = 0);                             ///< 0 below the diagonal
Tensor diag(const Tensor& x, int64_t diagonal = 0);                             ///< a vector on the diagonal of a matrix, or the diagonal of a matrix

}  // namespace ember
