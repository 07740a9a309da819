// Cross-entropy and the negative log-likelihood. Class indices over rows of scores, the case of every classifier, are one fused
// operation; everything else is composed.
#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/loss.h>
#include <ember/ops/reduce.h>

#include <string_view>
#include <utility>

#include "error_format.h"
#include "kernels/softmax/softmax.h"
#include "ops/reduced_loss.h"
#include "runtime/scratch.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {

Reduction::Reduction(const char* word) {
  constexpr std::string_view words[] = {"mean", "sum", "none", "batchmean"};
  for (Kind kind : {Mean, Sum, None, BatchMean})
    if (words[kind] == word) {
      kind_ = kind;
      return;
    }
  fail<ValueError>("{} is not a valid value for reduction\nexpected \"mean\", \"sum\" or \"none\"; kl_div takes \"batchmean\", too", word);
}

Tensor reduced(const Tensor& loss, Reduction reduction) {
  check<ValueError>(reduction != Reduction::BatchMean,
                    "batchmean is not a valid value for reduction\nexpected Mean, Sum or None; kl_div alone takes BatchMean");
  return reduction == Reduction::None ? loss : reduction == Reduction::Mean ? loss.mean() : loss.sum();
}

namespace {

/// The classes as whole numbers one after the other, each of them one of x's or ignored.
Tensor checked_classes(const Tensor& x, const Tensor& target, const Tensor& weight, int64_t ignore_index) {
  const int class_dim = x.dim() == 1 ? 0 : 1;
  const int64_t classes = x.sizes()[class_dim];
  if (x.dim() == 1) {
    check<RuntimeError>(target.dim() <= 1, "0D or 1D target tensor expected, multi-target not supported");
    check<RuntimeError>(target.numel() == 1, "For 1D input, 1D target must have size 1, but got target size: {}", target.numel());
  } else {
    check<ValueError>(target.dim() >= 1 && x.sizes()[0] == target.sizes()[0], "Expected input batch_size ({}) to match target batch_size ({}).",
                      x.sizes()[0], target.dim() ? target.sizes()[0] : 0);
    if (x.dim() == 2) check<RuntimeError>(target.dim() == 1, "0D or 1D target tensor expected, multi-target not supported");
    Shape expected;
    for (int d = 0; x.dim() > 2 && d < x.dim(); ++d)
      if (d != 1) expected.push_back(x.sizes()[d]);
    check<RuntimeError>(x.dim() == 2 || target.sizes() == expected, "Expected target size {}, got {}", expected, target.sizes());
  }
  check<RuntimeError>(target.dtype() == kInt64 || target.dtype() == kUInt8, "expected target dtype to be Long or Byte, but got {}",
                      scalar_type_name(target.dtype()));
  check<RuntimeError>(!weight.defined() || (weight.dim() == 1 && weight.numel() == classes),
                      "weight tensor should be defined either for all {} classes or no classes but got weight tensor of shape: {}", classes,
                      weight.defined() ? weight.sizes() : IntArrayRef());
  Tensor t = target.to(kInt64).contiguous();
  const int64_t* const indices = t.data<int64_t>();
  for (int64_t i = 0, n = t.numel(); i < n; ++i)
    check<IndexError>(std::uint64_t(indices[i]) < std::uint64_t(classes) || indices[i] == ignore_index, "Target {} is out of bounds.", indices[i]);
  return t;
}

/// -lp at the target, weighted, 0 where ignored; and the weights.
struct PerSample {
  Tensor loss, weight;
};

PerSample picked(const Tensor& lp, const Tensor& target_any, const Tensor& weight, int64_t ignore_index) {
  const int dim = lp.dim() == 1 ? 0 : 1;
  const Tensor target = lp.dim() == 1 ? target_any.to(kInt64).reshape({}) : target_any.to(kInt64);  // one row may have its class as [1]
  const Tensor keep = ne(target, ignore_index), safe = where(keep, target, 0);
  const Tensor scale = weight.defined() ? index_select(weight, 0, safe.reshape({-1})).reshape(safe.sizes()) * keep.to(lp.dtype())
                                        : keep.to(lp.dtype());
  const Tensor at = gather(lp, dim, safe.unsqueeze(dim)).squeeze(dim);
  return {where(keep, -at * scale, 0), scale};
}

Tensor over_weights(const PerSample& p, Reduction reduction) {
  return reduction == Reduction::None ? p.loss : reduction == Reduction::Sum ? p.loss.sum() : p.loss.sum() / p.weight.sum();
}

Tensor plain_cross_entropy(const Tensor& x, const Tensor& target, int64_t ignore_index, Reduction reduction) {
  return over_weights(picked(log_softmax(x, 1), target, {}, ignore_index), reduction);
}

// loss_i = (top - x_target) + ln sum e^(x - top) with the row's largest as top: the difference first, since a logarithm added to large
// scores loses its digits. With p = softmax(x): dx = (p - onehot) times the upstream gradient over the number of kept rows.
Tensor fused(const Tensor& input, const Tensor& target, int64_t ignore_index, Reduction reduction) {
  const Tensor x = input.contiguous();
  const int64_t rows = x.sizes()[0], n = x.sizes()[1];
  // What the backward starts from: the softmax where rows are short, else top and logarithm of each row.
  const bool keeps_softmax = n <= kernels::kShortRow && will_record({x});
  const Tensor kept_values = make_dense(keeps_softmax ? x.sizes().shape() : Shape{2, rows}, x.dtype());
  Tensor loss = reduction == Reduction::None ? make_dense({rows}, x.dtype()) : make_dense({}, x.dtype());
  double kept = 0;
  with_real(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const kernels::Scratch<T> scratch(keeps_softmax ? 2 * rows : 0);
    T *const tops = keeps_softmax ? scratch : kept_values.data<T>(), *const logs = tops + rows;
    T* const softmax = keeps_softmax ? kept_values.data<T>() : nullptr;
    const T* const scores = x.data<T>();
    kernels::log_sum_exp_rows<T>(rows, n, scores, tops, logs, softmax);
    double total = 0;
    int64_t kept_rows = 0;
    const int64_t* const t = target.data<int64_t>();
    T *const losses = loss.data<T>(), *const by_row = reduction == Reduction::None ? losses : nullptr;
    for (int64_t i = 0; i < rows; ++i) {
      if (t[i] == ignore_index) {
        if (by_row) by_row[i] = 0;
        continue;
      }
      const T value = (tops[i] - scores[i * n + t[i]]) + logs[i];
      if (by_row) by_row[i] = value;
      total += double(value);
      ++kept_rows;
    }
    kept = double(kept_rows);
    if (reduction != Reduction::None) losses[0] = T(reduction == Reduction::Mean ? total / kept : total);
  });
  const double scale = reduction == Reduction::Mean ? 1 / kept : 1;
  return record("NllLoss", {x}, std::move(loss),
                [x = Saved(x), target = Saved(target), kept_values, keeps_softmax, ignore_index, reduction, scale](const Tensor& dy, Grads& grads) {
                  const Tensor scores = x.get(), classes = target.get();
                  if (grads.create_graph())
                    return grads.replay(dy, {scores},
                                        [&](const std::vector<Tensor>& in) { return plain_cross_entropy(in[0], classes, ignore_index, reduction); });
                  const int64_t rows = scores.sizes()[0], n = scores.sizes()[1];
                  const Tensor upstream = dy.contiguous();
                  Tensor dx = make_dense(scores.sizes(), scores.dtype());
                  with_real(scores.dtype(), [&](auto zero) {
                    using T = decltype(zero);
                    const kernels::Scratch<T> scales(rows);
                    const int64_t* const t = classes.data<int64_t>();
                    const T* const up = upstream.data<T>();
                    const bool by_row = reduction == Reduction::None;
                    const T of_all = by_row ? T(0) : T(double(*up) * scale);
                    for (int64_t i = 0; i < rows; ++i) scales[i] = t[i] == ignore_index ? T(0) : by_row ? up[i] : of_all;
                    const T* const from = keeps_softmax ? kept_values.data<T>() : scores.data<T>();
                    const T *const tops = keeps_softmax ? nullptr : kept_values.data<T>(), *const logs = keeps_softmax ? nullptr : tops + rows;
                    kernels::cross_entropy_rows_backward<T>(rows, n, from, tops, logs, t, scales, dx.data<T>());
                  });
                  grads.add(0, std::move(dx));
                });
}

}  // namespace

