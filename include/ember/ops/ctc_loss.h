// The loss of sequences whose alignment is not known. As torch.nn.functional.ctc_loss.
#pragma once

#include <ember/ops/loss.h>

namespace ember {

struct CtcLossOptions {
  int64_t blank = 0;                      ///< the class that stands for no label
  Reduction reduction = Reduction::Mean;  ///< Mean: each loss over the length of its target, then their mean
  bool zero_infinity = false;             ///< targets longer than their input give 0, without a gradient, in place of infinity
};
/// -ln of the probability of all alignments that read as the target. log_probs (T, N, C) or (T, C), logarithms of probabilities, as
/// log_softmax gives them; targets (N, S), or all one after the other (sum of target_lengths); lengths (N). As PyTorch's, the gradient is that
/// with respect to what log_softmax was applied to.
/// Throws RuntimeError where sizes or lengths do not fit. Graves et al. 2006.
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths, const Tensor& target_lengths,
                const CtcLossOptions& options = {});

}  // namespace ember
