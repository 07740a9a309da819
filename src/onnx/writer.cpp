#include "onnx/writer.h"

#include <cstring>

namespace ember::exporting {

namespace {

int32_t element_type(DType dtype) {
  switch (dtype) {
    case kFloat32: return ::onnx::TensorProto::FLOAT;
    case kFloat64: return ::onnx::TensorProto::DOUBLE;
    case kInt64: return ::onnx::TensorProto::INT64;
    case kUInt8: return ::onnx::TensorProto::UINT8;
    default: return ::onnx::TensorProto::BOOL;
  }
}

std::string bytes_of(const Tensor& dense) {
  return {static_cast<const char*>(dense.data_ptr()), std::size_t(dense.numel()) * std::size_t(item_size(dense.dtype()))};
}

bool same_values(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.sizes() == b.sizes() && bytes_of(a.detach().contiguous()) == bytes_of(b.detach().contiguous());
}

}  // namespace

Writer::Writer(const Graph& one, const Graph& other, int64_t batch_of_one, int64_t batch_of_other, int64_t batch_dim,
               std::unordered_map<std::uint32_t, std::string> modules, ::onnx::GraphProto& graph)
    : one_(one), other_(other), batch_of_one_(batch_of_one), batch_of_other_(batch_of_other), batch_dim_(batch_dim), modules_(std::move(modules)),
      graph_(graph), names_(one.values.size()) {
  for (const int id : one.inputs) {
    names_[std::size_t(id)] = unused(one.values[std::size_t(id)].name);
    ::onnx::ValueInfoProto& info = *graph.add_input();
    info = type_of(id);
    info.set_name(names_[std::size_t(id)]);
  }
}

::onnx::ValueInfoProto Writer::type_of(int id) const {
  ::onnx::ValueInfoProto info;
  auto& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(element_type(dtype(id)));
  type.mutable_shape();  // a number has a shape, too
  for (const Size& size : sizes(id)) {
    auto& dim = *type.mutable_shape()->add_dim();
    if (size.is_fixed()) dim.set_dim_value(size.fixed);
    else if (size.times == 1) dim.set_dim_param("batch");
    else dim.set_dim_param(fmt::format("{} * batch", size.times));
  }
  return info;
}

std::string Writer::unused(const std::string& wanted) {
  const int count = used_[wanted]++;
  return count == 0 ? wanted : unused(fmt::format("{}_{}", wanted, count));
}

std::string Writer::place() const {
  if (one_.operations.empty()) return "the model";
  const Operation& operation = one_.operations[current_];
  const auto module = modules_.find(operation.module);
  const std::string name = operation.name.empty() ? fmt::format("elementwise loop {}", operation.loop) : operation.name;
  return fmt::format("{} of module {}", name, module == modules_.end() || module->second.empty() ? "(the model itself)" : module->second);
}

void Writer::refuse(const std::string& why) const { fail<NotImplementedError>("export_onnx: the operation {} {}", place(), why); }

std::vector<Size> Writer::sizes(int id) const {
  const Shape a = one_.values[std::size_t(id)].sizes(), b = other_.values[std::size_t(id)].sizes();
  std::vector<Size> result;
  for (int d = 0; d < a.size(); ++d) result.push_back(size_of(a[d], b[d]));
  return result;
}

Size Writer::size_of(int64_t one, int64_t other) const {
  if (one == other) return {one, 0};
  const bool scales = one % batch_of_one_ == 0 && other % batch_of_other_ == 0 && one / batch_of_one_ == other / batch_of_other_;
  check<RuntimeError>(scales,
                      "export_onnx: {}: a size is {} for a batch of {} and {} for one of {}: no multiple of the batch. Export with "
                      ".dynamic_batch = false for batches of the example's size",
                      place(), one, batch_of_one_, other, batch_of_other_);
  return {0, one / batch_of_one_};
}

int64_t Writer::fixed_size(int id, int dim, const char* what) const {
  const Size size = sizes(id)[std::size_t(dim)];
  if (!size.is_fixed()) refuse(fmt::format("has {} that depends on the batch, which ONNX has no counterpart for", what));
  return size.fixed;
}

std::vector<std::string> Writer::nodes(const char* type, const std::vector<std::string>& inputs, const Attrs& attributes, int outputs) {
  const auto module = modules_.find(one_.operations[current_].module);
  const std::string path = module == modules_.end() || module->second.empty() ? "" : module->second + "/";
  ::onnx::NodeProto& node = *graph_.add_node();
  const std::string name = unused(path + type);
  node.set_op_type(type);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  std::vector<std::string> results{name};
  for (int i = 1; i < outputs; ++i) results.push_back(unused(fmt::format("{}/{}", name, i)));
  for (const std::string& result : results) node.add_output(result);
  for (const Attr& attribute : attributes) {
    ::onnx::AttributeProto& proto = *node.add_attribute();
    proto.set_name(attribute.name);
    switch (attribute.kind) {
      case Attr::Int:
        proto.set_type(::onnx::AttributeProto::INT);
        proto.set_i(attribute.ints[0]);
        break;
      case Attr::Float:
        proto.set_type(::onnx::AttributeProto::FLOAT);
        proto.set_f(float(attribute.real));
        break;
      case Attr::Ints:
        proto.set_type(::onnx::AttributeProto::INTS);
        for (const int64_t i : attribute.ints) proto.add_ints(i);
        break;
      case Attr::Text:
        proto.set_type(::onnx::AttributeProto::STRING);
        proto.set_s(attribute.texts[0]);
        break;
      case Attr::Texts:
        proto.set_type(::onnx::AttributeProto::STRINGS);
        for (const std::string& text : attribute.texts) proto.add_strings(text);
        break;
    }
  }
  return results;
}

void Writer::initializer(const std::string& name, const Tensor& value) {
  const Tensor dense = value.detach().contiguous();
  ::onnx::TensorProto& proto = *graph_.add_initializer();
  proto.set_name(name);
  proto.set_data_type(element_type(dense.dtype()));
  for (const int64_t size : dense.sizes()) proto.add_dims(size);
  proto.set_raw_data(bytes_of(dense));
}

std::string Writer::constant(const Tensor& value) {
  const Tensor dense = value.detach().contiguous();
  const bool is_small = dense.numel() <= 16;
  std::string key;
  if (is_small) {
    key = fmt::format("{}:{}:", int(dense.dtype()), dense.sizes()) + bytes_of(dense);
    if (const auto known = constants_.find(key); known != constants_.end()) return known->second;
  }
  const std::string name = unused("constant");
  initializer(name, dense);
  if (is_small) constants_[key] = name;
  return name;
}

std::string Writer::numbers(const std::vector<int64_t>& values) { return constant(tensor(values, kInt64).reshape({int64_t(values.size())})); }

std::string Writer::batch() {
  if (batch_.empty()) {
    const std::string shape = node("Shape", {names_[std::size_t(one_.inputs[0])]});
    batch_ = node("Gather", {shape, numbers({batch_dim_})}, {{"axis", 0}});
  }
  return batch_;
}

std::string Writer::shape(const std::vector<Size>& sizes) {
  std::vector<std::string> parts;
  std::vector<int64_t> fixed;
  const auto end_fixed = [&] {
    if (!fixed.empty()) parts.push_back(numbers(fixed));
    fixed.clear();
  };
  for (const Size& size : sizes) {
    if (size.is_fixed()) {
      fixed.push_back(size.fixed);
      continue;
    }
    end_fixed();
    parts.push_back(size.times == 1 ? batch() : node("Mul", {batch(), numbers({size.times})}));
  }
  end_fixed();
  if (parts.empty()) return numbers({});
  return parts.size() == 1 ? parts[0] : node("Concat", parts, {{"axis", 0}});
}

std::string Writer::cast(const std::string& value, DType from, DType to) {
  return from == to ? value : node("Cast", {value}, {{"to", int64_t(element_type(to))}});
}

std::string Writer::value(int id) {
  std::string& name = names_[std::size_t(id)];
  if (!name.empty()) return name;
  const Value &a = one_.values[std::size_t(id)], &b = other_.values[std::size_t(id)];
  if (a.kind == Value::Named) {
    initializer(name = unused(a.name), a.tensor);
  } else if (same_values(a.tensor, b.tensor)) {
    name = constant(a.tensor);
  } else {
    name = varying_constant(id);
  }
  return name;
}

/// A constant whose sizes follow the batch, and that is the same for every element of it: zeros to start from, positions.
std::string Writer::varying_constant(int id) {
  const std::vector<Size> wanted = sizes(id);
  Tensor a = one_.values[std::size_t(id)].tensor.detach(), b = other_.values[std::size_t(id)].tensor.detach();
  bool repeats = true;
  for (std::size_t d = 0; d < wanted.size(); ++d) {
    if (wanted[d].is_fixed()) continue;
    const Tensor first = a.narrow(int64_t(d), 0, 1), other_first = b.narrow(int64_t(d), 0, 1);
    repeats = repeats && same_values(first.expand(a.sizes()), a) && same_values(other_first.expand(b.sizes()), b);
    a = first;
    b = other_first;
  }
  check<RuntimeError>(
      repeats && same_values(a, b),
      "export_onnx: {} gets a tensor of sizes {} that was another one for another input, and no recorded operation has made it\n"
      "What reaches the output by item(), by data(), by integer or boolean operations outside of the record, or by random numbers cannot be "
      "exported; control flow and constants may depend on parameters and sizes alone.",
      place(), one_.values[std::size_t(id)].sizes());
  return node("Expand", {constant(a), shape(wanted)});
}

const std::vector<int64_t>& Call::ints(const char* name) const {
  for (std::size_t i = 0; i < one.ints.size(); ++i) {
    if (one.ints[i].name != name) continue;
    if (other.ints[i].values != one.ints[i].values)
      writer.refuse(fmt::format("has other {} for other batches, which ONNX has no counterpart for", name));
    return one.ints[i].values;
  }
  fail<RuntimeError>("export_onnx: {} was recorded without {}", writer.place(), name);
}

double Call::real(const char* name) const {
  for (std::size_t i = 0; i < one.reals.size(); ++i) {
    if (one.reals[i].name != name) continue;
    if (std::memcmp(&other.reals[i].values[0], &one.reals[i].values[0], sizeof(double)) != 0)
      writer.refuse(fmt::format("has another {} for other batches, which ONNX has no counterpart for", name));
    return one.reals[i].values[0];
  }
  fail<RuntimeError>("export_onnx: {} was recorded without {}", writer.place(), name);
}

int Call::more(const char* name) const {
  for (const NamedInput& input : one.more)
    if (input.name == name) return input.value;
  fail<RuntimeError>("export_onnx: {} was recorded without {}", writer.place(), name);
}

void Writer::write(std::size_t i) {
  current_ = i;
  const Call call{*this, one_.operations[i], other_.operations[i]};
  Rule rule = call.one.loop >= 0 ? write_loop : nullptr;
  for (const auto rules : {layer_rule, shape_rule, sequence_rule, function_rule, place_rule})
    if (!rule) rule = rules(call.one.name);
  if (!rule) refuse("has no counterpart in ONNX");
  names_[std::size_t(call.one.output)] = rule(call);
}

}  // namespace ember::exporting
