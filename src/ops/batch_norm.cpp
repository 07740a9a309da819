// Batch norm. Ioffe & Szegedy 2015, algorithm 1; the roundings in float are PyTorch's.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/reduce.h>

#include "error_format.h"
#include "kernels/kernels.h"
#include "kernels/parallel.h"
#include "kernels/scratch.h"
#include "python_repr.h"
#include "tensor/impl.h"

namespace ember {
namespace {

using kernels::Planes;
using kernels::Scratch;

template <class T>
const kernels::BatchNormLoops<T>& loops() {
  if constexpr (sizeof(T) == 4) return kernels::kernels().batch_norm.float32;
  else return kernels::kernels().batch_norm.float64;
}

/// How the channels of x lie in memory: each in runs of `length` numbers, or all side by side.
struct ChannelLayout {
  int64_t batch, channels, length;
  bool side_by_side;

  explicit ChannelLayout(const Tensor& x) : batch(x.sizes()[0]), channels(x.sizes()[1]), length(1) {
    for (int d = 2; d < x.dim(); ++d) length *= x.sizes()[d];
    side_by_side = length == 1 || !x.is_contiguous();
  }
  int64_t count() const { return batch * length; }  // numbers in a channel
  int64_t rows() const { return count(); }
  Planes planes() const { return {batch, length, channels * length}; }
  double work() const { return 2 * double(count()) * double(channels); }
};

/// x where its layout is one that the loops know, else a row-major copy.
Tensor known_layout(const Tensor& x) { return x.is_contiguous() || x.is_contiguous(MemoryFormat::ChannelsLast) ? x : x.contiguous(); }

/// Outputs far beyond the caches are written past them.
bool streams(const Tensor& y) { return y.numel() * item_size(y.dtype()) >= (4 << 20); }

/// Five numbers a channel, in one block: what a forward pass leaves behind.
template <class T>
struct Stats {
  T *mean, *invstd, *scale, *shift, *var;
  Stats(const Tensor& block, int64_t channels)
      : mean(block.data<T>()), invstd(mean + channels), scale(mean + 2 * channels), shift(mean + 3 * channels), var(mean + 4 * channels) {}
};

struct Arguments {
  const Tensor &x, &running_mean, &running_var, &weight, &bias;
  double eps;
  bool training, relu;
};

/// A parameter's numbers, row-major; null when there is none.
template <class T>
struct Numbers {
  Tensor held;
  const T* data;
  explicit Numbers(const Tensor& t) : held(t.defined() && !t.is_contiguous() ? t.detach().contiguous() : t), data(static_cast<const T*>(held.data_or_null())) {}
};

// --- forward

template <class T>
void row_statistics(const ChannelLayout& at, const T* x, T* mean, T* squares) {
  const int64_t c = at.channels, slices = kernels::slices_for(at.rows(), 64, at.work());
  const Scratch<double> part(slices * 2 * c);
  kernels::parallel_slices(slices, [&](int64_t s) {
    const kernels::Range r = kernels::slice_range(at.rows(), 64, s, slices);
    loops<T>().row_moments(r.end - r.begin, c, x + r.begin * c, part + s * 2 * c, part + s * 2 * c + c);
  });

  // Chan, Golub & LeVeque 1979: the moments of two sets from those of each.
  double *const m = part, *const q = part + c;
  for (int64_t s = 1; s < slices; ++s) {
    const kernels::Range r = kernels::slice_range(at.rows(), 64, s, slices);
    const double before = double(r.begin), share = double(r.end - r.begin) / double(r.end), spread = before * share;
    const double *const m2 = part + s * 2 * c, *const q2 = m2 + c;
    for (int64_t i = 0; i < c; ++i) {
      const double delta = m2[i] - m[i];
      m[i] += delta * share;
      q[i] += q2[i] + delta * delta * spread;
    }
  }
  for (int64_t i = 0; i < c; ++i) {
    mean[i] = T(m[i]);
    squares[i] = T(q[i]);
  }
}

template <class T>
void forward(const ChannelLayout& at, const Arguments& in, const Tensor& block, const Tensor& y) {
  const Stats<T> stats(block, at.channels);
  const Numbers<T> weight(in.weight), bias(in.bias), running_mean(in.running_mean), running_var(in.running_var);
  const auto& k = loops<T>();
  const T* const x = in.x.data<T>();
  T* const out = y.data<T>();
  const bool stream = streams(y);
  const auto finish = [&](int64_t c, int64_t n) {  // channels c .. c + n: from moments or running statistics to scale and shift
    if (in.training) {
      k.invstd_of_squares(n, stats.var + c, at.count(), in.eps, stats.invstd + c, stats.var + c);
    } else {
      for (int64_t i = c; i < c + n; ++i) stats.mean[i] = running_mean.data[i];
      k.invstd_of_variance(n, running_var.data + c, in.eps, stats.invstd + c);
    }
    k.affine_of(n, stats.mean + c, stats.invstd + c, weight.data ? weight.data + c : nullptr, bias.data ? bias.data + c : nullptr,
                stats.scale + c, stats.shift + c);
  };

  if (at.side_by_side) {
    if (in.training) row_statistics(at, x, stats.mean, stats.var);
    finish(0, at.channels);
    kernels::parallel_for(at.rows(), 16, at.work(), [&](int64_t begin, int64_t end) {
      const int64_t i = begin * at.channels;
      k.row_affine(end - begin, at.channels, x + i, stats.scale, stats.shift, in.relu, out + i, stream);
    });
    return;
  }
  // All passes over one channel while it is in the cache.
  kernels::parallel_for(at.channels, 1, at.work(), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const int64_t i = c * at.length;
      if (in.training) k.plane_moments(at.planes(), x + i, stats.mean + c, stats.var + c);
      finish(c, 1);
      k.plane_affine(at.planes(), x + i, {stats.scale[c], stats.shift[c], in.relu}, out + i, stream);
    }
  });
}

