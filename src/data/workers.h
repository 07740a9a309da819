// Threads that prepare batches ahead of a loop, which gets them in order.
#pragma once

#include <ember/data/dataset.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ember::data {

class Workers {
 public:
  /// Fills the batch of a number; false when there is none of that number, which ends the epoch. Throws for the loop.
  using Prepare = std::function<bool(int64_t number, Sample& batch)>;

  /// Batches first, first + 1, ... on `threads` threads, at most `ahead` of them finished or begun and not yet taken.
  Workers(int64_t threads, int64_t ahead, int64_t first, Prepare prepare);
  ~Workers();  ///< waits for what is begun

  /// The next batch in order, or false at the end. What the worker threw is thrown here.
  bool next(Sample& batch);

 private:
  struct Slot {
    bool done = false, given = false;
    Sample batch;
    std::exception_ptr error;
  };
  void work();

  std::mutex mutex_;
  std::condition_variable room_, ready_;
  std::deque<Slot> slots_;  // of the batches from taken_ on
  int64_t taken_, begun_, ahead_;
  bool quit_ = false;
  Prepare prepare_;
  std::vector<std::thread> threads_;
};

}  // namespace ember::data
