// Views, joins, selections and reductions in ONNX's operations.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "onnx/writer.h"

namespace ember::exporting {

namespace {

using Text = std::string;

Text same(const Call& c) { return c.in(0); }
Text cast(const Call& c) { return c.writer.cast(c.in(0), c.writer.dtype(c.id(0)), c.dtype()); }

Text reshape(const Call& c) {
  Writer& w = c.writer;
  const std::vector<Size> sizes = w.sizes(c.one.output);
  std::vector<int64_t> plain;
  int free = 0;
  for (const Size& size : sizes) {
    plain.push_back(size.is_fixed() ? size.fixed : -1);
    free += !size.is_fixed();
  }
  return w.node("Reshape", {c.in(0), free <= 1 ? w.numbers(plain) : w.shape(sizes)});
}

/// 1 stands for the size that is there, so that a batch may have any.
Text expand(const Call& c) {
  Writer& w = c.writer;
  std::vector<Size> wanted = w.sizes(c.one.output);
  const std::vector<Size> have = w.sizes(c.id(0));
  const std::size_t added = wanted.size() - have.size();
  for (std::size_t d = 0; d < have.size(); ++d) {
    Size& size = wanted[d + added];
    if (size.fixed == have[d].fixed && size.times == have[d].times) size = {1, 0};
  }
  return w.node("Expand", {c.in(0), w.shape(wanted)});
}

// --- parts and permutations of memory. The tape does not keep their arguments; sizes, strides and offset say what they were.

Text permute(const Call& c) {
  const ViewGeometry& v = c.one.view;
  const Shape out = c.writer.one().values[std::size_t(c.one.output)].sizes();
  std::vector<int64_t> order;
  std::vector<bool> taken(std::size_t(v.in_sizes.size()));
  for (int i = 0; i < out.size(); ++i)
    for (int j = 0; j < v.in_sizes.size(); ++j) {
      if (taken[std::size_t(j)] || v.in_sizes[j] != out[i] || v.in_strides[j] != v.out_strides[i]) continue;
      taken[std::size_t(j)] = true;
      order.push_back(j);
      break;
    }
  if (order.size() != std::size_t(out.size())) c.writer.refuse("shows memory in a way that has no counterpart in ONNX");
  return c.writer.node("Transpose", {c.in(0)}, {{"perm", order}});
}

/// The index along d when leaving out d is what the view does.
std::optional<int64_t> selected(const ViewGeometry& v, int d) {
  Shape strides = v.in_strides;
  strides.erase(d);
  if (!(strides == v.out_strides)) return {};
  const int64_t stride = v.in_strides[d], index = stride == 0 ? 0 : v.offset / stride;
  if (index < 0 || index >= v.in_sizes[d] || index * stride != v.offset) return {};
  return index;
}

Text select(const Call& c) {
  Writer& w = c.writer;
  const auto sizes_without = [](const Graph& graph, const Operation& operation, int d) {
    Shape sizes = operation.view.in_sizes;
    sizes.erase(d);
    return sizes == graph.values[std::size_t(operation.output)].sizes();
  };
  for (int d = 0; d < c.one.view.in_sizes.size(); ++d) {
    if (!sizes_without(w.one(), c.one, d) || !sizes_without(w.other(), c.other, d)) continue;
    const std::optional<int64_t> one = selected(c.one.view, d), other = selected(c.other.view, d);
    if (!one || !other) continue;
    const bool from_end = *one != *other && c.one.view.in_sizes[d] - *one == c.other.view.in_sizes[d] - *other;
    if (*one != *other && !from_end) continue;
    return w.node("Gather", {c.in(0), w.constant(full({}, from_end ? *one - c.one.view.in_sizes[d] : *one, kInt64))}, {{"axis", d}});
  }
  w.refuse("takes other elements for other batches, which ONNX has no counterpart for");
}

/// What slice(d, start, end, step) the view is.
struct Cut {
  int dim = -1;
  int64_t start = 0, count = 0, step = 1;
  bool to_the_end = false;
};
Cut cut_of(const ViewGeometry& v, const Shape& out) {
  Cut cut;
  for (int d = 0; d < out.size(); ++d)
    if (out[d] != v.in_sizes[d] || (out[d] > 1 && v.out_strides[d] != v.in_strides[d])) cut.dim = d;
  if (cut.dim < 0) return cut;
  const int64_t stride = v.in_strides[cut.dim], size = v.in_sizes[cut.dim];
  cut.count = out[cut.dim];
  cut.start = stride == 0 ? 0 : v.offset / stride;
  if (cut.count > 1 && stride != 0) cut.step = v.out_strides[cut.dim] / stride;
  cut.to_the_end = cut.count > 0 && cut.start + cut.count * cut.step >= size;
  return cut;
}

Text slice(const Call& c) {
  Writer& w = c.writer;
  const Cut one = cut_of(c.one.view, w.one().values[std::size_t(c.one.output)].sizes());
  const Cut other = cut_of(c.other.view, w.other().values[std::size_t(c.other.output)].sizes());
  if (one.dim < 0 && other.dim < 0) return c.in(0);
  if (one.dim != other.dim || one.step != other.step) w.refuse("takes other elements for other batches, which ONNX has no counterpart for");
  const bool to_end = one.to_the_end && other.to_the_end;
  const Size start = w.size_of(one.start, other.start);
  const Size end = to_end ? Size{INT64_MAX, 0}
                          : w.size_of(one.start + (one.count - 1) * one.step + 1, other.start + (other.count - 1) * other.step + 1);
  return w.node("Slice", {c.in(0), w.shape({start}), w.shape({end}), w.numbers({one.dim}), w.numbers({one.step})});
}

Text concatenate(const Call& c) {
  std::vector<Text> parts;
  for (std::size_t i = 0; i < c.one.inputs.size(); ++i)
    if (c.has(i)) parts.push_back(c.writer.cast(c.in(i), c.writer.dtype(c.id(i)), c.dtype()));
  return c.writer.node("Concat", parts, {{"axis", c.whole("axis")}});
}

Text flip(const Call& c) {
  const std::vector<int64_t>& axes = c.ints("axes");
  Writer& w = c.writer;
  const std::vector<int64_t> last(axes.size(), -1), before_first(axes.size(), INT64_MIN), back(axes.size(), -1);
  return w.node("Slice", {c.in(0), w.numbers(last), w.numbers(before_first), w.numbers(axes), w.numbers(back)});
}

Text pad(const Call& c) {
  const std::vector<int64_t>& given = c.ints("pads");  // from the last dimension on, before and after
  const std::size_t dims = std::size_t(c.writer.dim(c.id(0)));
  std::vector<int64_t> pads(2 * dims);
  for (std::size_t i = 0; i < given.size() / 2; ++i) {
    pads[dims - 1 - i] = given[2 * i];
    pads[2 * dims - 1 - i] = given[2 * i + 1];
  }
  return c.writer.node("Pad", {c.in(0), c.writer.numbers(pads), c.writer.number(c.real("value"), c.dtype())});
}

/// The two dimensions as one, in which the diagonal is a slice with a step.
Text diagonal(const Call& c) {
  Writer& w = c.writer;
  const int dims = w.dim(c.id(0)), a = int(c.whole("dim1")), b = int(c.whole("dim2"));
  const int64_t rows = w.fixed_size(c.id(0), a, "rows"), columns = w.fixed_size(c.id(0), b, "columns"), offset = c.whole("offset");
  std::vector<int64_t> order;
  std::vector<Size> sizes;
  for (int d = 0; d < dims; ++d)
    if (d != a && d != b) {
      order.push_back(d);
      sizes.push_back(w.sizes(c.id(0))[std::size_t(d)]);
    }
  order.push_back(a), order.push_back(b), sizes.push_back({rows * columns, 0});
  const int64_t count = w.fixed_size(c.one.output, dims - 2, "a length"), first = offset >= 0 ? offset : -offset * columns;
  const Text flat = w.node("Reshape", {w.node("Transpose", {c.in(0)}, {{"perm", order}}), w.shape(sizes)});
  const int64_t end = count == 0 ? first : first + (count - 1) * (columns + 1) + 1;
  return w.node("Slice", {flat, w.numbers({first}), w.numbers({end}), w.numbers({dims - 2}), w.numbers({columns + 1})});
}

/// Windows along a dimension: element k of all of them is a slice.
Text windows(const Call& c) {
  Writer& w = c.writer;
  const int64_t axis = c.whole("axis"), size = c.whole("size"), step = c.whole("step"), last = w.dim(c.id(0));
  const int64_t count = w.fixed_size(c.one.output, int(axis), "a number of windows");
  std::vector<Text> parts;
  for (int64_t k = 0; k < size; ++k) {
    const Text part = w.node("Slice", {c.in(0), w.numbers({k}), w.numbers({k + (count - 1) * step + 1}), w.numbers({axis}), w.numbers({step})});
    parts.push_back(w.node("Unsqueeze", {part, w.numbers({last})}));
  }
  if (parts.empty()) w.refuse("of size 0 has no counterpart in ONNX");
  return w.node("Concat", parts, {{"axis", last}});
}

Text index_select(const Call& c) { return c.writer.node("Gather", {c.in(0), c.writer.value(c.more("indices"))}, {{"axis", c.whole("axis")}}); }
Text gather(const Call& c) { return c.writer.node("GatherElements", {c.in(0), c.writer.value(c.more("indices"))}, {{"axis", c.whole("axis")}}); }
Text cumulative_sum(const Call& c) { return c.writer.node("CumSum", {c.in(0), c.writer.constant(full({}, c.whole("axis"), kInt64))}); }
Text power(const Call& c) { return c.writer.node("Pow", {c.in(0), c.writer.number(c.real("exponent"), c.writer.dtype(c.id(0)))}); }

// --- reductions

int64_t keeps_dims(const Call& c) { return c.writer.dim(c.one.output) == c.writer.dim(c.id(0)); }

Text sum_over(const Call& c, const Text& x, const std::vector<int64_t>& axes, int64_t keepdims) {
  return axes.empty() ? x : c.writer.node("ReduceSum", {x, c.writer.numbers(axes)}, {{"keepdims", keepdims}});
}

Text reduced(const Call& c, const char* type) {
  const std::vector<int64_t>& axes = c.ints("axes");
  return axes.empty() ? c.in(0) : c.writer.node(type, {c.in(0)}, {{"axes", axes}, {"keepdims", keeps_dims(c)}});
}
Text sum(const Call& c) { return sum_over(c, c.in(0), c.ints("axes"), keeps_dims(c)); }
Text mean(const Call& c) { return reduced(c, "ReduceMean"); }
Text largest(const Call& c) { return reduced(c, "ReduceMax"); }
Text smallest(const Call& c) { return reduced(c, "ReduceMin"); }
Text product(const Call& c) { return reduced(c, "ReduceProd"); }
Text log_sum_exp(const Call& c) { return reduced(c, "ReduceLogSumExp"); }

Text vector_norm(const Call& c) {
  const double order = c.real("order");
  if (order == 2) return reduced(c, "ReduceL2");
  if (order == 1) return reduced(c, "ReduceL1");
  Writer& w = c.writer;
  const std::vector<int64_t>& axes = c.ints("axes");
  const Text sizes = w.node("Abs", {c.in(0)});
  if (std::isinf(order)) {
    if (axes.empty()) return sizes;
    return w.node(order > 0 ? "ReduceMax" : "ReduceMin", {sizes}, {{"axes", axes}, {"keepdims", keeps_dims(c)}});
  }
  if (order == 0) {
    const Text counted = w.node("Not", {w.node("Equal", {c.in(0), w.number(0, c.dtype())})});
    return sum_over(c, w.cast(counted, kBool, c.dtype()), axes, keeps_dims(c));
  }
  const Text powers = w.node("Pow", {sizes, w.number(order, c.dtype())});
  return w.node("Pow", {sum_over(c, powers, axes, keeps_dims(c)), w.number(1 / order, c.dtype())});
}

/// The sum of squared deviations over n - correction.
Text variance(const Call& c) {
  Writer& w = c.writer;
  const std::vector<int64_t>& axes = c.ints("axes");
  double n = 1;
  for (const int64_t axis : axes) n *= double(w.fixed_size(c.id(0), int(axis), "a number of values"));
  const Text centred = w.node("Sub", {c.in(0), w.node("ReduceMean", {c.in(0)}, {{"axes", axes}, {"keepdims", 1}})});
  const Text squares = sum_over(c, w.node("Mul", {centred, centred}), axes, keeps_dims(c));
  return w.node("Div", {squares, w.number(std::max(0.0, n - c.real("correction")), c.dtype())});
}
Text deviation(const Call& c) { return c.writer.node("Sqrt", {variance(c)}); }

}  // namespace

Rule shape_rule(const std::string& name) {
  static const std::unordered_map<std::string, Rule> rules{
      {"Clone", same},
      {"Copy", same},
      {"Identity", same},
      {"BackwardHookFunction", same},
      {"ToCopy", cast},
      {"View", reshape},
      {"UnsafeView", reshape},
      {"Squeeze", reshape},
      {"Unsqueeze", reshape},
      {"Expand", expand},
      {"Permute", permute},
      {"Transpose", permute},
      {"Select", select},
      {"Slice", slice},
      {"Diagonal", diagonal},
      {"Unfold", windows},
      {"Cat", concatenate},
      {"Flip", flip},
      {"ConstantPadNd", pad},
      {"Gather", gather},
      {"IndexSelect", index_select},
      {"Cumsum", cumulative_sum},
      {"Pow", power},
      {"Sum", sum},
      {"Mean", mean},
      {"Amax", largest},
      {"Max", largest},
      {"Amin", smallest},
      {"Min", smallest},
      {"Prod", product},
      {"Logsumexp", log_sum_exp},
      {"LinalgVectorNorm", vector_norm},
      {"Var", variance},
      {"Std", deviation},
  };
  const auto rule = rules.find(name);
  return rule == rules.end() ? nullptr : rule->second;
}

}  // namespace ember::exporting
