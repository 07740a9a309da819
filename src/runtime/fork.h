// What the parts of the library do when the process forks: the child has the memory of all threads, but only the one that forked.
#pragma once

namespace ember {

/// `before` takes a lock, so that what it guards is in order in the child; the others give it back.
struct ForkHandler {
  int rank;  // locks are taken by falling rank: a lock that is taken while another is held has the lower one
  void (*before)();
  void (*in_parent)();
  void (*in_child)();
};
/// From the next fork on. At most eight; a rank only once.
void at_fork(const ForkHandler& handler);

}  // namespace ember
