// Elementwise operations on operands of any shape, layout and dtype: their common type, their common shape, and one loop over memory.
#include "autograd/recorder.h"
#include "ops/pointwise.h"

#include <ember/ops/elementwise.h>

#include <cstddef>
#include <cstring>

#include "error_format.h"
#include "kernels/kernels.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

using kernels::ElementwiseNest;

constexpr int kMostOperands = 3;
constexpr double kStepsAlone = 30000;  // less is not worth a question to the pool
constexpr int64_t kSmall = 3000;       // elements that are not, whatever the operation

DType promote_defined(DType a, DType b) { return a == DType::Undefined ? b : b == DType::Undefined ? a : promote_types(a, b); }

// c10's combine_categories: the lower one counts only where it is of a higher kind.
DType combine(DType higher, DType lower) {
  if (higher == DType::Undefined) return lower;
  if (lower == DType::Undefined || is_floating_point(higher)) return higher;
  return higher == kBool || is_floating_point(lower) ? promote_types(higher, lower) : higher;
}

/// How far an input of the loop moves along each dimension of the result.
struct Input {
  int64_t strides[kMaxDims];
};

struct NumberBuffer {
  alignas(8) std::byte bytes[8];
};

const void* number_as(Scalar number, DType dtype, NumberBuffer& buffer) {
  with_type(dtype, [&]<class T>(T) {
    using Through = std::conditional_t<std::is_same_v<T, std::uint8_t>, int64_t, T>;  // a byte wraps around
    const T value = T(number.to<Through>());
    std::memcpy(&buffer, &value, sizeof value);
  });
  return &buffer;
}

/// The order of dimensions in memory that suits the operands, innermost first: TensorIterator's sort by strides, which keeps
/// channels-last and transposed inputs as they are.
Shape memory_order(const Input* inputs, int count, IntArrayRef sizes) {
  const int dims = sizes.size();
  Shape order;
  for (int d = dims; d-- > 0;) order.push_back(d);
  const auto compare = [&](int64_t a, int64_t b) {
    for (int i = 0; i < count; ++i) {
      const int64_t step_a = inputs[i].strides[a], step_b = inputs[i].strides[b];
      if (step_a == 0 || step_b == 0) continue;
      if (step_a != step_b) return step_a < step_b ? -1 : 1;
      if (sizes[int(a)] > sizes[int(b)]) return 1;
    }
    return 0;
  };
  for (int i = 1; i < dims; ++i) {
    int moving = i;
    for (int before = i; before-- > 0;) {
      const int comparison = compare(order[before], order[moving]);
      if (comparison > 0) {
        std::swap(order[before], order[moving]);
        moving = before;
      } else if (comparison < 0) {
        break;
      }
    }
  }
  return order;
}

ElementwiseNest merge_dimensions(const Input* inputs, int count, IntArrayRef sizes, const Shape& order) {
  ElementwiseNest loops;
  for (int64_t d : order) {
    if (sizes[int(d)] == 1) continue;
    bool continues = loops.dims > 0;
    for (int i = 0; i < count && continues; ++i) continues = inputs[i].strides[d] == loops.strides[i][loops.dims - 1] * loops.sizes[loops.dims - 1];
    if (continues) {
      loops.sizes[loops.dims - 1] *= sizes[int(d)];
      continue;
    }
    loops.sizes[loops.dims] = sizes[int(d)];
    for (int i = 0; i < count; ++i) loops.strides[i][loops.dims] = inputs[i].strides[d];
    ++loops.dims;
  }
  if (loops.dims == 0) {
    loops.dims = 1;
    loops.sizes[0] = 1;
    for (int i = 0; i < count; ++i) loops.strides[i][0] = 0;
  }
  return loops;
}

}  // namespace

DType result_type(std::initializer_list<const Operand*> operands) {
  DType with_dims = DType::Undefined, without = DType::Undefined, numbers = DType::Undefined;
  for (const Operand* operand : operands) {
    if (operand->is_none()) continue;
    if (operand->is_tensor()) {
      DType& category = operand->tensor().dim() > 0 ? with_dims : without;
      category = promote_defined(category, operand->tensor().dtype());
    } else {
      const DType dtype = operand->number().dtype();
      numbers = promote_defined(numbers, is_floating_point(dtype) ? get_default_dtype() : dtype);
    }
  }
  return combine(with_dims, combine(without, numbers));
}

DType real_type(DType dtype) { return is_floating_point(dtype) ? dtype : get_default_dtype(); }

namespace {

/// Is this a small row-major tensor of this dtype, of the shape of `first` if there is one?
bool is_alike(const Operand& operand, DType dtype, const TensorImpl* first) {
  if (!operand.is_tensor()) return false;
  const TensorImpl* t = operand.tensor().impl();
  if (t->dtype != dtype || !t->contiguous || t->numel > kSmall) return false;
  if (!first) return true;
  if (t->dims != first->dims) return false;
  for (int d = 0; d < t->dims; ++d)
    if (t->sizes[d] != first->sizes[d]) return false;
  return true;
}

/// Everything as tensors of the computing type; numbers are operands that do not move.
struct Inputs {
  const int count;
  Tensor converted[kMostOperands];
  const Tensor* tensors[kMostOperands] = {};
  const Tensor* first = nullptr;
  bool same = true;  // row-major, of one shape
  NumberBuffer numbers[kMostOperands];
  int64_t bytes[kMostOperands];  // of an element
  kernels::ElementwiseCall call;

