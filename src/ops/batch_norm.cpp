// Batch norm. Ioffe & Szegedy 2015, algorithm 1; the roundings in float are PyTorch's.
#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/pool.h>
#include <ember/ops/reduce.h>

#include "autograd/recorder.h"
#include "error_format.h"
#include "ops/batch_norm_passes.h"
#include "ops/relu_backward.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {
namespace {

using kernels::ChannelLayout;

std::vector<int64_t> all_but_channels(const Tensor& x) {
  std::vector<int64_t> dims{0};
  for (int d = 2; d < x.dim(); ++d) dims.push_back(d);
  return dims;
}

/// The same from basic operations, for gradients of gradients. in = {x, weight}; the bias only adds to y.
Tensor plain(const std::vector<Tensor>& in, const Tensor& mean, const Tensor& invstd, bool training, double eps) {
  const Tensor& x = in[0];
  Shape one = Shape::filled(x.dim(), 1);
  one[1] = x.sizes()[1];
  Tensor xhat;
  if (training) {
    const std::vector<int64_t> others = all_but_channels(x);
    const Tensor centred = x - x.mean(others, true);
    xhat = centred * rsqrt(square(centred).mean(others, true) + eps);
  } else {
    xhat = (x - mean.view(one)) * invstd.view(one);
  }
  return in[1].defined() ? xhat * in[1].reshape(one) : xhat;
}

struct Output {
  Tensor y, block;
};

/// Everything is checked; x is not empty.
Output normalise(const BatchNormArguments& in) {
  const Tensor x = known_layout(in.x);
  const ChannelLayout at = layout_of(x);
  const MemoryFormat format = at.side_by_side && x.dim() == 4 ? MemoryFormat::ChannelsLast : MemoryFormat::Contiguous;
  const Tensor addend = in.addend.defined() ? in.addend.contiguous(format) : Tensor();
  Tensor y = empty_like(x);
  const Tensor block = batch_norm_forward(at, in, x, addend, y);
  if (!will_record({x, in.weight, in.bias, addend})) return {std::move(y), block};

  // The statistics are copies: moving the running ones later does not disturb this backward. A write by the user is an error.
  const Saved output = in.relu ? Saved::output(y) : Saved();
  note("NativeBatchNorm", [&] {
    return Attributes{{"running_mean", {}, {}, in.running_mean},
                      {"running_var", {}, {}, in.running_var},
                      {"epsilon", {}, {in.eps}},
                      {"training", {in.training}},
                      {"relu", {in.relu}}};
  });
  Tensor out = record(
      "NativeBatchNorm", {x, in.weight, in.bias, addend}, std::move(y),
      [x = Saved(x), weight = Saved(in.weight), running_mean = Saved(in.running_mean), running_var = Saved(in.running_var), output, block, at, format,
       adds = addend.defined(), eps = in.eps, training = in.training, relu = in.relu](const Tensor& given_dy, Grads& grads) {
        const Tensor input = x.get(), w = weight.get();
        running_mean.get();
        running_var.get();
        // In training the passes find the mask again from x, unless somebody needs the masked dy itself.
        const bool mask_first = relu && (grads.create_graph() || !training || adds);
        Tensor dy = given_dy.contiguous(format);
        if (mask_first) dy = relu_backward(dy, output.get().detach());
        if (adds) grads.add(3, dy);
        if (grads.create_graph()) {
          if (grads.wants(2)) grads.add(2, sum(dy, all_but_channels(dy)));
          return grads.replay(dy, {input, w}, [&](const std::vector<Tensor>& inputs) {
            return plain(inputs, row_of(block, BatchNormRow::Mean), row_of(block, BatchNormRow::Invstd), training, eps);
          });
        }
        batch_norm_backward(at, input, block, dy, training, relu && !mask_first, grads);
      });
  return {std::move(out), block};
}

/// normalise, then ReLU and max pooling by 2 x 2, where one pass can do it: in training, of channels-last images that are large enough.
bool pools_in_one_pass(const Tensor& x) {
  return x.dim() == 4 && !x.is_contiguous() && x.is_contiguous(MemoryFormat::ChannelsLast) && x.sizes()[2] >= 2 && x.sizes()[3] >= 2;
}
Output normalise_and_pool(const BatchNormArguments& in) {
  const Tensor& x = in.x;
  const ChannelLayout at = layout_of(x);
  const Shape sizes{x.sizes()[0], at.channels, x.sizes()[2] / 2, x.sizes()[3] / 2};
  Tensor y = empty_strided(sizes, channels_last_strides(sizes), x.dtype());
  const Tensor taps = make_dense({y.numel()}, kUInt8), block = batch_norm_forward(at, in, x, {}, y, taps);
  Tensor out = record(
      "NativeBatchNormReluMaxPool2D", {x, in.weight, in.bias}, std::move(y),
      [x = Saved(x), weight = Saved(in.weight), bias = Saved(in.bias), block, taps, at, eps = in.eps](const Tensor& given_dy, Grads& grads) {
        const Tensor input = x.get(), w = weight.get(), b = bias.get();
        if (grads.create_graph())
          return grads.replay(given_dy, {input, w, b}, [&](const std::vector<Tensor>& inputs) {
            const Tensor y = plain(inputs, {}, {}, true, eps);
            return max_pool2d(relu(b.defined() ? y + inputs[2].reshape({-1, 1, 1}) : y), 2);
          });
        const Tensor dy = given_dy.contiguous(MemoryFormat::ChannelsLast);
        batch_norm_backward(at, input, block, dy, true, true, grads, taps);
      });
  return {std::move(out), block};
}

/// Volumes (N, C, D, H, W) with the channels innermost in memory.
bool lies_channels_last(const Tensor& x) { return x.permute({0, 2, 3, 4, 1}).is_contiguous(); }

/// Of no numbers there are no statistics: y is empty too, and the gradients of weight and bias are 0.
Tensor nothing(const BatchNormArguments& in) {
  Tensor y = in.x.clone();
  if (in.addend.defined()) y = y + in.addend;
  if (in.x.size(1) == 0) return y;
  if (in.weight.defined()) y = y * in.weight[0];
  return in.bias.defined() ? y + in.bias[0] : y;
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias, bool training,
                  double momentum, double eps, const Then& then) {
  require_defined("batch_norm", x);
  if (x.dim() == 1 && x.numel() == 0) return x.clone();  // PyTorch lets it pass
  if (then.norm.defined()) return apply(then, batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps));
  const BatchNormArguments in{x, running_mean, running_var, weight, bias, eps, training, then.relu, then.addend};
  check_batch_norm_shapes(in);
  if (x.numel() == 0) return apply({.relu = then.relu, .max_pool = then.max_pool}, nothing(in));
  check_batch_norm_tensors(in);
  if (then.max_pool) check_pools(x);  // before statistics move

