// A queue of batches in order, filled by threads that each take the next number.
#include "data/workers.h"

#include <ember/autograd.h>

#include "runtime/alone.h"

namespace ember::data {

Workers::Workers(int64_t threads, int64_t ahead, int64_t first, Prepare prepare)
    : taken_(first), begun_(first), ahead_(ahead), prepare_(std::move(prepare)) {
  try {
    for (int64_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {  // no more threads to be had: those that began do the work
    if (threads_.empty()) throw RuntimeError("DataLoader: the system gives no thread for a worker; num_workers = 0 needs none");
  }
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  room_.notify_all();
  for (std::thread& t : threads_) t.join();
}

void Workers::work() {
  NoGradGuard no_grad;
  kernels::work_alone();
  std::unique_lock lock(mutex_);
  while (true) {
    room_.wait(lock, [&] { return quit_ || begun_ < taken_ + ahead_; });
    if (quit_) return;
    const int64_t number = begun_++;
    slots_.emplace_back();
    Slot& slot = slots_.back();  // a deque's elements stay where they are while its ends change
    lock.unlock();
    Sample batch;
    bool given = false;
    std::exception_ptr error;
    try {
      given = prepare_(number, batch);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    slot.batch = std::move(batch);
    slot.given = given;
    slot.error = std::move(error);
    slot.done = true;
    if (&slot == &slots_.front()) ready_.notify_one();
  }
}

bool Workers::next(Sample& batch) {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [&] { return !slots_.empty() && slots_.front().done; });
  Slot slot = std::move(slots_.front());
  slots_.pop_front();
  ++taken_;
  lock.unlock();
  room_.notify_one();
  if (slot.error) std::rethrow_exception(slot.error);
  batch = std::move(slot.batch);
  return slot.given;
}

}  // namespace ember::data