  Inputs(Op op, std::initializer_list<const Operand*> operands, DType compute, const Parameters& parameters) : count(int(operands.size())) {
    for (int i = 0; i < 3; ++i) call.parameters[i] = parameters.values[i];
    for (int i = 0; i < count; ++i) take(i, *operands.begin()[i], op == "Where"_op && i == 0 ? kBool : compute);
  }

 private:
  void take(int i, const Operand& operand, DType wanted) {
    bytes[i] = item_size(wanted);
    if (!operand.is_tensor()) {
      call.in[i] = number_as(operand.number(), wanted, numbers[i]);
      call.stride[i] = 0;
      return;
    }
    tensors[i] = &operand.tensor();
    if (tensors[i]->dtype() != wanted) {
      NoGradGuard no_grad;
      converted[i] = tensors[i]->to(wanted);
      tensors[i] = &converted[i];
    }
    call.in[i] = tensors[i]->data_ptr();
    call.stride[i] = 1;
    if (!first) first = tensors[i];
    same = same && tensors[i]->is_contiguous() && tensors[i]->sizes() == first->sizes();
  }
};

/// The loop over inputs of any shapes and strides.
Tensor broadcast(const kernels::ElementwiseRow& row, kernels::ElementwiseLoop loop, Inputs& in, DType out) {
  Shape sizes;
  for (int i = 0; i < in.count; ++i)
    if (in.tensors[i]) sizes = in.tensors[i] == in.first ? in.first->sizes().shape() : broadcast_shapes(sizes, in.tensors[i]->sizes());
  Input inputs[kMostOperands];
  for (int i = 0; i < in.count; ++i) {
    const Tensor* const t = in.tensors[i];
    const int missing = t ? sizes.size() - t->dim() : sizes.size();
    for (int d = 0; d < sizes.size(); ++d) inputs[i].strides[d] = d < missing || t->sizes()[d - missing] == 1 ? 0 : t->strides()[d - missing];
  }
  check_storable(sizes);
  const Shape order = memory_order(inputs, in.count, sizes);
  Shape strides = Shape::filled(sizes.size(), 0);
  int64_t step = 1;
  for (int64_t d : order) {
    strides[int(d)] = step;
    step *= sizes[int(d)] > 0 ? sizes[int(d)] : 1;
  }
  Tensor y = empty_strided(sizes, strides, out);
  if (y.numel() == 0) return y;

  const ElementwiseNest loops = merge_dimensions(inputs, in.count, sizes, order);
  in.call.out = y.data_ptr();
  for (int i = 0; i < in.count; ++i) in.call.stride[i] = loops.strides[i][0];
  const double work = double(y.numel()) * row.cost;
  if (loops.dims == 1) {
    in.call.n = loops.sizes[0];
    kernels::run_elementwise(loop, in.call, in.count, in.bytes, item_size(out), work);
  } else {
    kernels::run_elementwise(loop, in.call, loops, y.numel() / loops.sizes[0], in.count, in.bytes, item_size(out), work);
  }
  return y;
}

/// Not inlined: its caller's short way needs few registers.
[[gnu::noinline]] Tensor pointwise_of_any(const kernels::ElementwiseRow& row, Op op, std::initializer_list<const Operand*> operands, DType compute,
                                          const Parameters& parameters, DType out) {
  const kernels::ElementwiseLoop loop = row.loops[int(compute)];
  Inputs in(op, operands, compute, parameters);
  if (!in.same || !in.first) return broadcast(row, loop, in, out);
  Tensor y = make_dense(in.first->sizes(), out);
  in.call.n = y.numel();
  in.call.out = y.data_ptr();
  const double work = double(in.call.n) * row.cost;
  if (work < kStepsAlone) loop(in.call);
  else kernels::run_elementwise(loop, in.call, in.count, in.bytes, item_size(out), work);
  return y;
}

}  // namespace

static Tensor computed(Op op, std::initializer_list<const Operand*> operands, DType compute, const Parameters& parameters, DType out) {
  const kernels::ElementwiseRow& row = kernels::elementwise_loops().row(op);
  const kernels::ElementwiseLoop loop = row.loops[int(compute)];
  if (!loop) fail<NotImplementedError>("this operation is not implemented for '{}'", scalar_type_name(compute));
  if (out == DType::Undefined) out = compute;
  // Small tensors that are all alike come by the thousand: they skip the preparations.
  kernels::ElementwiseCall call;
  const TensorImpl* first = nullptr;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (!is_alike(*operands.begin()[i], compute, first)) return pointwise_of_any(row, op, operands, compute, parameters, out);
    const TensorImpl* t = operands.begin()[i]->tensor().impl();
    if (!first) first = t;
    call.in[i] = t->data;
    call.stride[i] = 1;
  }
  for (int i = 0; i < 3; ++i) call.parameters[i] = parameters.values[i];
  Tensor y = make_dense_like(operands.begin()[0]->tensor(), out);
  call.n = first->numel;
  call.out = y.data_ptr();
  loop(call);
  return y;
}

Tensor pointwise(Op op, std::initializer_list<const Operand*> operands, DType compute, const Parameters& parameters, DType out) {
  Tensor y = computed(op, operands, compute, parameters, out);
  if (detail::recorder) [[unlikely]]
    detail::recorder->pointwise(int(op), operands, compute, parameters.values, y);
  return y;
}

}  // namespace ember
