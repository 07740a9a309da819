// Handlers by rank: the highest takes its lock first and gives it back last.
#include "runtime/fork.h"

#include <pthread.h>

#include <mutex>

namespace ember {
namespace {

constexpr int kRanks = 8;
constinit std::mutex mutex;
constinit ForkHandler handlers[kRanks] = {};

void before() {
  mutex.lock();
  for (int rank = kRanks; rank-- > 0;)
    if (handlers[rank].before) handlers[rank].before();
}
void in_parent() {
  for (const ForkHandler& handler : handlers)
    if (handler.in_parent) handler.in_parent();
  mutex.unlock();
}
void in_child() {
  for (const ForkHandler& handler : handlers)
    if (handler.in_child) handler.in_child();
  mutex.unlock();
}

}  // namespace

void at_fork(const ForkHandler& handler) {
  const std::lock_guard lock(mutex);
  static const int registered = pthread_atfork(before, in_parent, in_child);
  (void)registered;
  handlers[handler.rank] = handler;
}

}  // namespace ember
