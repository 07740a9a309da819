// The loss of sequences without an alignment as a module. As torch.nn.CTCLoss.
#pragma once

#include <ember/nn/module.h>
#include <ember/ops/ctc_loss.h>

namespace ember::nn {

/// ctc_loss with its options.
class CTCLoss final : public Module {
 public:
  explicit CTCLoss(CtcLossOptions options = {}) : options(options) {}
  Tensor operator()(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths, const Tensor& target_lengths) const;
  CTCLoss clone() const {
    return copy_of([&] { return CTCLoss(options); });
  }
  CtcLossOptions options;
};

}  // namespace ember::nn
