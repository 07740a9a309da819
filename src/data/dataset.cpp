// Data sets that others are made of. Indices are checked before anything is read.
#include <ember/autograd.h>
#include <ember/data/dataset.h>
#include <ember/ops/shape.h>
#include <ember/random.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "error_format.h"

namespace ember::data {

Sample Dataset::get_batch(const std::vector<int64_t>& indices) const {
  std::vector<Sample> samples;
  for (int64_t i : indices) samples.push_back(get(i));
  return default_collate(samples);
}

Sample default_collate(const std::vector<Sample>& samples) {
  check<ValueError>(!samples.empty(), "default_collate: expected samples, got none");
  Sample batch;
  for (std::size_t k = 0; k < samples[0].size(); ++k) {
    std::vector<Tensor> rows;
    for (const Sample& s : samples) {
      check<RuntimeError>(s.size() == samples[0].size(),
                          "each element in list of batch should be of equal size\ndefault_collate: got samples of {} and {} tensors",
                          samples[0].size(), s.size());
      check<RuntimeError>(s[k].defined(), "default_collate: tensor {} of sample {} is undefined", k, rows.size());
      check<RuntimeError>(s[k].sizes() == samples[0][k].sizes(),
                          "stack expects each tensor to be equal size, but got {} at entry 0 and {} at entry {}\ndefault_collate: transform samples "
                          "to one size, or give "
                          "the loader a collate_fn",
                          samples[0][k].sizes(), s[k].sizes(), rows.size());
      rows.push_back(s[k]);
    }
    batch.push_back(stack(rows));
  }
  return batch;
}

TensorDataset::TensorDataset(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {
  check<ValueError>(!tensors_.empty(), "TensorDataset: expected at least one tensor");
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor& t = tensors_[i];
    check<ValueError>(t.defined(), "TensorDataset: tensor {} is undefined: default-constructed, moved from, or a gradient before backward", i);
    check<ValueError>(
        t.dim() > 0,
        "Size mismatch between tensors\nTensorDataset: expected tensors with samples in their first dimension, got tensor {} without dimensions", i);
    check<ValueError>(
        t.size(0) == tensors_[0].size(0),
        "Size mismatch between tensors\nTensorDataset: expected one row for each sample, got sizes {} for tensor 0 and {} for tensor {}",
        tensors_[0].sizes(), t.sizes(), i);
  }
}

std::vector<Tensor> TensorDataset::tensors() && { return std::move(tensors_); }
int64_t TensorDataset::size() const {
  check<RuntimeError>(!tensors_.empty(), "TensorDataset: it was moved from");
  return tensors_[0].size(0);
}

Sample TensorDataset::get(int64_t index) const {
  const int64_t n = size();
  check<IndexError>(index >= -n && index < n, "index {} is out of bounds for dimension 0 with size {}\nTensorDataset: expected a sample below {}",
                    index, n, n);
  Sample sample;
  for (const Tensor& t : tensors_) sample.push_back(t.select(0, index));
  return sample;
}

namespace {

/// Rows of x, copied. Without the threads of operations: a loader's workers are threads themselves, and a batch is small.
Tensor pick_rows(const Tensor& x, const std::vector<int64_t>& rows) {
  Shape sizes = x.sizes().shape();
  sizes[0] = int64_t(rows.size());
  Tensor y = empty(sizes, x.dtype());
  const std::size_t bytes = std::size_t(x.numel() / std::max<int64_t>(x.size(0), 1) * item_size(x.dtype()));
  const char* from = static_cast<const char*>(x.data_ptr());
  char* to = static_cast<char*>(y.data_ptr());
  if (bytes == 8) {  // labels
    for (std::size_t i = 0; i < rows.size(); ++i) std::memcpy(to + 8 * i, from + 8 * rows[i], 8);
    return y;
  }
  // The rows lie anywhere: the beginning of the next but one is fetched while this one is copied.
  constexpr std::size_t kAhead = 2;
  for (std::size_t i = 0; bytes > 0 && i < rows.size(); ++i) {
    if (i + kAhead < rows.size())
      for (std::size_t at = 0; at < std::min<std::size_t>(bytes, 512); at += 64)
        __builtin_prefetch(from + std::size_t(rows[i + kAhead]) * bytes + at);
    std::memcpy(to + i * bytes, from + std::size_t(rows[i]) * bytes, bytes);
  }
  return y;
}

}  // namespace

Sample TensorDataset::get_batch(const std::vector<int64_t>& indices) const {
  NoGradGuard no_grad;
  const int64_t n = size();
  for (int64_t i : indices) check<IndexError>(i >= 0 && i < n, "index out of range in self\nTensorDataset: expected samples below {}, got {}", n, i);
  Sample batch;
  for (const Tensor& t : tensors_) batch.push_back(pick_rows(t.contiguous(), indices));
  return batch;
}

ConcatDataset::ConcatDataset(std::initializer_list<KeptDataset> datasets) : ConcatDataset(std::vector<KeptDataset>(datasets)) {}
ConcatDataset::ConcatDataset(std::vector<KeptDataset> datasets) : datasets_(std::move(datasets)) {
  check<ValueError>(!datasets_->empty(), "datasets should not be an empty iterable");
  int64_t end = 0;
  for (const KeptDataset& d : *datasets_) {
    check<ValueError>(bool(d), "ConcatDataset: data set {} is a null pointer", ends_.size());
    ends_.push_back(end += d->size());
  }
}

int64_t ConcatDataset::size() const {
  check<RuntimeError>(!datasets_->empty(), "ConcatDataset: it was moved from");
  return ends_.back();
}
Sample ConcatDataset::get(int64_t index) const {
  check<ValueError>(index >= -size() && index < size(),
                    "absolute value of index should not exceed dataset length\nConcatDataset: got {} of {} samples", index, size());
  if (index < 0) index += size();
  const std::size_t which = std::size_t(std::upper_bound(ends_.begin(), ends_.end(), index) - ends_.begin());
  return datasets_[which]->get(index - (which ? ends_[which - 1] : 0));
}

int64_t Subset::size() const {
  check<RuntimeError>(bool(dataset_), "Subset: it was moved from");
  return int64_t(indices_.size());
}
std::vector<int64_t> Subset::indices() && { return std::move(indices_); }
Subset::Subset(KeptDataset dataset, std::vector<int64_t> indices) : dataset_(std::move(dataset)), indices_(std::move(indices)) {
  check<ValueError>(bool(dataset_), "Subset: the data set is a null pointer");
}

int64_t Subset::inner(int64_t index) const {
  check<IndexError>(index >= -size() && index < size(), "list index out of range\nSubset: got {} of {} samples", index, size());
  return indices_[std::size_t(index < 0 ? index + size() : index)];
}

Sample Subset::get(int64_t index) const { return dataset_->get(inner(index)); }

Sample Subset::get_batch(const std::vector<int64_t>& indices) const {
  std::vector<int64_t> mapped;
  mapped.reserve(indices.size());
  for (int64_t i : indices) mapped.push_back(inner(i));
  check<RuntimeError>(bool(dataset_), "Subset: it was moved from");
  return dataset_->get_batch(mapped);
}

std::vector<Subset> random_split(KeptDataset dataset, const std::vector<int64_t>& lengths, Generator* generator) {
  check<ValueError>(bool(dataset), "random_split: the data set is a null pointer");
  int64_t total = 0;
  for (int64_t n : lengths) {
    check<ValueError>(n >= 0, "random_split: expected lengths of 0 or more, got {}", n);
    check<ValueError>(!__builtin_add_overflow(total, n, &total), "random_split: lengths sum to more than 2^63");
  }
  check<ValueError>(
      total == dataset->size(),
      "Sum of input lengths does not equal the length of the input dataset!\nrandom_split: the lengths sum to {}, the data set has {} samples", total,
      dataset->size());
  const Tensor order = randperm(total, {}, generator);
  std::vector<Subset> parts;
  const int64_t* at = order.data<int64_t>();
  for (int64_t n : lengths) {
    parts.emplace_back(dataset, std::vector<int64_t>(at, at + n));
    at += n;
  }
  return parts;
}

std::vector<Subset> random_split(KeptDataset dataset, const std::vector<double>& fractions, Generator* generator) {
  check<ValueError>(bool(dataset), "random_split: the data set is a null pointer");
  double sum = 0;
  for (double f : fractions) sum += f;
  check<ValueError>(std::fabs(sum - 1) < 1e-9,
                    "Sum of input lengths does not equal the length of the input dataset!\nrandom_split: expected fractions that sum to 1, got {}",
                    sum);
  std::vector<int64_t> lengths;
  int64_t rest = dataset->size();
  for (double f : fractions) {
    check<ValueError>(f >= 0 && f <= 1, "Fraction at index {} is not between 0 and 1", lengths.size());
    lengths.push_back(int64_t(std::floor(double(dataset->size()) * f)));
    rest -= lengths.back();
  }
  for (int64_t i = 0; i < rest; ++i) ++lengths[std::size_t(i) % lengths.size()];
  return random_split(std::move(dataset), lengths, generator);
}

}  // namespace ember::data
