// The sums over all alignments of the CTC loss, in logarithms. Graves et al. 2006, section 4.
#pragma once

#include <cstdint>

namespace ember::kernels {

/// A batch of `samples` sequences: log_probs (steps, samples, classes), contiguous. The labels of sample b are targets + target_at[b].
struct CtcBatch {
  int64_t steps, samples, classes, blank;
  int64_t longest;  ///< target
  const int64_t *targets, *target_at, *input_lengths, *target_lengths;
  int64_t states() const { return 2 * longest + 1; }  ///< labels with blanks between them and around
};

/// loss: one for each sample. alpha (samples, steps, states()): the logarithm of the probability of all beginnings.
template <class T>
void ctc_forward(const CtcBatch& at, const T* log_probs, T* loss, T* alpha);

/// grad (steps, samples, classes) with respect to what log_softmax was applied to, times dloss of each sample.
template <class T>
void ctc_backward(const CtcBatch& at, const T* log_probs, const T* loss, const T* alpha, const T* dloss, bool zero_infinity, T* grad);

}  // namespace ember::kernels
