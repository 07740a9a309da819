// Packing is one gather of rows, and so is the way back: their gradients are those of index_select.
#include <ember/factories.h>
#include <ember/nn/packed_sequence.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/index.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <algorithm>
#include <string_view>

#include "error_format.h"
#include "tensor/defined.h"

namespace ember::nn::utils::rnn {
namespace {

/// The first two dimensions as one.
Tensor rows_of(const Tensor& x) {
  Shape sizes = x.sizes().shape();
  sizes[1] *= sizes[0];
  sizes.erase(0);
  return x.reshape(sizes);
}

Tensor as_tensor(const std::vector<int64_t>& values) {
  Tensor t = empty({int64_t(values.size())}, kInt64);
  std::copy(values.begin(), values.end(), t.data<int64_t>());
  return t;
}

std::vector<int64_t> inverse(const std::vector<int64_t>& order) {
  std::vector<int64_t> places(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) places[std::size_t(order[i])] = int64_t(i);
  return places;
}

void check_packed(const char* operation, const PackedSequence& sequence) {
  require_defined(operation, sequence.data, sequence.batch_sizes);
  check<RuntimeError>(sequence.data.dim() >= 1 && sequence.batch_sizes.dim() == 1 && sequence.batch_sizes.dtype() == kInt64,
                      "{}: expected data, and batch_sizes of one dimension and dtype int64", operation);
  check<RuntimeError>(sequence.batch_sizes.sum().item<int64_t>() == sequence.data.size(0),
                      "{}: expected as many rows as batch_sizes add up to, {}, got {}", operation, sequence.batch_sizes.sum().item<int64_t>(),
                      sequence.data.size(0));
}

}  // namespace

PackedSequence pack_padded_sequence(const Tensor& input, IntArrayRef lengths, PackOptions options) {
  require_defined("pack_padded_sequence", input);
  check<RuntimeError>(input.dim() >= 2, "pack_padded_sequence: expected input of at least 2 dimensions, got shape {}", input.sizes());
  check<RuntimeError>(input.numel() > 0, "Cannot pack empty tensors.");
  const int64_t steps = input.sizes()[options.batch_first ? 1 : 0], batch = input.sizes()[options.batch_first ? 0 : 1];
  check<RuntimeError>(int64_t(lengths.size()) == batch, "Expected `len(lengths)` to be equal to batch_size, but got {} (batch_size={})",
                      lengths.size(), batch);
  std::vector<int64_t> order(lengths.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = int64_t(i);
  if (!options.enforce_sorted)
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return lengths[std::size_t(a)] > lengths[std::size_t(b)]; });
  const auto length = [&](std::size_t i) { return lengths[std::size_t(order[i])]; };
  for (std::size_t i = 0; i < order.size(); ++i) {
    check<RuntimeError>(length(i) > 0, "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0");
    check<RuntimeError>(length(i) <= steps, "pack_padded_sequence: expected lengths of at most {}, the steps of the input, got {}", steps, length(i));
    check<RuntimeError>(i == 0 || length(i) <= length(i - 1),
                        "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` to "
                        "pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not need ONNX exportability.");
  }

  std::vector<int64_t> rows, sizes;
  for (int64_t t = 0; t < length(0); ++t) {
    std::size_t n = 0;
    for (; n < order.size() && length(n) > t; ++n) rows.push_back(options.batch_first ? order[n] * steps + t : t * batch + order[n]);
    sizes.push_back(int64_t(n));
  }
  PackedSequence packed{index_select(rows_of(input), 0, as_tensor(rows)), as_tensor(sizes)};
  if (!options.enforce_sorted) {
    packed.sorted_indices = as_tensor(order);
    packed.unsorted_indices = as_tensor(inverse(order));
  }
  return packed;
}

PackedSequence pack_padded_sequence(const Tensor& input, const Tensor& lengths, PackOptions options) {
  require_defined("pack_padded_sequence", input, lengths);
  check<RuntimeError>(lengths.dim() == 1, "'lengths' argument should be a 1D CPU int64 tensor, but got {}D cpu {} tensor", lengths.dim(),
                      scalar_type_name(lengths.dtype()));
  return pack_padded_sequence(input, IntArrayRef(lengths.to_vector<int64_t>()), options);
}

