// export_onnx: runs the forward twice, writes the graph that both runs agree on.
#include <ember/onnx/export.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/shape.h>
#include <ember/version.h>

#include <cstdio>
#include <fstream>

#include "nn/module_state.h"
#include "onnx/writer.h"

namespace ember {

namespace {

using exporting::Graph;
using exporting::Operation;

constexpr int kOperatorSet = 17, kFileVersion = 8;  // the newest that Debian's libonnx 1.12 and runtimes since 2022 know

/// Every module runs by itself, so that each operation is that of its own module.
struct OneByOne final : nn::ForwardObserver {
  void before_forward(const nn::Module&, const std::vector<Tensor>&) override {}
  void after_forward(const nn::Module&, const std::vector<Tensor>&, const Tensor&) override {}
  void abandon_forward(const nn::Module&) override {}
};

/// The model in evaluation with every parameter on the tape, and as it was afterwards.
class Prepared {
 public:
  explicit Prepared(nn::Module& model) {
    for (const auto& [path, module] : model.named_modules()) modes_.emplace_back(module, module->is_training());
    for (const Tensor& p : model.parameters())
      if (p.is_floating_point() && !p.requires_grad()) frozen_.push_back(p.requires_grad_());
    model.eval();
  }
  ~Prepared() {
    for (const auto& [module, training] : modes_) module->train(training);  // parents first, so that each has its own at the end
    for (const Tensor& p : frozen_) p.requires_grad_(false);
  }
  Prepared(const Prepared&) = delete;

