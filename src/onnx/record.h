// One forward as a graph of operations: what an export writes down. Recorded from the calls, so that any module will do.
#pragma once

#include <ember/autograd.h>

#include <string>
#include <utility>
#include <vector>

namespace ember::exporting {

/// A tensor of the forward. What no operation, input or name explains is a constant.
struct Value {
  enum Kind : std::uint8_t { Constant, Input, Named, Computed };
  Kind kind = Constant;
  Tensor tensor;          // kept alive: memory is not used twice while values are told apart by it
  std::string name = {};  // of an input, a parameter or a buffer
  std::uint32_t version = 0;

  Shape sizes() const { return tensor.sizes().shape(); }
  DType dtype() const { return tensor.dtype(); }
};

struct NamedInts {
  std::string name;
  std::vector<int64_t> values;
};
struct NamedReals {
  std::string name;
  std::vector<double> values;
};
struct NamedInput {
  std::string name;
  int value;
};

/// How a view shows the memory of its input.
struct ViewGeometry {
  Shape in_sizes, in_strides, out_strides;
  int64_t offset = 0;
};

struct Operation {
  std::string name;                  // PyTorch's, of the tape; "" for an elementwise loop
  int loop = -1;                     // kernels::Op
  DType compute = DType::Undefined;  // of a loop
  std::vector<int> inputs;           // numbers of values, -1 for what was left out
  std::vector<NamedInts> ints = {};
  std::vector<NamedReals> reals = {};
  std::vector<NamedInput> more = {};  // inputs that the tape does not know: indices, running statistics
  ViewGeometry view = {};
  bool is_view = false;
  int output = -1;
  std::uint32_t module = 0;  // the number of the module whose forward it is part of
};

struct Graph {
  std::vector<Value> values;
  std::vector<Operation> operations;  // in the order of the forward; only those that the outputs need
  std::vector<int> inputs, outputs;
};

using Forward = Callback<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// Runs forward(inputs) and keeps what its outputs are computed from. `named`: parameters and buffers.
Graph record_forward(const Forward& forward, const std::vector<Tensor>& inputs, const std::vector<std::pair<std::string, Tensor>>& named);

}  // namespace ember::exporting
