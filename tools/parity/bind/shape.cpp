// Creation, views, copies and indexing by PyTorch's names.
#include "bind/binding.h"

#include <ember/autograd.h>
#include <ember/ops/index.h>
#include <ember/ops/shape.h>

namespace ember::parity {
namespace {

TensorOptions options(const Argument& dtype, const Argument& requires_grad) { return {dtype, requires_grad}; }

NestedNumbers nested(const Value& value) {
  if (const auto* list = value.as<List>()) {
    std::vector<NestedNumbers> items;
    for (const Value& item : *list) items.push_back(nested(item));
    return NestedNumbers::of(std::move(items));
  }
  static const std::string name = "data";
  const Scalar number = Argument(value, name).scalar();
  return number.is_boolean()    ? NestedNumbers(number.to<bool>())
         : number.is_integral() ? NestedNumbers(number.to<int64_t>())
                                : NestedNumbers(number.to<double>());
}

Result tensor_of(Args& a) {
  if (a[0].is_tensor()) return a[0].tensor().detach().to(a[1].is_none() ? a[0].tensor().dtype() : a[1].dtype(), true);
  return tensor(nested(a[0].value()), options(a[1], a[2]));
}

std::vector<TensorIndex> index_parts(const Value& parts) {
  std::vector<TensorIndex> indices;
  const auto* list = parts.as<List>();
  for (const Value& part : list ? *list : List{parts}) {
    if (part.is_none()) indices.push_back(None);
    else if (const auto* flag = part.as<bool>()) indices.push_back(*flag);
    else if (const auto* number = part.as<int64_t>()) indices.push_back(*number);
    else if (const auto* slice = part.as<Slice>()) indices.push_back(*slice);
    else if (const auto* t = part.as<Tensor>()) indices.push_back(*t);
    else if (part.is<EllipsisType>()) indices.push_back(Ellipsis);
    else if (const auto* inner = part.as<List>()) indices.push_back(inner->empty() ? zeros({0}, kInt64) : tensor(nested(part)));
    else throw IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices");
  }
  return indices;
}

Result set_item(Args& a) {
  const Tensor x = a[0];
  if (a[2].is_number()) x.index_put_(index_parts(a[1].value()), a[2].scalar());
  else x.index_put_(index_parts(a[1].value()), a[2].tensor());
  return x;
}

std::vector<TensorIndex> index_tensors(const Argument& list) {
  std::vector<TensorIndex> indices;
  for (const Value& part : *list.value().as<List>())
    if (const auto* t = part.as<Tensor>()) indices.push_back(*t);
    else indices.push_back(Slice());
  return indices;
}

Tensor scatter_onto(const Tensor& x, Args& a) {
  if (a[4].is_none()) return scatter(x, a[1], a[2], a[3]);
  const std::string reduce = a[4].text();
  if (reduce != "add" && reduce != "multiply") throw RuntimeError("reduce argument must be either add or multiply.");
  return scatter(x, a[1], a[2], a[3], reduce == "add" ? ScatterReduce::Add : ScatterReduce::Multiply);
}
Result scatter_of(Args& a) { return scatter_onto(a[0], a); }
Result scatter_in_place(Args& a) {
  return apply_inplace(a[0], {}, [&](const Tensor& x) { return scatter_onto(x, a); });
}

Result nonzero_of(Args& a) {
  if (!a[1].boolean()) return nonzero(a[0]);
  return unbind(a[0].tensor().dim() ? nonzero(a[0]) : nonzero(a[0].tensor().unsqueeze(0)), 1);
}

MemoryFormat memory_format(const Argument& format) {
  if (format.is_none()) return MemoryFormat::Preserve;
  throw Unsupported("memory format");
}

Result to_of(Args& a) {
  const Tensor x = a[0];
  if (a[1].is_tensor()) return x.to(a[1].tensor().dtype(), a[3]);
  return x.to(a[1].is_none() || a[1].is_text() ? x.dtype() : a[1].dtype(), a[3]);
}

Table creation() {
  return {
      {"zeros", "*size * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False",
       [](Args& a) { return zeros(a[0].ints(), options(a[1], a[2])); }},
      {"ones", "*size * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False",
       [](Args& a) { return ones(a[0].ints(), options(a[1], a[2])); }},
      {"empty", "*size * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False memory_format=~None",
       [](Args& a) { return empty(a[0].ints(), options(a[1], a[2])); }},
      {"full", "size fill_value * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False",
       [](Args& a) { return full(a[0].ints(), a[1], options(a[2], a[3])); }},
      {"arange", "end * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False",
       [](Args& a) { return arange(a[0].scalar(), options(a[1], a[2])); }},
      {"arange", "start end step=1 * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False",
       [](Args& a) { return arange(a[0].scalar(), a[1].scalar(), a[2].scalar(), options(a[3], a[4])); }},
      {"linspace", "start end steps * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False",
       [](Args& a) { return linspace(a[0], a[1], a[2], options(a[3], a[4])); }},
      {"eye", "n m=None * dtype=None requires_grad=False device=~None layout=~None pin_memory=~False",
       [](Args& a) {
         if (!a[1].is_none() && a[1].integer() < 0) throw RuntimeError("m must be greater or equal to 0, got " + std::to_string(a[1].integer()));
         return eye(a[0], a[1].integer_or(-1), options(a[2], a[3]));
       }},
      {"tensor", "data * dtype=None requires_grad=False device=~None pin_memory=~False", tensor_of},
      {"zeros_like*", "input * dtype=None device=~None layout=~None memory_format=~None requires_grad=~False",
       [](Args& a) { return zeros_like(a[0], a[1]); }},
      {"ones_like*", "input * dtype=None device=~None layout=~None memory_format=~None requires_grad=~False",
       [](Args& a) { return ones_like(a[0], a[1]); }},
      {"empty_like", "input * dtype=None device=~None layout=~None memory_format=~None requires_grad=~False",
       [](Args& a) { return empty_like(a[0], a[1]); }},
      {"full_like", "input fill_value * dtype=None device=~None layout=~None memory_format=~None requires_grad=~False",
       [](Args& a) { return full_like(a[0], a[1], a[2]); }},
      {"meshgrid", "*tensors * indexing='ij'", [](Args& a) { return meshgrid(a[0].tensors(), a[1].text().c_str()); }},
  };
}

Table views() {
  return {
      {"reshape*", "input *shape", [](Args& a) { return reshape(a[0], a[1].ints()); }},
      {"Tensor.view", "input *size", [](Args& a) { return a[0].tensor().view(a[1].ints()); }},
      {"Tensor.view_as", "input other", [](Args& a) { return a[0].tensor().view_as(a[1]); }},
      {"Tensor.reshape_as", "input other", [](Args& a) { return a[0].tensor().reshape(a[1].tensor().sizes()); }},
      {"flatten* ravel*", "input start_dim=0 end_dim=-1", [](Args& a) { return flatten(a[0], a[1], a[2]); }},
      {"unflatten*", "input dim sizes", [](Args& a) { return unflatten(a[0], a[1], a[2].ints()); }},
      {"permute*", "input *dims", [](Args& a) { return permute(a[0], a[1].ints()); }},
      {"transpose* swapaxes* swapdims*", "input dim0 dim1", [](Args& a) { return transpose(a[0], a[1], a[2]); }},
      {"t*", "input", [](Args& a) { return t(a[0]); }},
      {"Tensor.T", "input", [](Args& a) { return a[0].tensor().T(); }},
      {"Tensor.mT", "input", [](Args& a) { return a[0].tensor().mT(); }},
      {"squeeze*", "input", [](Args& a) { return squeeze(a[0]); }},
      {"squeeze*", "input dim:int", [](Args& a) { return squeeze(a[0], a[1].integer()); }},
      {"squeeze*", "input *dim:list", [](Args& a) { return a[0].tensor().squeeze(a[1].ints()); }},
      {"unsqueeze*", "input dim", [](Args& a) { return unsqueeze(a[0], a[1]); }},
      {"Tensor.expand", "input *size * implicit=~False", [](Args& a) { return a[0].tensor().expand(a[1].ints()); }},
      {"Tensor.expand_as", "input other", [](Args& a) { return a[0].tensor().expand_as(a[1]); }},
      {"broadcast_to*", "input *size", [](Args& a) { return broadcast_to(a[0], a[1].ints()); }},
      {"broadcast_tensors", "*tensors", [](Args& a) { return broadcast_tensors(a[0].tensors()); }},
      {"split*", "input split_size_or_sections:list dim=0", [](Args& a) { return split(a[0], a[1].ints(), a[2]); }},
      {"split*", "input split_size_or_sections dim=0", [](Args& a) { return split(a[0], a[1].integer(), a[2]); }},
      {"Tensor.split", "input split_size:list dim=0", [](Args& a) { return split(a[0], a[1].ints(), a[2]); }},
      {"Tensor.split", "input split_size dim=0", [](Args& a) { return split(a[0], a[1].integer(), a[2]); }},
      {"chunk*", "input chunks dim=0", [](Args& a) { return chunk(a[0], a[1], a[2]); }},
      {"narrow*", "input dim start length", [](Args& a) { return narrow(a[0], a[1], a[2], a[3]); }},
      {"select*", "input dim index", [](Args& a) { return select(a[0], a[1], a[2]); }},
      {"unbind*", "input dim=0", [](Args& a) { return unbind(a[0], a[1]); }},
      {"movedim* moveaxis*", "input source destination", [](Args& a) { return movedim(a[0], a[1].ints(), a[2].ints()); }},
      {"diagonal*", "input offset=0 dim1=0 dim2=1", [](Args& a) { return diagonal(a[0], a[1], a[2], a[3]); }},
      {"Tensor.unfold", "input dimension size step", [](Args& a) { return a[0].tensor().unfold(a[1], a[2], a[3]); }},
      {"Tensor.as_strided as_strided", "input size stride storage_offset=None",
       [](Args& a) { return a[0].tensor().as_strided(a[1].ints(), a[2].ints(), a[3].integer_or(Slice::None)); }},
      {"Tensor.clone clone", "input * memory_format=None", [](Args& a) { return a[0].tensor().clone(memory_format(a[1])); }},
      {"Tensor.contiguous", "input * memory_format=~None", [](Args& a) { return a[0].tensor().contiguous(); }},
      {"Tensor.to", "input dtype=None non_blocking=~False copy=False memory_format=~None device=~None", to_of},
      {"Tensor.float", "input memory_format=~None", [](Args& a) { return a[0].tensor().to(kFloat32); }},
      {"Tensor.double", "input memory_format=~None", [](Args& a) { return a[0].tensor().to(kFloat64); }},
      {"Tensor.long", "input memory_format=~None", [](Args& a) { return a[0].tensor().to(kInt64); }},
      {"Tensor.byte", "input memory_format=~None", [](Args& a) { return a[0].tensor().to(kUInt8); }},
      {"Tensor.bool", "input memory_format=~None", [](Args& a) { return a[0].tensor().to(kBool); }},
      {"Tensor.detach detach", "input", [](Args& a) { return a[0].tensor().detach(); }},
      {"Tensor.item", "input", [](Args& a) { return a[0].tensor().item(); }},
  };
}

Table copies() {
  return {
      {"Tensor.repeat", "input *repeats", [](Args& a) { return a[0].tensor().repeat(a[1].ints()); }},
      {"repeat_interleave*", "input repeats:tensor dim=None * output_size=None",
       [](Args& a) {
         return a[2].is_none() ? repeat_interleave(a[0].tensor().flatten(), a[1].tensor(), 0) : repeat_interleave(a[0], a[1].tensor(), a[2]);
       }},
      {"repeat_interleave*", "input repeats dim=None * output_size=None",
       [](Args& a) { return a[2].is_none() ? repeat_interleave(a[0], a[1].integer()) : repeat_interleave(a[0], a[1].integer(), a[2]); }},
      {"tile*", "input *dims", [](Args& a) { return tile(a[0], a[1].ints()); }},
      {"cat concat concatenate", "tensors dim=0", [](Args& a) { return cat(a[0], a[1]); }},
      {"stack", "tensors dim=0", [](Args& a) { return stack(a[0], a[1]); }},
      {"hstack", "tensors", [](Args& a) { return hstack(a[0].tensors()); }},
      {"vstack row_stack", "tensors", [](Args& a) { return vstack(a[0].tensors()); }},
      {"flip*", "input *dims", [](Args& a) { return flip(a[0], a[1].ints()); }},
      {"roll*", "input shifts dims=None",
       [](Args& a) {
         const bool flat = a[2].is_none() || a[2].ints().empty();
         return flat && a[1].ints().size() == 1 ? roll(a[0], a[1].integer()) : roll(a[0], a[1].ints(), a[2].ints());
       }},
      {"tril*", "input diagonal=0", [](Args& a) { return tril(a[0], a[1]); }},
      {"triu*", "input diagonal=0", [](Args& a) { return triu(a[0], a[1]); }},
      {"diag*", "input diagonal=0", [](Args& a) { return diag(a[0], a[1]); }},
      {"Tensor.fill_", "input value:tensor", [](Args& a) { return a[0].tensor().fill_(a[1].tensor()); }},
      {"Tensor.fill_ fill_", "input value", [](Args& a) { return a[0].tensor().fill_(a[1].scalar()); }},
      {"Tensor.zero_ zero_", "input", [](Args& a) { return a[0].tensor().zero_(); }},
      {"Tensor.copy_", "input src non_blocking=False", [](Args& a) { return a[0].tensor().copy_(a[1]); }},
  };
}

Table indexing() {
  return {
      {"Tensor.__getitem__", "input index", [](Args& a) { return a[0].tensor().index(index_parts(a[1].value())); }},
      {"Tensor.__setitem__", "input index value", set_item},
      {"index_select*", "input dim index", [](Args& a) { return index_select(a[0], a[1], a[2]); }},
      {"gather*", "input dim index * sparse_grad=~False", [](Args& a) { return gather(a[0], a[1], a[2]); }},
      {"scatter*", "input dim index src * reduce=None", scatter_of},
      {"scatter*", "input dim index value * reduce=None", scatter_of},
      {"scatter_add*", "input dim index src", [](Args& a) { return scatter_add(a[0], a[1], a[2], a[3]); }},
      {"index_add*", "input dim index source * alpha=1", [](Args& a) { return index_add(a[0], a[1], a[2], a[3], a[4]); }},
      {"index_put*", "input indices values accumulate=False", [](Args& a) { return index_put(a[0], index_tensors(a[1]), a[2], a[3]); }},
      {"Tensor.scatter_", "input dim index src * reduce=None", scatter_in_place},
      {"Tensor.scatter_", "input dim index value * reduce=None", scatter_in_place},
      {"Tensor.scatter_add_", "input dim index src", [](Args& a) { return a[0].tensor().scatter_add_(a[1], a[2], a[3]); }},
      {"Tensor.index_add_", "input dim index source * alpha=1", [](Args& a) { return a[0].tensor().index_add_(a[1], a[2], a[3], a[4]); }},
      {"Tensor.index_put_ index_put_", "input indices values accumulate=False",
       [](Args& a) { return a[0].tensor().index_put_(index_tensors(a[1]), a[2].tensor(), a[3].boolean()); }},
      {"masked_select*", "input mask", [](Args& a) { return masked_select(a[0], a[1]); }},
      {"take_along_dim*", "input indices dim=None",
       [](Args& a) { return a[2].is_none() ? take_along_dim(a[0], a[1]) : take_along_dim(a[0], a[1], a[2]); }},
      {"nonzero*", "input * as_tuple=False", nonzero_of},
      {"where", "condition", [](Args& a) { return unbind(a[0].tensor().dim() ? nonzero(a[0]) : nonzero(a[0].tensor().unsqueeze(0)), 1); }},
      {"argwhere*", "input", [](Args& a) { return argwhere(a[0]); }},
  };
}

}  // namespace

Table shape_table() {
  Table all = creation();
  for (auto* part : {views, copies, indexing})
    for (Row& row : part()) all.push_back(std::move(row));
  return all;
}

}  // namespace ember::parity