  if (x.dim() == 5 && !x.is_contiguous() && !then.max_pool && lies_channels_last(x)) {  // as images of D H rows
    const Tensor addend = then.addend.defined() ? then.addend.flatten(2, 3) : then.addend;
    return batch_norm(x.flatten(2, 3), running_mean, running_var, weight, bias, training, momentum, eps, {.addend = addend, .relu = then.relu})
        .unflatten(2, {x.size(2), x.size(3)});
  }
  const bool pools = then.max_pool && then.relu && training && !then.addend.defined() && pools_in_one_pass(x);
  Output out = pools ? normalise_and_pool(in) : normalise(in);
  if (training) {
    move_running(running_mean, out.block, BatchNormRow::Mean, momentum);
    move_running(running_var, out.block, BatchNormRow::Variance, momentum);
  }
  return then.max_pool && !pools ? max_pool2d(out.y, 2) : std::move(out.y);
}

BatchNormResult batch_norm_train(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  require_defined("batch_norm_train", x);
  const BatchNormArguments in{x, {}, {}, weight, bias, eps, true, false};
  check_batch_norm_shapes(in);
  if (x.numel() == 0) {
    const Tensor unknown = full({x.size(1)}, __builtin_nan(""), x.dtype());
    return {nothing(in), unknown, unknown, unknown};
  }
  check_batch_norm_tensors(in);

  Output out = normalise(in);
  return {std::move(out.y), row_of(out.block, BatchNormRow::Mean), row_of(out.block, BatchNormRow::Invstd),
          row_of(out.block, BatchNormRow::Variance)};
}

}  // namespace ember
