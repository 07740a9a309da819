// Builds the nodes of an ONNX graph from two recordings of the same forward, made with batches of different sizes.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "error_format.h"
#include "kernels/elementwise/elementwise.h"
#include "onnx/record.h"

namespace ember::exporting {

/// A size that is always the same, or so many times the batch.
struct Size {
  int64_t fixed = 0, times = 0;
  bool is_fixed() const { return times == 0; }
};

/// An attribute of a node.
struct Attr {
  Attr(const char* name, int64_t value) : name(name), kind(Int), ints{value} {}
  Attr(const char* name, int value) : Attr(name, int64_t(value)) {}
  Attr(const char* name, double value) : name(name), kind(Float), real(value) {}
  Attr(const char* name, std::vector<int64_t> values) : name(name), kind(Ints), ints(std::move(values)) {}
  Attr(const char* name, const char* value) : name(name), kind(Text), texts{value} {}
  Attr(const char* name, std::vector<std::string> values) : name(name), kind(Texts), texts(std::move(values)) {}
  enum Kind : std::uint8_t { Int, Float, Ints, Text, Texts };
  const char* name;
  Kind kind;
  std::vector<int64_t> ints = {};
  double real = 0;
  std::vector<std::string> texts = {};
};
using Attrs = std::vector<Attr>;

class Writer {
 public:
  Writer(const Graph& one, const Graph& other, int64_t batch_of_one, int64_t batch_of_other, int64_t batch_dim,
         std::unordered_map<std::uint32_t, std::string> modules, ::onnx::GraphProto& graph);

  /// Appends a node of the operation that is being written and returns the name of its output.
  std::string node(const char* type, const std::vector<std::string>& inputs, const Attrs& attributes = {}) {
    return nodes(type, inputs, attributes, 1)[0];
  }
  std::vector<std::string> nodes(const char* type, const std::vector<std::string>& inputs, const Attrs& attributes, int outputs);
  std::string constant(const Tensor& value);
  std::string numbers(const std::vector<int64_t>& values);  ///< (n) int64
  std::string number(double value, DType dtype) { return constant(full({}, value, dtype)); }
  std::string shape(const std::vector<Size>& sizes);  ///< as a vector, computed where more than one of them depends on the batch
  std::string cast(const std::string& value, DType from, DType to);

  // --- values of the forward
  std::string value(int id);  ///< its name; a constant or a parameter is written at its first use
  DType dtype(int id) const { return one_.values[std::size_t(id)].dtype(); }
  int dim(int id) const { return int(one_.values[std::size_t(id)].tensor.dim()); }
  std::vector<Size> sizes(int id) const;
  Size size_of(int64_t one,
               int64_t other) const;  ///< what is so much in the one recording and so much in the other; refuses what is no multiple of the batch
  int64_t fixed_size(int id, int dim, const char* what) const;  ///< refuses a size that depends on the batch

  const Graph& one() const { return one_; }
  const Graph& other() const { return other_; }

  /// Writes operation number i and says that its output is `name`.
  void write(std::size_t i);
  ::onnx::ValueInfoProto type_of(int id) const;            ///< its element type and sizes, the batch by its name
  [[noreturn]] void refuse(const std::string& why) const;  ///< NotImplementedError about the operation that is being written
  std::string place() const;                               ///< "Median of module head"

 private:
  std::string batch();  // the size of the batch as a vector of one number
  void initializer(const std::string& name, const Tensor& value);
  std::string varying_constant(int id);
  std::string unused(const std::string& wanted);

  const Graph &one_, &other_;
  const int64_t batch_of_one_, batch_of_other_, batch_dim_;
  const std::unordered_map<std::uint32_t, std::string> modules_;
  ::onnx::GraphProto& graph_;
  std::vector<std::string> names_;  // of values
  std::unordered_map<std::string, int> used_;
  std::unordered_map<std::string, std::string> constants_;  // names of small ones by their bytes
  std::string batch_;
  std::size_t current_ = 0;
};

/// One operation in both recordings, with what rules ask of it.
struct Call {
  Writer& writer;
  const Operation &one, &other;

  bool has(std::size_t i) const { return i < one.inputs.size() && one.inputs[i] >= 0; }
  std::string in(std::size_t i) const { return writer.value(one.inputs[i]); }
  int id(std::size_t i) const { return one.inputs[i]; }
  DType dtype() const { return writer.dtype(one.output); }
  const std::vector<int64_t>& ints(const char* name) const;
  int64_t whole(const char* name) const { return ints(name).at(0); }
  double real(const char* name) const;
  int more(const char* name) const;  ///< the value of a further input
};

/// A rule writes one operation and returns the name of its result; null where there is none.
using Rule = std::string (*)(const Call&);
Rule layer_rule(const std::string& name);
Rule shape_rule(const std::string& name);
Rule sequence_rule(const std::string& name);
Rule function_rule(const std::string& name);
Rule place_rule(const std::string& name);
std::string write_loop(const Call& call);  ///< an elementwise loop

}  // namespace ember::exporting
