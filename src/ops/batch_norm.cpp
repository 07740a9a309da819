// Batch norm: the pure operation, its gradients, and torch.nn.functional.batch_norm around it.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/reduce.h>

#include <cmath>
#include <vector>

#include "error_format.h"
#include "kernels/kernels.h"
#include "kernels/parallel.h"
#include "python_repr.h"
#include "tensor/impl.h"

namespace ember {
namespace {

template <class T>
const kernels::NormFamily<T>& family() {
  if constexpr (sizeof(T) == 4) return kernels::kernels().norm.float32;
  else return kernels::kernels().norm.float64;
}

/// How the numbers of a channel lie: as `outer` runs of `inner` numbers, or as a column of (rows, channels).
struct ChannelView {
  bool columns;
  int64_t outer, channels, inner;  // columns: inner is 1 and outer the number of rows
  int64_t n() const { return outer * inner; }
  double work() const { return double(outer) * double(channels) * double(inner); }
};

bool channels_innermost(const Tensor& x) {
  int64_t expected = x.sizes()[1];
  if (x.sizes()[1] > 1 && x.strides()[1] != 1) return false;
  for (int d = x.dim(); d-- > 0;) {
    if (d == 1) continue;
    if (x.sizes()[d] > 1 && x.strides()[d] != expected) return false;
    expected *= x.sizes()[d];
  }
  return true;
}

/// x or a row-major copy of it, in a layout that the loops know.
Tensor in_known_layout(const Tensor& x) { return x.is_contiguous() || channels_innermost(x) ? x : x.contiguous(); }

ChannelView view_of(const Tensor& x) {
  const int64_t c = x.sizes()[1], spatial = x.numel() / (x.sizes()[0] * c);
  if (!x.is_contiguous() || spatial == 1) return {true, x.sizes()[0] * spatial, c, 1};
  return {false, x.sizes()[0], c, spatial};
}

Tensor like_strided(const Tensor& x) { return empty_strided(x.sizes(), x.strides(), x.dtype()); }

/// Per-channel sums in double. body(rows begin, end, sums) adds rows of a matrix; as many parts whatever the number of threads.
template <class Body>
void sum_columns(const ChannelView& v, int64_t sums, double* out, Body&& body) {
  const int64_t size = sums * v.channels;
  for (int64_t i = 0; i < size; ++i) out[i] = 0;
  const int64_t parts = kernels::slices_for(v.outer, 64, v.work());
  if (parts <= 1) return body(int64_t(0), v.outer, out);
  std::vector<double> partial(std::size_t(parts * size), 0.0);
  kernels::parallel_slices(parts, [&](int64_t part) {
    const kernels::Range r = kernels::slice_range(v.outer, 64, part, parts);
    body(r.begin, r.end, partial.data() + part * size);
  });
  for (int64_t part = 0; part < parts; ++part)
    for (int64_t i = 0; i < size; ++i) out[i] += partial[std::size_t(part * size + i)];
}

/// Mean and sum of squared deviations of each channel.
template <class T>
void statistics(const ChannelView& v, const T* x, T* mean, T* squares) {
  const kernels::NormFamily<T>& k = family<T>();
  if (v.columns) {
    std::vector<double> total(static_cast<std::size_t>(v.channels));
    sum_columns(v, 1, total.data(), [&](int64_t b, int64_t e, double* out) { k.column_sums(e - b, v.channels, x + b * v.channels, out); });
    for (int64_t c = 0; c < v.channels; ++c) mean[c] = T(total[std::size_t(c)] / double(v.n()));
    sum_columns(v, 1, total.data(), [&](int64_t b, int64_t e, double* out) { k.column_squares(e - b, v.channels, x + b * v.channels, mean, out); });
    for (int64_t c = 0; c < v.channels; ++c) squares[c] = T(total[std::size_t(c)]);
    return;
  }
  kernels::parallel_for(v.channels, 1, v.work() * 2, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      double total = 0, square = 0;
      for (int64_t o = 0; o < v.outer; ++o) total += k.sum(v.inner, x + (o * v.channels + c) * v.inner);
      mean[c] = T(total / double(v.n()));
      for (int64_t o = 0; o < v.outer; ++o) square += k.squares(v.inner, x + (o * v.channels + c) * v.inner, mean[c]);
      squares[c] = T(square);
    }
  });
}

