#include <ember/data/dataset.h>
#include <ember/ops/index.h>
#include <ember/ops/shape.h>
#include <ember/autograd.h>
#include <ember/random.h>

#include <algorithm>
#include <cmath>

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
      check<RuntimeError>(s.size() == samples[0].size(), "each element in list of batch should be of equal size");
      rows.push_back(s[k]);
    }
    batch.push_back(stack(rows));
  }
  return batch;
}

TensorDataset::TensorDataset(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {
  check<ValueError>(!tensors_.empty(), "TensorDataset: expected at least one tensor");
  for (const Tensor& t : tensors_) check<ValueError>(t.dim() > 0 && t.size(0) == tensors_[0].size(0), "Size mismatch between tensors");
}

Sample TensorDataset::get(int64_t index) const {
  Sample sample;
  for (const Tensor& t : tensors_) sample.push_back(t.select(0, index));
  return sample;
}

Sample TensorDataset::get_batch(const std::vector<int64_t>& indices) const {
  NoGradGuard no_grad;
  const Tensor rows = from_blob(const_cast<int64_t*>(indices.data()), {int64_t(indices.size())}, kInt64);
  Sample batch;
  for (const Tensor& t : tensors_) batch.push_back(index_select(t, 0, rows));
  return batch;
}

ConcatDataset::ConcatDataset(std::vector<const Dataset*> datasets) : datasets_(std::move(datasets)) {
  check<ValueError>(!datasets_.empty(), "datasets should not be an empty iterable");
  int64_t end = 0;
  for (const Dataset* d : datasets_) ends_.push_back(end += d->size());
}

Sample ConcatDataset::get(int64_t index) const {
  if (index < 0) index += size();
  check<ValueError>(index >= 0 && index < size(), "absolute value of index should not exceed dataset length");
  const std::size_t which = std::size_t(std::upper_bound(ends_.begin(), ends_.end(), index) - ends_.begin());
  return datasets_[which]->get(index - (which ? ends_[which - 1] : 0));
}

Sample Subset::get(int64_t index) const {
  check<IndexError>(index >= 0 && index < size(), "list index out of range");
  return dataset_->get(indices_[std::size_t(index)]);
}

Sample Subset::get_batch(const std::vector<int64_t>& indices) const {
  std::vector<int64_t> mapped;
  for (int64_t i : indices) mapped.push_back(indices_[std::size_t(i)]);
  return dataset_->get_batch(mapped);
}

std::vector<Subset> random_split(const Dataset& dataset, const std::vector<int64_t>& lengths, Generator* generator) {
  int64_t total = 0;
  for (int64_t n : lengths) {
    check<ValueError>(n >= 0, "random_split: expected lengths of 0 or more, got {}", n);
    total += n;
  }
  check<ValueError>(total == dataset.size(), "Sum of input lengths does not equal the length of the input dataset!");
  const Tensor order = randperm(total, {}, generator);
  std::vector<Subset> parts;
  const int64_t* at = order.data<int64_t>();
  for (int64_t n : lengths) {
    parts.emplace_back(dataset, std::vector<int64_t>(at, at + n));
    at += n;
  }
  return parts;
}

std::vector<Subset> random_split(const Dataset& dataset, const std::vector<double>& fractions, Generator* generator) {
  double sum = 0;
  for (double f : fractions) sum += f;
  check<ValueError>(std::fabs(sum - 1) < 1e-9, "random_split: expected fractions that sum to 1, got {}", sum);
  std::vector<int64_t> lengths;
  int64_t rest = dataset.size();
  for (double f : fractions) {
    check<ValueError>(f >= 0 && f <= 1, "Fraction at index {} is not between 0 and 1", lengths.size());
    lengths.push_back(int64_t(std::floor(double(dataset.size()) * f)));
    rest -= lengths.back();
  }
  for (int64_t i = 0; i < rest; ++i) ++lengths[std::size_t(i) % lengths.size()];
  return random_split(dataset, lengths, generator);
}

}  // namespace ember::data