 private:
  std::vector<std::pair<nn::Module*, bool>> modes_;
  std::vector<Tensor> frozen_;
  OneByOne one_by_one_;
  const nn::SoleObserver sole_{one_by_one_};
};

/// `rows` elements of the batch made from those of the example, once as they are and once with other values of the same kind: numbers
/// closer to zero, whole numbers in another order.
Tensor example_of(const Tensor& given, int64_t dim, int64_t rows, bool other) {
  const int64_t have = given.size(dim);
  std::vector<Tensor> parts;
  for (int64_t done = 0; done < rows; done += have) parts.push_back(given.detach().narrow(dim, 0, std::min(have, rows - done)));
  Tensor x = cat(parts, dim).clone();
  if (!other) return x;
  if (x.is_floating_point()) return x * 0.75;
  for (int64_t d = 0; d < x.dim(); ++d) x = flip(x, d);
  return x.dtype() == kInt64 && equal(x.flatten().slice(0, 0, 1).expand({x.numel()}), x.flatten()) ? (x - 1).clamp(0, None) : x;
}

std::vector<Tensor> examples_of(const std::vector<Tensor>& given, const OnnxOptions& o, int64_t rows, bool other) {
  std::vector<Tensor> result;
  for (const Tensor& x : given) {
    const Tensor example = example_of(x, o.batch_dim, rows, other).detach();
    result.push_back(example.is_floating_point() ? example.requires_grad_() : example);
  }
  return result;
}

std::string word_of(const Operation& operation) { return operation.loop >= 0 ? fmt::format("loop {}", operation.loop) : operation.name; }

/// Both runs have to be the same operations on the same values.
void check_same_way(const Graph& a, const Graph& b) {
  const auto differ = [](const std::string& what) {
    fail<RuntimeError>(
        "export_onnx: the forward ran other operations for another batch: {}\nWhat is exported is one way through the forward; it has to be "
        "the same for every input. Control flow may depend on parameters, options and sizes other than the batch's.",
        what);
  };
  for (std::size_t i = 0; i < std::min(a.operations.size(), b.operations.size()); ++i) {
    const Operation &one = a.operations[i], &other = b.operations[i];
    if (one.name != other.name || one.loop != other.loop) differ(fmt::format("operation {} was {} and {}", i, word_of(one), word_of(other)));
    const auto same = [](const exporting::NamedInput& x, const exporting::NamedInput& y) { return x.name == y.name && x.value == y.value; };
    if (one.inputs != other.inputs || one.output != other.output ||
        !std::equal(one.more.begin(), one.more.end(), other.more.begin(), other.more.end(), same))
      differ(fmt::format("operation {} ({}) had other inputs", i, word_of(one)));
  }
  if (a.operations.size() != b.operations.size()) differ(fmt::format("{} and {} operations", a.operations.size(), b.operations.size()));
  if (a.outputs != b.outputs || a.values.size() != b.values.size()) differ("other outputs");
}

std::string name_of(const std::vector<std::string>& given, const char* usual, std::size_t i, std::size_t count) {
  if (i < given.size()) return given[i];
  return count == 1 ? usual : fmt::format("{}{}", usual, i);
}

/// Gives the result of a node its name as an output of the graph.
void add_output(::onnx::GraphProto& graph, const std::string& made, const std::string& name, const ::onnx::ValueInfoProto& type) {
  bool is_made = false;
  for (::onnx::NodeProto& node : *graph.mutable_node()) is_made = is_made || node.output(0) == made;
  for (const auto& output : graph.output()) is_made = is_made && output.name() != made;
  if (is_made) {
    for (::onnx::NodeProto& node : *graph.mutable_node()) {
      if (node.output(0) == made) node.set_output(0, name);
      for (std::string& input : *node.mutable_input())
        if (input == made) input = name;
    }
  } else {  // an input, or an output that has a name already
    ::onnx::NodeProto& node = *graph.add_node();
    node.set_op_type("Identity");
    node.set_name("Identity/" + name);
    node.add_input(made);
    node.add_output(name);
  }
  ::onnx::ValueInfoProto& info = *graph.add_output();
  info = type;
  info.set_name(name);
}

void save(const ::onnx::ModelProto& model, const std::string& path) {
  check<RuntimeError>(model.ByteSizeLong() < std::size_t(INT32_MAX), "export_onnx: the model has {} bytes; a file of ONNX holds at most 2 GiB",
                      model.ByteSizeLong());
  const std::string part = path + ".part";
  std::ofstream file(part, std::ios::binary);
  const bool written = file && model.SerializeToOstream(&file) && (file.close(), file);
  if (written && std::rename(part.c_str(), path.c_str()) == 0) return;
  std::remove(part.c_str());
  fail<RuntimeError>("export_onnx: cannot write {}", path);
}

}  // namespace

void export_onnx(nn::Module& model, const std::vector<Tensor>& examples, const OnnxForward& forward, const std::string& path,
                 const OnnxOptions& options) {
  check<ValueError>(!examples.empty(), "export_onnx: expected at least one example");
  check<ValueError>(bool(forward), "export_onnx: expected a forward that can be called, got an empty one");
  for (const Tensor& x : examples) {
    check<ValueError>(x.defined() && x.dim() > options.batch_dim && options.batch_dim >= 0 && x.size(options.batch_dim) > 0,
                      "export_onnx: expected examples with at least one element along the batch (dimension {}), got {}", options.batch_dim,
                      x.defined() ? fmt::format("shape {}", x.sizes()) : "an undefined tensor");
    check<ValueError>(x.size(options.batch_dim) == examples[0].size(options.batch_dim),
                      "export_onnx: expected examples of one batch, got {} and {} elements", examples[0].size(options.batch_dim),
                      x.size(options.batch_dim));
  }
  const int64_t given = examples[0].size(options.batch_dim);
  // Neither is 1, which broadcasts and which squeeze() drops.
  const int64_t one = options.dynamic_batch ? given + 1 : given, other = options.dynamic_batch ? given + 2 : given;

  const Prepared prepared(model);
  std::vector<std::pair<std::string, Tensor>> named = model.named_parameters();
  for (auto& buffer : model.named_buffers()) named.push_back(std::move(buffer));
  std::unordered_map<std::uint32_t, std::string> modules;
  for (const auto& [name, module] : model.named_modules()) modules[nn::ModuleState::of(*module).number] = name;

  Graph a = exporting::record_forward(forward, examples_of(examples, options, one, false), named);
  const Graph b = exporting::record_forward(forward, examples_of(examples, options, other, true), named);
  check_same_way(a, b);
  for (std::size_t i = 0; i < a.inputs.size(); ++i)
    a.values[std::size_t(a.inputs[i])].name = name_of(options.input_names, "input", i, a.inputs.size());

  ::onnx::ModelProto file;
  file.set_ir_version(kFileVersion);
  file.set_producer_name("Ember");
  file.set_producer_version(EMBER_VERSION);
  file.add_opset_import()->set_version(kOperatorSet);
  ::onnx::GraphProto& graph = *file.mutable_graph();
  graph.set_name(model.type_name());
  exporting::Writer writer(a, b, one, other, options.batch_dim, std::move(modules), graph);
  for (std::size_t i = 0; i < a.operations.size(); ++i) writer.write(i);
  for (std::size_t i = 0; i < a.outputs.size(); ++i)
    add_output(graph, writer.value(a.outputs[i]), name_of(options.output_names, "output", i, a.outputs.size()), writer.type_of(a.outputs[i]));
  save(file, path);
}

void export_onnx(nn::Module& model, const Tensor& example, const std::string& path, const OnnxOptions& options) {
  export_onnx(model, {example}, [&](const std::vector<Tensor>& inputs) { return std::vector<Tensor>{model(inputs[0])}; }, path, options);
}

}  // namespace ember