Tensor nll_loss(const Tensor& lp, const Tensor& target, const NllLossOptions& o) {
  require_defined("nll_loss", lp, target);
  check<RuntimeError>(lp.dim() >= 1, "Expected input to have at least 1 dimension, got {}", lp.dim());
  checked_classes(lp, target, o.weight, o.ignore_index);
  return over_weights(picked(lp, target, o.weight, o.ignore_index), o.reduction);
}

Tensor cross_entropy(const Tensor& x, const Tensor& target, const CrossEntropyOptions& o) {
  require_defined("cross_entropy", x, target);
  check<RuntimeError>(o.label_smoothing >= 0 && o.label_smoothing <= 1, "label_smoothing must be between 0.0 and 1.0. Got: {}", o.label_smoothing);
  check<RuntimeError>(x.dim() >= 1, "Expected input to have at least 1 dimension, got {}", x.dim());
  check<NotImplementedError>(is_floating_point(x.dtype()), "\"log_softmax_lastdim_kernel_impl\" not implemented for '{}'",
                             scalar_type_name(x.dtype()));
  const int dim = x.dim() == 1 ? 0 : 1;
  const int64_t classes = x.sizes()[dim];
  const double e = o.label_smoothing;
  const bool probabilities = target.sizes() == x.sizes() && !(x.dim() == 1 && target.dim() == 0);

  if (!probabilities) {
    const Tensor known = checked_classes(x, target, o.weight, o.ignore_index);
    if (x.dim() == 2 && !o.weight.defined() && e == 0) return fused(x, known, o.ignore_index, o.reduction);
  }
  Shape per_class = Shape::filled(x.dim(), 1);
  per_class[dim] = classes;
  if (probabilities) {
    check<RuntimeError>(is_floating_point(target.dtype()), "Expected floating point type for target with class probabilities, got {}",
                        scalar_type_name(target.dtype()));
    check<RuntimeError>(o.ignore_index < 0, "ignore_index is not supported for floating point target");
    check<RuntimeError>(!o.weight.defined() || o.weight.numel() == classes,
                        "cross_entropy: weight tensor should be defined either for all {} classes or no classes but got weight tensor of shape: {}",
                        classes, o.weight.defined() ? o.weight.sizes() : IntArrayRef());
    const Tensor smoothed = e > 0 ? target * (1 - e) + e / double(classes) : target;
    Tensor lp = log_softmax(x, dim) * smoothed;
    if (o.weight.defined()) lp = lp * o.weight.reshape(per_class);
    const Tensor loss = -lp.sum(dim);
    return o.reduction == Reduction::Mean ? loss.sum() / (double(x.numel()) / double(classes)) : reduced(loss, o.reduction);
  }
  const Tensor lp = log_softmax(x, dim);
  const PerSample nll = picked(lp, target, o.weight, o.ignore_index);
  if (e == 0) return over_weights(nll, o.reduction);
  const Tensor keep = ne(x.dim() == 1 ? target.reshape({}) : target, o.ignore_index);
  const Tensor all = -(o.weight.defined() ? lp * o.weight.reshape(per_class) : lp).sum(dim);
  const PerSample smooth{where(keep, all, 0), nll.weight};
  return over_weights(nll, o.reduction) * (1 - e) + over_weights(smooth, o.reduction) * (e / double(classes));
}

}  // namespace ember