// --- backward

/// dx, dweight and dbias; each may be undefined when nobody wants it.
struct Gradients {
  Tensor x, weight, bias;
};

// With xhat = (x - mean) * invstd, n values in a channel, and scale = invstd * weight:
//   dbias   = sum dy
//   dweight = sum dy * xhat                    = invstd * dot, where dot = sum dy * (x - mean)
//   dx      = scale * (dy - dbias / n - xhat * dweight / n)
//           = dy * scale + (x - mean) * slope + offset
// The two subtracted terms are what dy sends through mean and variance: shifting or scaling a whole channel of x does not change y,
// so dx has no component along 1 and along xhat. Running statistics do not depend on x: then dx = dy * scale.
template <class T>
void backward(const ChannelLayout& at, const Tensor& input, const Tensor& block, const Tensor& gradient, bool training, bool relu,
              const Gradients& out) {
  const Stats<T> stats(block, at.channels);
  const auto& k = loops<T>();
  const T *const x = input.data<T>(), *const dy = gradient.data<T>();
  T* const dx = static_cast<T*>(out.x.data_or_null());
  const bool stream = dx && streams(out.x), needs_sums = training || out.weight.defined() || out.bias.defined();
  const Scratch<T> factors(2 * at.channels);
  T *const slope = factors, *const offset = slope + at.channels;
  const auto finish = [&](int64_t c, double sum_dy, double dot) {
    const double invstd = double(stats.invstd[c]), scale = double(stats.scale[c]), n = double(at.count());
    if (out.weight.defined()) out.weight.data<T>()[c] = T(dot * invstd);
    if (out.bias.defined()) out.bias.data<T>()[c] = T(sum_dy);
    slope[c] = training ? T(-scale * dot * invstd * invstd / n) : T(0);
    offset[c] = training ? T(-scale * sum_dy / n) : T(0);
  };

  if (!at.side_by_side) {
    kernels::parallel_for(at.channels, 1, at.work(), [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        const int64_t i = c * at.length;
        const kernels::Affine<T> affine{stats.scale[c], stats.shift[c], relu};
        if (needs_sums) {
          const kernels::GradientSums sums = k.plane_gradient_sums(at.planes(), x + i, dy + i, stats.mean[c], affine);
          finish(c, sums.dy, sums.dot);
        }
        if (!dx) continue;
        if (training) k.plane_gradient(at.planes(), x + i, dy + i, stats.mean[c], affine, slope[c], offset[c], dx + i, stream);
        else k.plane_affine(at.planes(), dy + i, {stats.scale[c], T(0), false}, dx + i, stream);
      }
    });
    return;
  }

  const int64_t n = at.channels;
  if (needs_sums) {
    const int64_t slices = kernels::slices_for(at.rows(), 64, at.work());
    const Scratch<double> part(slices * 2 * n);
    kernels::parallel_slices(slices, [&](int64_t s) {
      const kernels::Range r = kernels::slice_range(at.rows(), 64, s, slices);
      double* const sums = part + s * 2 * n;
      for (int64_t i = 0; i < 2 * n; ++i) sums[i] = 0;
      const int64_t i = r.begin * n;
      k.row_gradient_sums(r.end - r.begin, n, x + i, dy + i, stats.mean, stats.scale, stats.shift, relu, sums, sums + n);
    });
    for (int64_t s = 1; s < slices; ++s)
      for (int64_t i = 0; i < 2 * n; ++i) part[i] += part[s * 2 * n + i];
    for (int64_t c = 0; c < n; ++c) finish(c, part[c], part[n + c]);
  }
  if (!dx) return;
  if (!training)
    for (int64_t c = 0; c < n; ++c) offset[c] = 0;
  kernels::parallel_for(at.rows(), 16, at.work(), [&](int64_t begin, int64_t end) {
    const int64_t i = begin * n, rows = end - begin;
    if (training) k.row_gradient(rows, n, x + i, dy + i, stats.mean, stats.scale, stats.shift, relu, slope, offset, dx + i, stream);
    else k.row_affine(rows, n, dy + i, stats.scale, offset, false, dx + i, stream);
  });
}

