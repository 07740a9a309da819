// Batches of sequences of several lengths: padded to one length, or packed without the padding. As torch.nn.utils.rnn.
#pragma once

#include <ember/tensor.h>

namespace ember::nn::utils::rnn {

/// The steps of several sequences without padding: first step 0 of all, then step 1 of those that have one, and so on, the longest sequence
/// first. pack_padded_sequence and pack_sequence make them; nn::RNN, nn::LSTM and nn::GRU take them and give them back.
struct PackedSequence {
  Tensor data;                           ///< (sum of the lengths, *)
  Tensor batch_sizes;                    ///< (longest length), int64: how many sequences have this step
  OptionalTensor sorted_indices = {};    ///< (N): which sequence of the batch is the i-th here; undefined: they were sorted
  OptionalTensor unsorted_indices = {};  ///< (N): the inverse
};

struct PackOptions {
  bool batch_first = false;    ///< (N, L, *) in place of (L, N, *)
  bool enforce_sorted = true;  ///< the lengths fall already; otherwise they are sorted
};
/// input (L, N, *) without what is behind the length of each sequence. Throws RuntimeError where the lengths are not N numbers of 1 to L, or
/// do not fall while enforce_sorted.
PackedSequence pack_padded_sequence(const Tensor& input, IntArrayRef lengths, PackOptions options = {});
/// The same with the lengths as a tensor (N).
PackedSequence pack_padded_sequence(const Tensor& input, const Tensor& lengths, PackOptions options = {});

struct PadPackedOptions {
  bool batch_first = false;
  double padding_value = 0;
  int64_t total_length = -1;  ///< at least this many steps; -1: as many as the longest sequence has
};
struct PaddedSequences {
  Tensor output;   ///< (L, N, *), or (N, L, *) with batch_first
  Tensor lengths;  ///< (N), int64
};
/// The inverse of pack_padded_sequence, in the order of the batch that was packed. Throws ValueError where total_length is too short.
PaddedSequences pad_packed_sequence(const PackedSequence& sequence, PadPackedOptions options = {});

struct PadOptions {
  bool batch_first = false;
  double padding_value = 0;
  const char* padding_side = "right";  ///< or "left"
};
/// Sequences (length, *) side by side as (L, N, *), the shorter ones padded. Throws RuntimeError where there is none.
Tensor pad_sequence(const std::vector<Tensor>& sequences, PadOptions options = {});
/// The sequences (length, *) of a padded batch.
std::vector<Tensor> unpad_sequence(const Tensor& padded_sequences, const Tensor& lengths, bool batch_first = false);
/// pack_padded_sequence of pad_sequence.
PackedSequence pack_sequence(const std::vector<Tensor>& sequences, bool enforce_sorted = true);
/// The sequences that were packed.
std::vector<Tensor> unpack_sequence(const PackedSequence& packed_sequences);

}  // namespace ember::nn::utils::rnn
