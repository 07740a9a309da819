// Rearranging, building and writing at indices, beyond the common ones, by PyTorch's names.
#include "bind/binding.h"

#include <ember/ops/arrange.h>
#include <ember/ops/pick.h>

#include <numbers>

namespace ember::parity {
namespace {

Result tensor_split_of(Args& a) {
  if (a[1].is_list()) return tensor_split(a[0], a[1].ints(), a[2]);
  if (a[1].is_tensor()) {
    const Tensor t = a[1];
    return t.dim() == 0 ? tensor_split(a[0], t.item<int64_t>(), a[2]) : tensor_split(a[0], t.to_vector<int64_t>(), a[2]);
  }
  return tensor_split(a[0], a[1].integer(), a[2]);
}
template <auto by_number, auto by_indices>
Result split_of(Args& a) {
  if (a[1].is_list()) return by_indices(a[0], a[1].ints());
  return by_number(a[0], a[1].integer());
}
using Parts = std::vector<Tensor>;
constexpr Parts (*kHsplit)(const Tensor&, int64_t) = hsplit;
constexpr Parts (*kVsplit)(const Tensor&, int64_t) = vsplit;
constexpr Parts (*kDsplit)(const Tensor&, int64_t) = dsplit;
constexpr Parts (*kHsplitAt)(const Tensor&, IntArrayRef) = hsplit;
constexpr Parts (*kVsplitAt)(const Tensor&, IntArrayRef) = vsplit;
constexpr Parts (*kDsplitAt)(const Tensor&, IntArrayRef) = dsplit;

IndexReduce reduce_of(const char* name, const std::string& word) {
  if (word == "sum") return IndexReduce::Sum;
  if (word == "prod") return IndexReduce::Prod;
  if (word == "mean") return IndexReduce::Mean;
  if (word == "amax") return IndexReduce::Amax;
  if (word == "amin") return IndexReduce::Amin;
  throw RuntimeError(std::string(name) + " argument must be either sum, prod, mean, amax or amin, got " + word);
}

Table rearranged() {
  return {
      {"split_with_sizes*", "input split_sizes dim=0", [](Args& a) { return split_with_sizes(a[0], a[1].ints(), a[2]); }},
      {"tensor_split*", "input indices_or_sections dim=0", tensor_split_of},
      {"tensor_split*", "input sections dim=0", tensor_split_of},
      {"tensor_split*", "input indices dim=0", tensor_split_of},
      {"tensor_split*", "input tensor_indices_or_sections dim=0", tensor_split_of},
      {"hsplit*", "input indices_or_sections", split_of<kHsplit, kHsplitAt>},
      {"vsplit*", "input indices_or_sections", split_of<kVsplit, kVsplitAt>},
      {"dsplit*", "input indices_or_sections", split_of<kDsplit, kDsplitAt>},
      {"fliplr*", "input", [](Args& a) { return fliplr(a[0]); }},
      {"flipud*", "input", [](Args& a) { return flipud(a[0]); }},
      {"rot90*", "input k=1 dims=[0,1]", [](Args& a) { return rot90(a[0], a[1], a[2].ints()); }},
      {"diag_embed*", "input offset=0 dim1=-2 dim2=-1", [](Args& a) { return diag_embed(a[0], a[1], a[2], a[3]); }},
      {"diagflat*", "input offset=0", [](Args& a) { return diagflat(a[0], a[1]); }},
      {"block_diag", "*tensors", [](Args& a) { return block_diag(a[0].tensors()); }},
      {"cartesian_prod", "*tensors", [](Args& a) { return cartesian_prod(a[0].tensors()); }},
      {"combinations", "input r=2 with_replacement=False", [](Args& a) { return combinations(a[0], a[1], a[2]); }},
      {"vander", "x N=None increasing=False", [](Args& a) { return vander(a[0], a[1].integer_or(-1), a[2]); }},
      {"select_scatter*", "input src dim index", [](Args& a) { return select_scatter(a[0], a[1], a[2], a[3]); }},
      {"slice_scatter*", "input src dim=0 start=None end=None step=1",
       [](Args& a) { return slice_scatter(a[0], a[1], a[2], a[3].integer_or(Slice::None), a[4].integer_or(Slice::None), a[5]); }},
      {"diagonal_scatter*", "input src offset=0 dim1=0 dim2=1", [](Args& a) { return diagonal_scatter(a[0], a[1], a[2], a[3], a[4]); }},
  };
}

Table made() {
  return {
      {"tril_indices", "row col offset=0 * dtype=None device=~None layout=~None pin_memory=~False",
       [](Args& a) { return tril_indices(a[0], a[1], a[2], {a[3].is_none() ? kInt64 : a[3].dtype()}); }},
      {"triu_indices", "row col offset=0 * dtype=None device=~None layout=~None pin_memory=~False",
       [](Args& a) { return triu_indices(a[0], a[1], a[2], {a[3].is_none() ? kInt64 : a[3].dtype()}); }},
      {"logspace", "start end steps base=10.0 * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False",
       [](Args& a) { return logspace(a[0].scalar(), a[1].scalar(), a[2], a[3], {a[4], a[5]}); }},
      {"Tensor.new_full", "input size fill_value * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False",
       [](Args& a) { return new_full(a[0], a[1].ints(), a[2].scalar(), {a[3], a[4]}); }},
      {"Tensor.new_zeros", "input *size * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False",
       [](Args& a) { return new_zeros(a[0], a[1].ints(), {a[2], a[3]}); }},
      {"Tensor.new_ones", "input *size * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False",
       [](Args& a) { return new_ones(a[0], a[1].ints(), {a[2], a[3]}); }},
  };
}

Table placed() {
  return {
      {"index_copy*_", "input dim index source", [](Args& a) { return index_copy(a[0], a[1], a[2], a[3]); }},
      {"index_fill*_", "input dim index value", [](Args& a) { return index_fill(a[0], a[1], a[2], a[3]); }},
      {"masked_scatter*_", "input mask source", [](Args& a) { return masked_scatter(a[0], a[1], a[2]); }},
      {"take*", "input index", [](Args& a) { return take(a[0], a[1]); }},
      {"scatter_reduce*_", "input dim index src reduce * include_self=True",
       [](Args& a) { return scatter_reduce(a[0], a[1], a[2], a[3], reduce_of("reduce", a[4]), a[5]); }},
      {"index_reduce*_", "input dim index source reduce * include_self=True",
       [](Args& a) { return index_reduce(a[0], a[1], a[2], a[3], reduce_of("index_reduce(): reduce", a[4]), a[5]); }},
  };
}

}  // namespace

Table arrange_table() {
  Table all = rearranged();
  for (auto* part : {made, placed})
    for (Row& row : part()) all.push_back(std::move(row));
  return all;
}

}  // namespace ember::parity