/// Calls body.template operator()<T>() with the type of x.
template <class Body>
void with_type(const Tensor& x, Body&& body) {
  if (x.dtype() == kFloat32) body.template operator()<float>();
  else body.template operator()<double>();
}

/// The same from basic operations, for gradients of gradients. in = {x, weight}; the bias only adds to y.
Tensor plain(const std::vector<Tensor>& in, const Tensor& mean, const Tensor& invstd, bool training, double eps) {
  const Tensor& x = in[0];
  Shape one = Shape::filled(x.dim(), 1);
  one[1] = x.sizes()[1];
  Tensor xhat;
  if (training) {
    std::vector<int64_t> dims;
    for (int d = 0; d < x.dim(); ++d)
      if (d != 1) dims.push_back(d);
    const Tensor centred = x - x.mean(dims, true);
    xhat = centred * rsqrt(square(centred).mean(dims, true) + eps);
  } else {
    xhat = (x - mean.view(one)) * invstd.view(one);
  }
  return in[1].defined() ? xhat * in[1].reshape(one) : xhat;
}

Tensor sum_of_channels(const Tensor& dy) {
  std::vector<int64_t> dims;
  for (int d = 0; d < dy.dim(); ++d)
    if (d != 1) dims.push_back(d);
  return sum(dy, dims);
}

struct Output {
  Tensor y, block;  // block: Stats
};

Tensor row_of(const Tensor& block, int row, int64_t channels) { return make_alias(block, {channels}, {1}, row * channels); }

/// Everything is checked; x is not empty.
Output normalise(const Arguments& given) {
  const Tensor x = known_layout(given.x);
  const Arguments in{x, given.running_mean, given.running_var, given.weight, given.bias, given.eps, given.training, given.relu};
  const ChannelLayout at(x);
  Tensor y = empty_like(x);
  const Tensor block = make_dense({5, at.channels}, x.dtype());
  with_type(x, [&]<class T> { forward<T>(at, in, block, y); });
  if (!will_record({x, in.weight, in.bias})) return {std::move(y), block};

  // The statistics are copies: moving the running ones later does not disturb this backward. A write by the user is an error.
  const Saved output = in.relu ? Saved::output(y) : Saved();
  Tensor out = record(
      "NativeBatchNorm", {x, in.weight, in.bias}, std::move(y),
      [x = Saved(x), weight = Saved(in.weight), running_mean = Saved(in.running_mean), running_var = Saved(in.running_var), output, block,
       at, eps = in.eps, training = in.training, relu = in.relu](const Tensor& given_dy, Grads& grads) {
        const Tensor input = x.get(), w = weight.get();
        running_mean.get();
        running_var.get();
        const bool mask_first = relu && (grads.create_graph() || !training);
        Tensor dy = mask_first ? masked_fill(given_dy, le(output.get().detach(), 0), 0) : given_dy;
        if (grads.create_graph()) {
          if (grads.wants(2)) grads.add(2, sum_of_channels(dy));
          return grads.replay(dy, {input, w}, [&](const std::vector<Tensor>& inputs) {
            return plain(inputs, row_of(block, 0, at.channels), row_of(block, 1, at.channels), training, eps);
          });
        }
        dy = dy.contiguous(at.side_by_side && input.dim() == 4 ? MemoryFormat::ChannelsLast : MemoryFormat::Contiguous);
        const auto wanted = [&](int i) { return grads.wants(i) ? make_dense({at.channels}, input.dtype()) : Tensor(); };
        Gradients out{grads.wants(0) ? empty_like(input) : Tensor(), wanted(1), wanted(2)};
        with_type(input, [&]<class T> { backward<T>(at, input, block, dy, training, relu && !mask_first, out); });
        grads.add(0, std::move(out.x));
        grads.add(1, std::move(out.weight));
        grads.add(2, std::move(out.bias));
      });
  return {std::move(out), block};
}

// --- running statistics

