// Batch norm over the batches of all ranks. Ioffe & Szegedy 2015, algorithm 1, with the merging of moments of Chan, Golub & LeVeque 1979.
#include <ember/autograd.h>
#include <ember/distributed/sync_batch_norm.h>
#include <ember/distributed/world.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/norm.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <cmath>

#include "distributed/collectives.h"
#include "error_format.h"

namespace ember::nn {
namespace {

using namespace distributed;

/// All dimensions but the channels'.
std::vector<int64_t> others(const Tensor& x) {
  std::vector<int64_t> dims;
  for (int d = 0; d < x.dim(); ++d)
    if (d != 1) dims.push_back(d);
  return dims;
}

/// (C) so that it broadcasts over (N, C, ...).
Tensor per_channel(const Tensor& t, int dims) {
  Shape one = Shape::filled(dims, 1);
  one[1] = t.numel();
  return t.reshape(one);
}

struct Moments {
  Tensor mean, var;  // (C) float64; the biased variance
  double count = 0;  // numbers in a channel, over all ranks
};

/// The ranks' moments, merged in the order of ranks, so that every rank gets the same bits whatever MPI's algorithm is. With delta the distance
/// of a rank's mean from the mean so far: mean += delta n / N, M2 += M2_rank + delta^2 N_before n / N. A plain sum could not do this.
Moments moments_over_ranks(const Tensor& x) {
  const int64_t channels = x.size(1);
  const double n = double(x.numel()) / double(std::max<int64_t>(channels, 1));
  const Tensor mine = zeros({2 * channels + 1}, kFloat64);
  if (n > 0) {
    const Tensor mean = x.detach().mean(others(x), false, kFloat64);
    const Tensor centred = x.detach().to(kFloat64) - per_channel(mean, x.dim());
    mine.narrow(0, 0, channels).copy_(mean);
    mine.narrow(0, channels, channels).copy_(square(centred).sum(others(x)));
  }
  mine.data<double>()[2 * channels] = n;
  const Tensor all = gather_rows("the statistics of batch norm", mine);
  Moments merged{zeros({channels}, kFloat64), zeros({channels}, kFloat64)};
  double *const mean = merged.mean.data<double>(), *const m2 = merged.var.data<double>();
  for (int r = 0; r < world_size(); ++r) {
    const double* const row = all.data<double>() + r * mine.numel();
    const double count = row[2 * channels], total = merged.count + count;
    if (count == 0) continue;
    for (int64_t c = 0; c < channels; ++c) {
      const double delta = row[c] - mean[c];
      mean[c] += delta * count / total;
      m2[c] += row[channels + c] + delta * delta * merged.count * count / total;
    }
    merged.count = total;
  }
  if (merged.count > 0) merged.var.div_(merged.count);
  return merged;
}

/// From basic operations, for gradients of gradients. in = {x, weight}; the bias only adds to y.
Tensor plain(const std::vector<Tensor>& in, double count, double eps) {
  const Tensor& x = in[0];
  const Tensor mean = sum_over_ranks(x.sum(others(x))) / count;
  const Tensor centred = x - per_channel(mean, x.dim());
  const Tensor var = sum_over_ranks(square(centred).sum(others(x))) / count;
  const Tensor xhat = centred * per_channel(rsqrt(var + eps), x.dim());
  return in[1].defined() ? xhat * per_channel(in[1], x.dim()) : xhat;
}

// With N numbers in a channel over all ranks, s1 = sum(dy) and s2 = sum(dy (x - mean)) over all ranks:
//   dx = weight * invstd * (dy - s1 / N - (x - mean) * invstd^2 * s2 / N)
// dweight and dbias are those of this rank's samples: sum(dy (x - mean)) * invstd and sum(dy).
void backward(const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& mean, const Tensor& invstd, double count, Grads& grads) {
  const int64_t channels = x.size(1);
  const Tensor centred = x - per_channel(mean, x.dim());
  const Tensor sums = empty({2, channels}, kFloat64);
  sums[0].copy_(dy.sum(others(x), false, kFloat64));
  sums[1].copy_((dy * centred).sum(others(x), false, kFloat64));
  if (grads.wants(1)) grads.add(1, sums[1].to(x.dtype()) * invstd);
  if (grads.wants(2)) grads.add(2, sums[0].to(x.dtype()));
  const Tensor over_ranks = sums.clone();
  sum_in_place("the gradient of batch norm", over_ranks);  // always: other ranks may want theirs
  if (!grads.wants(0)) return;
  const Tensor average = (over_ranks / count).to(x.dtype());
  const Tensor scale = weight.defined() ? weight * invstd : invstd;
  const Tensor slope = square(invstd) * average[1];
  grads.add(0, (dy - per_channel(average[0], x.dim()) - centred * per_channel(slope, x.dim())) * per_channel(scale, x.dim()));
}

/// r = (1 - momentum) r + momentum * batch, as nn::BatchNorm's kernel does without counting as a write in place.
void move(const Tensor& running, const Tensor& batch, double momentum) {
  if (running.defined()) running.detach().copy_(running.detach() * (1 - momentum) + batch.to(running.dtype()) * momentum);
}

Tensor forward_over_ranks(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                          double momentum, double eps) {
  Moments moments;
  Tensor mean, invstd, y;
  {
    const NoGradGuard no_grad;
    moments = moments_over_ranks(x);
    check<ValueError>(moments.count != 1, "Expected more than 1 value per channel when training, got input size torch.Size({})", x.sizes());
    mean = moments.mean.to(x.dtype());
    invstd = rsqrt(moments.var + eps).to(x.dtype());
    y = batch_norm(x.detach(), mean, moments.var.to(x.dtype()), weight, bias, false, 0, eps);
    if (moments.count > 0) {
      move(running_mean, moments.mean, momentum);
      move(running_var, moments.var * (moments.count / (moments.count - 1)), momentum);
    }
  }
  return record("SyncBatchNorm", {x, weight, bias}, std::move(y),
                [x = Saved(x), weight = Saved(weight), mean, invstd, count = moments.count, eps](const Tensor& dy, Grads& grads) {
                  const Tensor input = x.get(), w = weight.get();
                  if (!grads.create_graph()) return backward(dy, input, w, mean, invstd, count, grads);
                  if (grads.wants(2)) grads.add(2, dy.sum(others(input)));
                  grads.replay(dy, {input, w}, [&](const std::vector<Tensor>& inputs) { return plain(inputs, count, eps); });
                });
}

}  // namespace

SyncBatchNorm::SyncBatchNorm(int64_t num_features, BatchNormOptions options) : BatchNormBase(num_features, options) {
  synchronise(forward_over_ranks);
}

int64_t convert_sync_batchnorm(Module& module) {
  int64_t found = 0;
  for (const auto& [name, below] : module.named_modules())
    if (auto* const norm = dynamic_cast<BatchNormBase*>(below)) {
      norm->synchronise(forward_over_ranks);
      ++found;
    }
  return found;
}

}  // namespace ember::nn
