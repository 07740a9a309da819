// Order, and writing to places, in ONNX's operations.
#include "onnx/writer.h"

namespace ember::exporting {

namespace {

using Text = std::string;

/// Values, and their places.
std::vector<Text> in_order(const Call& c) {
  Writer& w = c.writer;
  const int64_t axis = c.whole("axis"), count = w.fixed_size(c.one.output, int(axis), "a number of values");
  return w.nodes("TopK", {c.in(0), w.numbers({count})}, {{"axis", axis}, {"largest", c.whole("largest")}, {"sorted", 1}}, 2);
}
Text top_values(const Call& c) { return in_order(c)[0]; }
Text top_places(const Call& c) { return in_order(c)[1]; }

Text place_of(const Call& c, const char* type) {
  Writer& w = c.writer;
  const Text flat = c.whole("flat") ? w.node("Reshape", {c.in(0), w.numbers({-1})}) : c.in(0);
  return w.node(type, {flat}, {{"axis", c.whole("axis")}, {"keepdims", c.whole("keepdims")}});
}
Text place_of_largest(const Call& c) { return place_of(c, "ArgMax"); }
Text place_of_smallest(const Call& c) { return place_of(c, "ArgMin"); }

/// index and source are of one shape in ONNX; Ember's and PyTorch's source may be larger.
Text scatter_elements(const Call& c, const char* reduction) {
  Writer& w = c.writer;
  const int indices = c.more("indices"), source = c.more("source");
  const std::vector<Size> sizes = w.sizes(indices), of_source = w.sizes(source);
  Text values = w.value(source);
  for (std::size_t d = 0; d < sizes.size(); ++d)
    if (sizes[d].fixed != of_source[d].fixed || sizes[d].times != of_source[d].times)
      values = w.node("Slice", {values, w.numbers({0}), w.shape({sizes[d]}), w.numbers({int64_t(d)})});
  return w.node("ScatterElements", {c.in(0), w.value(indices), values}, {{"axis", c.whole("axis")}, {"reduction", reduction}});
}
Text scatter(const Call& c) { return scatter_elements(c, "none"); }
Text scatter_add(const Call& c) { return scatter_elements(c, "add"); }

/// Slices added where a vector of indices says: the index of each of their elements.
Text index_add(const Call& c) {
  Writer& w = c.writer;
  const int64_t axis = c.whole("axis");
  std::vector<int64_t> along(std::size_t(w.dim(c.id(1))), 1);
  along[std::size_t(axis)] = -1;
  const Text places = w.node("Expand", {w.node("Reshape", {w.value(c.more("indices")), w.numbers(along)}), w.node("Shape", {c.in(1)})});
  const double alpha = c.real("alpha");
  const Text values = alpha == 1 ? c.in(1) : w.node("Mul", {c.in(1), w.number(alpha, c.dtype())});
  return w.node("ScatterElements", {c.in(0), places, values}, {{"axis", axis}, {"reduction", "add"}});
}

/// Rows of x set to those of values.
Text index_put(const Call& c) {
  Writer& w = c.writer;
  return w.node("ScatterND", {c.in(0), w.node("Unsqueeze", {w.value(c.more("indices")), w.numbers({-1})}), c.in(1)});
}

/// What lies before the part that is written, that part, and what lies behind.
Text between(const Call& c, int64_t axis, int64_t start, int64_t end, const Text& part) {
  Writer& w = c.writer;
  const Size size = w.sizes(c.id(0))[std::size_t(axis)];
  const auto cut = [&](int64_t from, int64_t to) { return w.node("Slice", {c.in(0), w.numbers({from}), w.numbers({to}), w.numbers({axis})}); };
  std::vector<Text> parts;
  if (start > 0) parts.push_back(cut(0, start));
  parts.push_back(part);
  if (!size.is_fixed() || end < size.fixed) parts.push_back(cut(end, INT64_MAX));
  return parts.size() == 1 ? parts[0] : w.node("Concat", parts, {{"axis", axis}});
}

Text select_scatter(const Call& c) {
  const int64_t axis = c.whole("axis"), at = c.whole("start");
  return between(c, axis, at, at + 1, c.writer.node("Unsqueeze", {c.in(1), c.writer.numbers({axis})}));
}
Text slice_scatter(const Call& c) {
  const int64_t axis = c.whole("axis"), start = c.whole("start"), count = c.writer.fixed_size(c.id(1), int(axis), "a length");
  if (c.whole("step") != 1 && count > 1) c.writer.refuse("with a step has no counterpart in ONNX");
  return between(c, axis, start, start + count, c.in(1));
}

/// A write in place into what select() or slice() shows.
Text copy_slices(const Call& c) {
  Writer& w = c.writer;
  const Tensor& base = w.one().values[std::size_t(c.id(0))].tensor;
  const Shape part = w.one().values[std::size_t(c.id(1))].sizes();
  const std::vector<int64_t>& strides = c.ints("strides");
  const int64_t offset = c.whole("offset");
  if (part == base.sizes() && offset == 0 && base.strides() == IntArrayRef(strides)) return c.in(1);
  for (int d = 0; d < base.dim(); ++d) {
    Shape sizes = base.sizes().shape(), left = base.strides().shape();
    const int64_t stride = left[d], start = stride ? offset / stride : 0;
    if (start * stride != offset || start >= sizes[d]) continue;
    if (part.size() == base.dim()) {
      sizes[d] = part[d];
      if (sizes == part && left == IntArrayRef(strides)) return between(c, d, start, start + w.fixed_size(c.id(1), d, "a length"), c.in(1));
    } else {
      sizes.erase(d), left.erase(d);
      if (sizes == part && left == IntArrayRef(strides)) return between(c, d, start, start + 1, w.node("Unsqueeze", {c.in(1), w.numbers({d})}));
    }
  }
  w.refuse("writes to places that have no counterpart in ONNX");
}

/// Vectors of n as the diagonals of matrices of n + |offset|: each row or each column has one of them.
Text diagonal_embedded(const Call& c) {
  Writer& w = c.writer;
  const int64_t offset = c.whole("offset"), n = w.fixed_size(c.one.output, w.dim(c.one.output) - 1, "a length");
  if (c.whole("dim1") != w.dim(c.one.output) - 2 || c.whole("dim2") != w.dim(c.one.output) - 1)
    w.refuse("along other dimensions than the last two has no counterpart in ONNX");
  std::vector<int64_t> pads(std::size_t(2 * w.dim(c.id(0))), 0);
  pads.back() = std::abs(offset);
  Text x = offset == 0 ? c.in(0) : w.node("Pad", {c.in(0), w.numbers(pads), w.number(0, c.dtype())});
  x = w.node("Unsqueeze", {x, w.numbers({offset >= 0 ? -1 : -2})});
  const Tensor on = zeros({n, n}, kBool);
  on.diagonal(offset).fill_(true);
  return w.node("Where", {w.constant(on), x, w.number(0, c.dtype())});
}

}  // namespace

Rule place_rule(const std::string& name) {
  static const std::unordered_map<std::string, Rule> rules{
      {"Sort", top_values},
      {"Topk", top_values},
      {"PlacesInOrder", top_places},
      {"Argmax", place_of_largest},
      {"Argmin", place_of_smallest},
      {"Scatter", scatter},
      {"ScatterAdd", scatter_add},
      {"IndexAdd", index_add},
      {"IndexPut", index_put},
      {"SelectScatter", select_scatter},
      {"SliceScatter", slice_scatter},
      {"DiagEmbed", diagonal_embedded},
      {"CopySlices", copy_slices},
  };
  const auto rule = rules.find(name);
  return rule == rules.end() ? nullptr : rule->second;
}

}  // namespace ember::exporting
