// Which gradient lies where in which bucket, and what happens when a bucket is full.
#include "distributed/buckets.h"

#include <ember/ops/elementwise.h>
#include <ember/ops/shape.h>

namespace ember::distributed {

Buckets::Buckets(std::vector<Tensor> parameters, double megabytes)
    : parameters_(std::move(parameters)), bucket_of_(parameters_.size()), complete_(parameters_.size()) {
  const double cap = megabytes * 1024 * 1024;
  std::vector<int64_t> sizes;                 // of the buckets so far, in elements
  std::unordered_map<int, std::size_t> open;  // by dtype
  for (int p = int(parameters_.size()) - 1; p >= 0; --p) {
    const Tensor& t = parameters_[std::size_t(p)];
    const int64_t bytes = item_size(t.dtype());
    const auto found = open.find(int(t.dtype()));
    if (found == open.end() || double((sizes[found->second] + t.numel()) * bytes) > cap) {
      open[int(t.dtype())] = buckets_.size();
      buckets_.emplace_back();
      sizes.push_back(0);
    }
    const std::size_t b = open[int(t.dtype())];
    buckets_[b].parameters.push_back(p);
    buckets_[b].offsets.push_back(sizes[b]);
    bucket_of_[std::size_t(p)] = int(b);
    sizes[b] += t.numel();
    bytes_ += t.numel() * bytes;
  }
  for (std::size_t b = 0; b < buckets_.size(); ++b)
    buckets_[b].memory = empty({sizes[b]}, parameters_[std::size_t(buckets_[b].parameters[0])].dtype());
}

void Buckets::begin_empty() {
  begin();
  empty_ = true;
}

void Buckets::begin() {
  empty_ = false;
  sent_ = 0;
  std::fill(complete_.begin(), complete_.end(), char(0));
  for (Bucket& bucket : buckets_) bucket.missing = int(bucket.parameters.size());
}

void Buckets::complete(int parameter) {
  complete_[std::size_t(parameter)] = 1;
  Bucket& bucket = buckets_[std::size_t(bucket_of_[std::size_t(parameter)])];
  for (std::size_t i = 0; i < bucket.parameters.size(); ++i)
    if (bucket.parameters[i] == parameter) fill(bucket, i);
  if (--bucket.missing == 0) send_full_ones();
}

void Buckets::fill(const Bucket& bucket, std::size_t i) {
  const Tensor& parameter = parameters_[std::size_t(bucket.parameters[i])];
  const Tensor place = bucket.memory.narrow(0, bucket.offsets[i], parameter.numel()).view(parameter.sizes());
  const Tensor gradient = parameter.grad();
  if (!gradient.defined() || empty_) place.zero_();
  else place.copy_(gradient);
}

void Buckets::send_full_ones() {
  for (; sent_ < buckets_.size() && buckets_[sent_].missing == 0; ++sent_) {
    if (sent_ == 0) first_sent_ = std::chrono::steady_clock::now();
    buckets_[sent_].tickets = start_sum("the sum of gradients", buckets_[sent_].memory);
  }
}

void Buckets::wait() {
  for (Bucket& bucket : buckets_) {
    wait_for(bucket.tickets);
    bucket.tickets.clear();
  }
  seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - first_sent_).count();
}

void Buckets::hand_back(const std::vector<bool>& used, double divisor) {
  for (const Bucket& bucket : buckets_) {
    if (divisor != 1) bucket.memory.div_(divisor);
    for (std::size_t i = 0; i < bucket.parameters.size(); ++i) {
      const std::size_t p = std::size_t(bucket.parameters[i]);
      if (!used[p]) continue;
      const Tensor sum = bucket.memory.narrow(0, bucket.offsets[i], parameters_[p].numel()).view(parameters_[p].sizes());
      if (const Tensor gradient = parameters_[p].grad(); gradient.defined()) gradient.copy_(sum);
      else parameters_[p].set_grad(empty_like(parameters_[p].detach()).copy_(sum));
    }
  }
}

}  // namespace ember::distributed