/// y = fma(x, alpha, beta) for each channel.
template <class T>
void apply_affine(const ChannelView& v, const T* x, const T* alpha, const T* beta, T* y) {
  const kernels::NormFamily<T>& k = family<T>();
  if (v.columns)
    return kernels::parallel_for(v.outer, 8, v.work(), [&](int64_t b, int64_t e) {
      k.column_affine(e - b, v.channels, x + b * v.channels, alpha, beta, false, y + b * v.channels);
    });
  kernels::parallel_for(v.outer * v.channels, 1, v.work(), [&](int64_t b, int64_t e) {
    for (int64_t run = b; run < e; ++run)
      k.affine(v.inner, x + run * v.inner, alpha[run % v.channels], beta[run % v.channels], false, y + run * v.inner);
  });
}

/// sum dy and sum dy (x - mean) of each channel, one after the other.
template <class T>
void gradient_sums(const ChannelView& v, const T* dy, const T* x, const T* mean, double* out) {
  const kernels::NormFamily<T>& k = family<T>();
  if (v.columns)
    return sum_columns(v, 2, out, [&](int64_t b, int64_t e, double* sums) {
      k.column_products(e - b, v.channels, dy + b * v.channels, x + b * v.channels, mean, sums, sums + v.channels);
    });
  kernels::parallel_for(v.channels, 1, v.work() * 2, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      out[c] = out[v.channels + c] = 0;
      for (int64_t o = 0; o < v.outer; ++o) {
        const int64_t at = (o * v.channels + c) * v.inner;
        k.products(v.inner, dy + at, x + at, mean[c], &out[c], &out[v.channels + c]);
      }
    }
  });
}

template <class T>
void apply_gradient(const ChannelView& v, const T* dy, const T* x, const kernels::NormGradient<T>& g, T* dx) {
  const kernels::NormFamily<T>& k = family<T>();
  if (v.columns)
    return kernels::parallel_for(v.outer, 8, v.work() * 1.5, [&](int64_t b, int64_t e) {
      const int64_t at = b * v.channels;
      k.column_gradient(e - b, v.channels, dy + at, x + at, g, dx + at);
    });
  kernels::parallel_for(v.outer * v.channels, 1, v.work() * 1.5, [&](int64_t b, int64_t e) {
    for (int64_t run = b; run < e; ++run) {
      const int64_t c = run % v.channels, at = run * v.inner;
      k.gradient(v.inner, dy + at, x + at, g.a[c], g.b[c], g.c[c], g.mean[c], dx + at);
    }
  });
}

/// The dtype of x: float32 or float64.
template <class F>
void with_real(const Tensor& x, F&& f) {
  if (x.dtype() == kFloat32) f(float());
  else f(double());
}

template <class T>
T at_or(const Tensor& t, int64_t i, T otherwise) {
  return t.defined() ? t.data<T>()[i] : otherwise;
}

/// Forward, given each channel's mean and invstd: alpha = invstd weight, beta = bias - mean alpha.
Tensor normalized(const Tensor& x, const Tensor& mean, const Tensor& invstd, const Tensor& weight, const Tensor& bias) {
  Tensor y = like_strided(x);
  if (x.numel() == 0) return y;
  const ChannelView v = view_of(x);
  with_real(x, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> alpha(std::size_t(v.channels)), beta(std::size_t(v.channels));
    for (int64_t c = 0; c < v.channels; ++c) {
      alpha[std::size_t(c)] = invstd.data<T>()[c] * at_or<T>(weight, c, 1);
      beta[std::size_t(c)] = std::fma(-mean.data<T>()[c], alpha[std::size_t(c)], at_or<T>(bias, c, 0));
    }
    apply_affine<T>(v, x.data<T>(), alpha.data(), beta.data(), y.data<T>());
  });
  return y;
}

/// The same from basic operations, for gradients of gradients: inputs x, weight, bias.
Tensor batch_norm_plain(const std::vector<Tensor>& in, double eps) {
  const Tensor& x = in[0];
  Shape per_channel = Shape::filled(x.dim(), 1);
  per_channel[1] = x.sizes()[1];
  std::vector<int64_t> dims;
  for (int d = 0; d < x.dim(); ++d)
    if (d != 1) dims.push_back(d);
  const Tensor deviation = x - mean(x, dims, true);
  Tensor y = deviation * rsqrt(mean(deviation * deviation, dims, true) + eps);
  if (in[1].defined()) y = y * in[1].reshape(per_channel);
  if (in[2].defined()) y = y + in[2].reshape(per_channel);
  return y;
}