PaddedSequences pad_packed_sequence(const PackedSequence& sequence, PadPackedOptions options) {
  check_packed("pad_packed_sequence", sequence);
  const std::vector<int64_t> at = sequence.batch_sizes.to_vector<int64_t>();
  const int64_t longest = int64_t(at.size()), batch = at.empty() ? 0 : at[0];
  check<ValueError>(options.total_length < 0 || options.total_length >= longest,
                    "Expected total_length to be at least the length of the longest sequence in input, but got total_length={} and max sequence "
                    "length being {}",
                    options.total_length, longest);
  const int64_t steps = std::max(longest, options.total_length);
  std::vector<int64_t> place(static_cast<std::size_t>(batch));
  for (std::size_t i = 0; i < place.size(); ++i) place[i] = int64_t(i);
  if (sequence.unsorted_indices.defined()) place = sequence.unsorted_indices.to_vector<int64_t>();

  // Row `padding`, behind the data, is the padding.
  const int64_t padding = sequence.data.size(0);
  std::vector<int64_t> rows(std::size_t(steps * batch), padding), lengths(static_cast<std::size_t>(batch));
  int64_t first = 0;
  for (int64_t t = 0; t < longest; first += at[std::size_t(t++)])
    for (std::size_t n = 0; n < place.size(); ++n)
      if (place[n] < at[std::size_t(t)]) {
        rows[std::size_t(options.batch_first ? int64_t(n) * steps + t : t * batch + int64_t(n))] = first + place[n];
        ++lengths[n];
      }
  Shape row = sequence.data.sizes().shape();
  row[0] = 1;
  const Tensor all = cat({sequence.data, full(row, options.padding_value, sequence.data.dtype())});
  Shape sizes = row;
  sizes[0] = options.batch_first ? batch : steps;
  sizes.insert(1, options.batch_first ? steps : batch);
  return {index_select(all, 0, as_tensor(rows)).reshape(sizes), as_tensor(lengths)};
}

Tensor pad_sequence(const std::vector<Tensor>& sequences, PadOptions options) {
  require_defined("pad_sequence", sequences);
  const std::string_view side = options.padding_side;
  check<RuntimeError>(!sequences.empty(), "received an empty list of sequences");
  check<RuntimeError>(side == "left" || side == "right", "Expected padding_side to be one of left or right, but got {}.", side);
  int64_t longest = 0;
  for (const Tensor& s : sequences) {
    check<IndexError>(s.dim() > 0, "Dimension specified as 0 but tensor has no dimensions");
    check<RuntimeError>(s.dim() == sequences[0].dim(), "The size of tensor a ({}) must match the size of tensor b ({}) at non-singleton dimension 0",
                        sequences[0].dim(), s.dim());
    for (int d = 1; d < s.dim(); ++d)
      check<RuntimeError>(s.sizes()[d] == sequences[0].sizes()[d],
                          "The size of tensor a ({}) must match the size of tensor b ({}) at non-singleton dimension {}", sequences[0].sizes()[d],
                          s.sizes()[d], d);
    longest = std::max(longest, s.size(0));
  }
  std::vector<Tensor> padded;
  for (const Tensor& s : sequences) {
    const Tensor like = s.to(sequences[0].dtype());
    Shape rest = s.sizes().shape();
    rest[0] = longest - s.size(0);
    if (rest[0] == 0) {
      padded.push_back(like);
      continue;
    }
    const Tensor filling = empty(rest, like.dtype())
                               .fill_(is_floating_point(like.dtype()) ? Scalar(options.padding_value) : Scalar(int64_t(options.padding_value)));
    padded.push_back(side == "left" ? cat({filling, like}) : cat({like, filling}));
  }
  return stack(padded, options.batch_first ? 0 : 1);
}

std::vector<Tensor> unpad_sequence(const Tensor& padded, const Tensor& lengths, bool batch_first) {
  require_defined("unpad_sequence", padded, lengths);
  check<RuntimeError>(padded.dim() >= 2, "unpad_sequence: expected padded sequences of at least 2 dimensions, got shape {}", padded.sizes());
  const Tensor by_sequence = batch_first ? padded : padded.transpose(0, 1);
  const std::vector<int64_t> length = lengths.to_vector<int64_t>();
  check<ValueError>(int64_t(length.size()) == by_sequence.size(0), "unpad_sequence: expected a length for each of {} sequences, got {}",
                    by_sequence.size(0), length.size());
  std::vector<Tensor> sequences;
  for (std::size_t i = 0; i < length.size(); ++i)
    sequences.push_back(by_sequence.select(0, int64_t(i)).narrow(0, 0, std::clamp<int64_t>(length[i], 0, by_sequence.size(1))).clone());
  return sequences;
}

PackedSequence pack_sequence(const std::vector<Tensor>& sequences, bool enforce_sorted) {
  const Tensor padded = pad_sequence(sequences);
  std::vector<int64_t> lengths;
  for (const Tensor& s : sequences) lengths.push_back(s.size(0));
  return pack_padded_sequence(padded, IntArrayRef(lengths), {.enforce_sorted = enforce_sorted});
}

std::vector<Tensor> unpack_sequence(const PackedSequence& packed) {
  const PaddedSequences padded = pad_packed_sequence(packed, {.batch_first = true});
  return unpad_sequence(padded.output, padded.lengths, true);
}

}  // namespace ember::nn::utils::rnn