/// r = (1 - f) r + f * batch with PyTorch's roundings: the variance's product and sum are fused, which double arithmetic followed by
/// one rounding is, too.
template <class T>
void move_running(const Tensor& running, const Tensor& batch, double momentum, bool fused) {
  const T f = T(momentum), rest = T(1 - momentum);
  T* const r = running.data<T>();
  const T* const b = batch.data<T>();
  for (int64_t c = 0; c < running.numel(); ++c) {
    const T kept = rest * r[c];
    r[c] = fused ? T(double(f) * double(b[c]) + double(kept)) : T(T(f * b[c]) + kept);
  }
}

/// Like PyTorch's kernel this does not count as a write in place.
void move_running(const Tensor& running, const Tensor& batch, double momentum, bool fused) {
  if (!running.defined()) return;
  NoGradGuard no_grad;
  const Tensor target = running.is_contiguous() ? running : running.detach().contiguous();
  with_type(batch, [&]<class T> { move_running<T>(target, batch, momentum, fused); });
  if (!target.is_same(running)) running.copy_(target);
}

// --- checks, in PyTorch's order

void check_batch_size(const Tensor& x) {
  int64_t count = x.sizes()[0];
  for (int d = 2; d < x.dim(); ++d) count *= x.sizes()[d];
  check<ValueError>(count != 1, "Expected more than 1 value per channel when training, got input size torch.Size({})", x.sizes());
}

void check_eps(bool training, double eps) {
  check<ValueError>(!training || eps > 0, "batch_norm eps must be positive during training, but got {}", python_repr(eps));
  check<ValueError>(eps >= 0, "batch_norm eps must be non-negative, but got {}", python_repr(eps));
}

void check_channels(const char* name, const Tensor& t, int64_t channels) {
  if (t.defined()) check<RuntimeError>(t.numel() == channels, "{} should contain {} elements not {}", name, channels, t.numel());
}

void check_arguments(const Arguments& in) {
  const int64_t channels = in.x.size(1);
  check<RuntimeError>(in.training || in.running_mean.defined(), "running_mean must be defined in evaluation mode");
  check_channels("running_mean", in.running_mean, channels);
  check<RuntimeError>(in.training || in.running_var.defined(), "running_var must be defined in evaluation mode");
  check_channels("running_var", in.running_var, channels);
  check_channels("weight", in.weight, channels);
  check_channels("bias", in.bias, channels);
  check<NotImplementedError>(in.x.is_floating_point(), "\"batch_norm\" not implemented for '{}'", scalar_type_name(in.x.dtype()));
  const Tensor* const parameters[] = {&in.weight, &in.bias, &in.running_mean, &in.running_var};
  for (const Tensor* p : parameters) {
    if (!p->defined() || p->dtype() == in.x.dtype()) continue;
    check<RuntimeError>(p->dtype() == kFloat32, "mixed dtype (CPU): expect parameter to have scalar type of Float");
    fail<RuntimeError>("mixed dtype (CPU): all inputs must share same datatype.");
  }
}

/// Of no numbers there are no statistics: y is empty too, and the gradients of weight and bias are 0.
Tensor nothing(const Arguments& in) {
  Tensor y = in.x.clone();
  if (in.x.size(1) == 0) return y;
  if (in.weight.defined()) y = y * in.weight[0];
  return in.bias.defined() ? y + in.bias[0] : y;
}

Tensor batch_norm_moving(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                         bool training, double momentum, double eps, bool relu) {
  const Arguments in{x, running_mean, running_var, weight, bias, eps, training, relu};
  x.size(1);  // throws for fewer than two dimensions
  if (training) check_batch_size(x);
  check_eps(training, eps);
  if (x.numel() == 0) return nothing(in);
  check_arguments(in);

  Output out = normalise(in);
  if (training) {
    move_running(running_mean, row_of(out.block, 0, x.size(1)), momentum, false);
    move_running(running_var, row_of(out.block, 4, x.size(1)), momentum, true);
  }
  return std::move(out.y);
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                  bool training, double momentum, double eps) {
  if (x.dim() == 1 && x.numel() == 0) return x.clone();  // PyTorch lets it pass
  return batch_norm_moving(x, running_mean, running_var, weight, bias, training, momentum, eps, false);
}

Tensor batch_norm_relu(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                       bool training, double momentum, double eps) {
  return batch_norm_moving(x, running_mean, running_var, weight, bias, training, momentum, eps, true);
}

BatchNormResult batch_norm_train(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const Arguments in{x, {}, {}, weight, bias, eps, true, false};
  const int64_t channels = x.size(1);
  check_batch_size(x);
  check_eps(true, eps);
  if (x.numel() == 0) {
    const Tensor unknown = full({channels}, __builtin_nan(""), x.dtype());
    return {nothing(in), unknown, unknown, unknown};
  }
  check_arguments(in);

  Output out = normalise(in);
  return {std::move(out.y), row_of(out.block, 0, channels), row_of(out.block, 1, channels), row_of(out.block, 4, channels)};
}

}  // namespace ember