// With xhat = (x - mean) invstd and n numbers in a channel:
//   dbias   = sum dy
//   dweight = sum dy xhat
//   dx      = weight invstd (dy - dbias / n - xhat dweight / n)
// The two subtracted terms are what dy sends through mean and variance: shifting or scaling a whole channel of x does not change y,
// so dx has no component along 1 and along xhat. With running statistics (`fixed`) nothing flows that way and they are missing.
void backward(const Tensor& dy_any, const Tensor& x, const Tensor& weight, const Tensor& mean, const Tensor& invstd, bool fixed, Grads& grads) {
  Tensor dx = like_strided(x);
  Tensor dweight = empty({x.sizes()[1]}, x.dtype()), dbias = empty({x.sizes()[1]}, x.dtype());
  if (x.numel() == 0) {
    grads.add(0, dx);
    grads.add(1, dweight.zero_());
    return grads.add(2, dbias.zero_());
  }
  const ChannelView v = view_of(x);
  Tensor dy = dy_any;
  if (!(dy.strides() == x.strides())) dy = empty_strided(x.sizes(), x.strides(), x.dtype()).copy_(dy_any);
  with_real(x, [&](auto zero) {
    using T = decltype(zero);
    const std::size_t channels = std::size_t(v.channels);
    std::vector<double> sums(2 * channels);
    gradient_sums<T>(v, dy.data<T>(), x.data<T>(), mean.data<T>(), sums.data());
    std::vector<T> a(channels), b(channels), c(channels);
    for (std::size_t i = 0; i < channels; ++i) {
      const double inv = double(invstd.data<T>()[i]), scale = inv * double(at_or<T>(weight, int64_t(i), 1)), n = double(v.n());
      dbias.data<T>()[i] = T(sums[i]);
      dweight.data<T>()[i] = T(sums[channels + i] * inv);
      a[i] = T(scale);
      b[i] = fixed ? T(0) : T(-scale * inv * inv * sums[channels + i] / n);
      c[i] = fixed ? T(0) : T(-scale * sums[i] / n);
    }
    if (grads.wants(0)) apply_gradient<T>(v, dy.data<T>(), x.data<T>(), {a.data(), b.data(), c.data(), mean.data<T>()}, dx.data<T>());
  });
  grads.add(0, dx);
  grads.add(1, dweight);
  grads.add(2, dbias);
}

Tensor inverse_std(const Tensor& squares, double n, double eps) {
  Tensor invstd = empty(squares.sizes(), squares.dtype());
  for (int64_t c = 0; c < squares.numel(); ++c) {
    if (squares.dtype() == kFloat32) {
      const float var = squares.data<float>()[c] / float(n);
      invstd.data<float>()[c] = var == 0 && eps == 0 ? 0.0f : float(1 / std::sqrt(double(var) + eps));
    } else {
      const double var = squares.data<double>()[c] / n;
      invstd.data<double>()[c] = var == 0 && eps == 0 ? 0.0 : 1 / std::sqrt(var + eps);
    }
  }
  return invstd;
}

struct Running {
  Saved mean, var;
};

BatchNormResult train(const Tensor& input, const Tensor& weight, const Tensor& bias, double eps, const Running& running) {
  const Tensor x = in_known_layout(input);
  const int64_t channels = x.sizes()[1];
  Tensor mean = empty({channels}, x.dtype()), squares = empty({channels}, x.dtype());
  if (x.numel() == 0) {
    mean.fill_(NAN);
    squares.fill_(NAN);
  } else {
    const ChannelView v = view_of(x);
    with_real(x, [&](auto zero) {
      using T = decltype(zero);
      statistics<T>(v, x.data<T>(), mean.data<T>(), squares.data<T>());
    });
  }
  const Tensor invstd = inverse_std(squares, channels > 0 ? double(x.numel() / channels) : 0, eps);
  Tensor y = normalized(x, mean, invstd, weight, bias);
  y = record("NativeBatchNorm", {x, weight, bias}, std::move(y),
             [x = Saved(x), weight = Saved(weight), mean, invstd, running, bias, eps](const Tensor& dy, Grads& grads) {
               running.mean.get();  // changed in place since? PyTorch refuses, too
               running.var.get();
               if (grads.create_graph())
                 return grads.replay(dy, {x.get(), weight.get(), bias}, [eps](const std::vector<Tensor>& in) { return batch_norm_plain(in, eps); });
               backward(dy, x.get(), weight.get(), mean, invstd, false, grads);
             });
  return {y, mean, squares};
}

