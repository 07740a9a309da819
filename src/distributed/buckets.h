// Gradients on their way: flat pieces of memory that fill while backward goes on and leave as soon as they are full.
#pragma once

#include <chrono>
#include <unordered_map>
#include <vector>

#include "distributed/collectives.h"

namespace ember::distributed {

/// Parameters of one dtype, side by side. Buckets are filled in the order in which backward meets the parameters, from the last to the first,
/// and leave in their own order, which is the same on all ranks whatever their graphs look like.
struct Bucket {
  Tensor memory;                // flat
  std::vector<int> parameters;  // places in the list of parameters
  std::vector<int64_t> offsets;
  int missing = 0;  // parameters that are not complete yet
  std::vector<Ticket> tickets;
};

class Buckets {
 public:
  Buckets(std::vector<Tensor> parameters, double megabytes);

  /// Starts a backward. Parameters that it does not meet are given to complete() as well.
  void begin();
  void begin_empty();  ///< the same for a rank that has no batch: it adds nothing
  /// The gradient of this parameter is complete. Only once in a backward.
  void complete(int parameter);
  bool is_complete(int parameter) const { return complete_[std::size_t(parameter)]; }
  /// Waits until all is here.
  void wait();
  /// grad = sum over ranks / divisor, for the parameters that some rank has used.
  void hand_back(const std::vector<bool>& used, double divisor);

  const std::vector<Tensor>& parameters() const { return parameters_; }
  int64_t count() const { return int64_t(buckets_.size()); }
  int64_t bytes() const { return bytes_; }
  double seconds() const { return seconds_; }

 private:
  void fill(const Bucket& bucket, std::size_t place);
  void send_full_ones();

  std::vector<Tensor> parameters_;
  std::vector<Bucket> buckets_;
  std::vector<int> bucket_of_;  // of each parameter
  std::vector<char> complete_;
  bool empty_ = false;
  std::size_t sent_ = 0;
  int64_t bytes_ = 0;
  std::chrono::steady_clock::time_point first_sent_;
  double seconds_ = 0;
};

}  // namespace ember::distributed
