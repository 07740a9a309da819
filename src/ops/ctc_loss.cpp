// The CTC loss.
#include <ember/autograd.h>
#include <ember/ops/ctc_loss.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>

#include <algorithm>
#include <limits>

#include "error_format.h"
#include "kernels/ctc/ctc.h"
#include "ops/reduced_loss.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

constexpr const char* kWhere = "(while checking arguments for ctc_loss_allocate_outputs)";

/// Labels and lengths as plain numbers, which the kernels read.
struct CtcTargets {
  std::vector<int64_t> labels, label_at, input_lengths, target_lengths;
  int64_t longest = 0;
};

std::vector<int64_t> lengths_of(const char* name, const Tensor& t, int64_t samples) {
  check<RuntimeError>(is_integral(t.dtype(), false), "{} must be integral", name);
  check<RuntimeError>(t.numel() == samples, "{} must be of size batch_size", name);
  std::vector<int64_t> lengths = t.to_vector<int64_t>();
  for (const int64_t n : lengths) check<RuntimeError>(n >= 0, "Expected {} to have value at least 0, but got value {} {}", name, n, kWhere);
  return lengths;
}

CtcTargets targets_of(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths, const Tensor& target_lengths) {
  const int64_t steps = log_probs.size(0), samples = log_probs.size(1), classes = log_probs.size(2);
  CtcTargets all;
  all.target_lengths = lengths_of("target_lengths", target_lengths, samples);
  all.input_lengths = lengths_of("input_lengths", input_lengths, samples);
  for (const int64_t n : all.input_lengths)
    check<RuntimeError>(n <= steps, "Expected input_lengths to have value at most {}, but got value {} {}", steps, n, kWhere);
  check<RuntimeError>(targets.dim() == 1 || targets.dim() == 2,
                      "Expected 1 to 2 dimensions, but got {}-dimensional tensor for argument #2 'targets' {}", targets.dim(), kWhere);
  int64_t total = 0;
  for (const int64_t n : all.target_lengths) {
    all.longest = std::max(all.longest, n);
    all.label_at.push_back(targets.dim() == 1 ? total : int64_t(all.label_at.size()) * targets.size(1));
    total += n;
  }
  const int64_t rows = targets.dim() == 1 ? total : samples;
  check<RuntimeError>(targets.size(0) == rows, "Expected tensor to have size {} at dimension 0, but got size {} for argument #2 'targets' {}", rows,
                      targets.size(0), kWhere);
  check<RuntimeError>(targets.dim() == 1 || targets.size(1) >= all.longest,
                      "Expected tensor to have size at least {} at dimension 1, but got size {} for argument #2 'targets' {}", all.longest,
                      targets.size(-1), kWhere);
  all.labels = targets.to_vector<int64_t>();
  for (std::size_t b = 0; b < all.target_lengths.size(); ++b)
    for (int64_t i = 0; i < all.target_lengths[b]; ++i) {
      const int64_t label = all.labels[std::size_t(all.label_at[b] + i)];
      check<RuntimeError>(label >= 0 && label < classes, "ctc_loss: expected targets that are classes, 0 to {}, got {}", classes - 1, label);
    }
  return all;
}

kernels::CtcBatch batch_of(const CtcTargets& t, const Tensor& log_probs, int64_t blank) {
  return {log_probs.size(0), log_probs.size(1),      log_probs.size(2),      blank, t.longest, t.labels.data(),
          t.label_at.data(), t.input_lengths.data(), t.target_lengths.data()};
}

/// The loss of each sample, (N).
Tensor losses(const Tensor& log_probs, const CtcTargets& targets, const CtcLossOptions& o) {
  const Tensor p = log_probs.detach().contiguous();
  const kernels::CtcBatch batch = batch_of(targets, p, o.blank);
  const Tensor alpha = make_dense({batch.samples, batch.steps, batch.states()}, p.dtype());
  Tensor loss = make_dense({batch.samples}, p.dtype());
  with_real(p.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::ctc_forward<T>(batch, p.data<T>(), loss.data<T>(), alpha.data<T>());
  });
  return record("CtcLoss", {log_probs}, loss,
                [=, blank = o.blank, zero_infinity = o.zero_infinity, log_probs = Saved(log_probs), loss = Saved::output(loss)](const Tensor& dy,
                                                                                                                                Grads& grads) {
                  const Tensor p = log_probs.get().detach().contiguous(), d = dy.detach().contiguous();
                  Tensor grad = make_dense(p.sizes(), p.dtype());
                  with_real(p.dtype(), [&](auto zero) {
                    using T = decltype(zero);
                    kernels::ctc_backward<T>(batch_of(targets, p, blank), p.data<T>(), loss.get().detach().data<T>(), alpha.data<T>(), d.data<T>(),
                                             zero_infinity, grad.data<T>());
                  });
                  grads.add(0, record("CtcLossBackward", {dy, log_probs.get()}, grad, [](const Tensor&, Grads&) {
                              fail<RuntimeError>("derivative for aten::_ctc_loss_backward is not implemented");
                            }));
                });
}

}  // namespace

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths, const Tensor& target_lengths, const CtcLossOptions& o) {
  require_defined("ctc_loss", log_probs, targets, input_lengths, target_lengths);
  check<RuntimeError>(log_probs.dim() == 2 || log_probs.dim() == 3, "ctc_loss: expected log_probs (T, N, C) or (T, C), got shape {}",
                      log_probs.sizes());
  check<NotImplementedError>(is_floating_point(log_probs.dtype()), "\"ctc_loss_cpu\" not implemented for '{}'", scalar_type_name(log_probs.dtype()));
  check<RuntimeError>(log_probs.numel() > 0, "log_probs tensor must not be empty");
  const bool batched = log_probs.dim() == 3;
  const Tensor batch = batched ? log_probs : log_probs.unsqueeze(1);
  check<RuntimeError>(o.blank >= 0 && o.blank < batch.size(2), "blank must be in label range");
  const CtcTargets all = targets_of(batch, targets, input_lengths, target_lengths);

  Tensor loss = losses(batch, all, o);
  if (o.zero_infinity) loss = where(eq(loss, std::numeric_limits<double>::infinity()), 0, loss);
  if (o.reduction == Reduction::Mean) {
    const Tensor lengths = make_dense({batch.size(1)}, batch.dtype());
    for (std::size_t b = 0; b < all.target_lengths.size(); ++b) lengths.select(0, int64_t(b)).fill_(std::max<int64_t>(1, all.target_lengths[b]));
    return mean(loss / lengths);
  }
  if (o.reduction == Reduction::Sum) return sum(loss);
  check<ValueError>(o.reduction == Reduction::None, "batchmean is not a valid value for reduction");
  return batched ? loss : loss.squeeze(0);
}

}  // namespace ember
