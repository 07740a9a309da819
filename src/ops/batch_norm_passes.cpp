// Hands the tensors of batch norm to its kernels.
#include "ops/batch_norm_passes.h"

#include <ember/factories.h>

#include <cstring>

#include "kernels/copy/copy.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {

using kernels::ChannelLayout;

Tensor row_of(const Tensor& block, BatchNormRow row) {
  const int64_t channels = block.sizes()[1];
  return make_alias(block, {channels}, {1}, int64_t(row) * channels);
}

Tensor batch_norm_forward(const ChannelLayout& at, const BatchNormArguments& in, const Tensor& x, const Tensor& addend, const Tensor& y,
                          const Tensor& taps) {
  Tensor block = make_dense({kernels::BatchNormBlock<float>::kRows, at.channels}, x.dtype());
  const auto row_major = [](const Tensor& t) { return t.defined() && !t.is_contiguous() ? t.detach().contiguous() : t; };
  const Tensor mean = row_major(in.running_mean), var = row_major(in.running_var), weight = row_major(in.weight), bias = row_major(in.bias);
  with_real(y.dtype(), [&]<class T>(T) {
    const auto numbers = [](const Tensor& t) { return static_cast<const T*>(t.data_or_null()); };
    const kernels::BatchNormInputs<T> inputs{x.data<T>(),     numbers(mean), numbers(var), numbers(weight), numbers(bias),
                                             numbers(addend), in.eps,        in.training,  in.relu};
    const kernels::BatchNormBlock<T> rows(block.data<T>(), at.channels);
    if (!taps.defined()) return kernels::batch_norm_forward(at, inputs, rows, y.data<T>());
    kernels::batch_norm_pool_forward(at, x.sizes()[3], inputs, rows, y.data<T>(), taps.data<std::uint8_t>());
  });
  return block;
}

void batch_norm_backward(const ChannelLayout& at, const Tensor& x, const Tensor& block, const Tensor& dy, bool training, bool relu, Grads& grads,
                         const Tensor& taps) {
  Tensor dx = grads.wants(0) ? empty_like(x) : Tensor();
  const Tensor sums = make_dense({2, at.channels}, x.dtype());
  with_real(x.dtype(), [&]<class T>(T) {
    const kernels::BatchNormGradients<T> out{static_cast<T*>(dx.data_or_null()), sums.data<T>(), sums.data<T>() + at.channels,
                                             grads.wants(1) || grads.wants(2)};
    const kernels::BatchNormBlock<T> rows(block.data<T>(), at.channels);
    if (!taps.defined()) return kernels::batch_norm_backward(at, x.data<T>(), rows, dy.data<T>(), training, relu, out);
    kernels::batch_norm_pool_backward(at, x.sizes()[3], x.data<T>(), rows, dy.data<T>(), taps.data<std::uint8_t>(), out);
  });
  grads.add(0, std::move(dx));  // alone, so that a leaf may keep it
  const int64_t bytes = at.channels * item_size(sums.dtype());
  for (int row : {0, 1})
    grads.write(row + 1, [&](Tensor& target, bool accumulate) {
      const char* const from = static_cast<const char*>(sums.data_ptr()) + row * bytes;
      if (accumulate) kernels::accumulate(sums.dtype(), at.channels, from, target.data_ptr());
      else std::memcpy(target.data_ptr(), from, std::size_t(bytes));
    });
}

void move_running(const Tensor& running, const Tensor& block, BatchNormRow row, double momentum) {
  if (!running.defined()) return;
  with_real(block.dtype(), [&]<class T>(T) {
    const T* const batch = block.data<T>() + int64_t(row) * running.numel();
    kernels::move_running(running.numel(), batch, momentum, row == BatchNormRow::Variance, running.data<T>(), running.strides()[0]);
  });
}

}  // namespace ember