Tensor evaluate(const Tensor& input, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor x = in_known_layout(input);
  const Tensor mean = running_mean.detach().clone();
  Tensor invstd = empty(running_var.sizes(), x.dtype());
  with_real(x, [&](auto zero) {
    using T = decltype(zero);
    const Tensor var = running_var.detach().contiguous();
    for (int64_t c = 0; c < invstd.numel(); ++c) invstd.data<T>()[c] = 1 / std::sqrt(var.data<T>()[c] + T(eps));
  });
  Tensor y = normalized(x, mean, invstd, weight, bias);
  return record("NativeBatchNorm", {x, weight, bias}, std::move(y),
                [x = Saved(x), weight = Saved(weight), bias, mean, invstd, running = Running{Saved(running_mean), Saved(running_var)}](const Tensor& dy, Grads& grads) {
                  running.mean.get();
                  running.var.get();
                  if (grads.create_graph())
                    return grads.replay(dy, {x.get(), weight.get(), bias}, [&](const std::vector<Tensor>& in) {
                      Shape per_channel = Shape::filled(in[0].dim(), 1);
                      per_channel[1] = mean.numel();
                      Tensor y = (in[0] - mean.reshape(per_channel)) * invstd.reshape(per_channel);
                      if (in[1].defined()) y = y * in[1].reshape(per_channel);
                      return in[2].defined() ? y + in[2].reshape(per_channel) : y;
                    });
                  backward(dy, x.get(), weight.get(), mean, invstd, true, grads);
                });
}

void check_channels(const char* name, const Tensor& t, const Tensor& x) {
  if (!t.defined()) return;
  check<RuntimeError>(t.numel() == x.sizes()[1], "{} should contain {} elements not {}", name, x.sizes()[1], t.numel());
}

void check_arguments(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias) {
  check<IndexError>(x.dim() >= 2, "batch_norm: expected input (N, C, ...), got shape {}", x.sizes());
  check_channels("running_mean", running_mean, x);
  check_channels("running_var", running_var, x);
  check_channels("weight", weight, x);
  check_channels("bias", bias, x);
  check<NotImplementedError>(is_floating_point(x.dtype()), "\"batch_norm\" not implemented for '{}'", scalar_type_name(x.dtype()));
  for (const Tensor* t : {&weight, &bias, &running_mean, &running_var}) {
    if (!t->defined() || t->dtype() == x.dtype()) continue;
    if (x.dtype() == kFloat64) fail<RuntimeError>("mixed dtype (CPU): all inputs must share same datatype.");
    fail<RuntimeError>("mixed dtype (CPU): expect parameter to have scalar type of Float");
  }
}

/// new = (1 - f) old + f batch's, in PyTorch's roundings: the mean in three steps, the variance fused. No version bump, as there.
void move_statistics(const BatchNormResult& batch, double n, double momentum, const Tensor& running_mean, const Tensor& running_var) {
  with_real(batch.mean, [&](auto zero) {
    using T = decltype(zero);
    const T f = T(momentum), keep = T(1 - momentum);
    const Tensor means = running_mean, variances = running_var;
    for (int64_t c = 0; c < batch.mean.numel(); ++c) {
      if (means.defined()) {
        T& m = means.data<T>()[c * means.strides()[0]];
        volatile T fresh = f * batch.mean.data<T>()[c], old = keep * m;  // not fused
        m = fresh + old;
      }
      if (variances.defined()) {
        T& v = variances.data<T>()[c * variances.strides()[0]];
        volatile T old = keep * v;
        v = std::fma(f, T(batch.squares.data<T>()[c] / T(n - 1)), T(old));
      }
    }
  });
}

}  // namespace

BatchNormResult batch_norm_train(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  check_arguments(x, {}, {}, weight, bias);
  return train(x, weight, bias, eps, {});
}

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                  bool training, double momentum, double eps) {
  if (training) {
    check<IndexError>(x.dim() >= 2, "batch_norm: expected input (N, C, ...), got shape {}", x.sizes());
    check<ValueError>(x.numel() / (x.sizes()[1] ? x.sizes()[1] : 1) != 1 || x.sizes()[1] == 0,
                      "Expected more than 1 value per channel when training, got input size torch.Size({})", x.sizes());
    check<ValueError>(eps > 0, "batch_norm eps must be positive during training, but got {}", python_repr(eps));
  } else {
    check<ValueError>(eps >= 0, "batch_norm eps must be non-negative, but got {}", python_repr(eps));
    check<RuntimeError>(running_mean.defined(), "running_mean must be defined in evaluation mode");
    check<RuntimeError>(running_var.defined(), "running_var must be defined in evaluation mode");
  }
  check_arguments(x, running_mean, running_var, weight, bias);
  if (!training) return evaluate(x, running_mean, running_var, weight, bias, eps);
  const BatchNormResult batch = train(x, weight, bias, eps, {Saved(running_mean), Saved(running_var)});
  if (x.numel() > 0) move_statistics(batch, double(x.numel() / x.sizes()[1]), momentum, running_mean, running_var);
  return batch.y;
}

}  // namespace ember
