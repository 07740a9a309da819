// How a chain of modules is cut into passes: a module that can run with a tail, and those behind it that join this tail.
#pragma once

#include <ember/nn/module.h>

#include "nn/module_state.h"

namespace ember::nn {

/// Observers see every module, and anomaly mode names the operation that went wrong: then each runs by itself.
inline bool may_fuse() {
  const ForwardObserver* const watching = forward_observer();
  return (!watching || !watching->sees_each_module()) && !detail::anomaly_mode;
}

/// Nobody waits for this module's call.
inline bool is_unwatched(const Module& module) {
  const auto& hooks = ModuleState::of(module).hooks;
  return !hooks || (hooks->before.empty() && hooks->after.empty());
}

/// Takes `end` into the tail where that has no place taken already.
inline bool merge(Then& then, const Then& end) {
  if (end.norm.defined() || then.relu || then.max_pool || then.addend.defined()) return false;
  then.addend = end.addend;
  then.relu = end.relu;
  then.max_pool = end.max_pool;
  return true;
}

/// at(0), ..., at(count - 1) one after the other, then `end`.
template <class At>
Tensor run_in_passes(std::size_t count, At at, Tensor x, const Then& end = {}) {
  const bool fuses = may_fuse();
  bool ended = end.empty();
  for (std::size_t i = 0; i < count;) {
    Module& head = at(i);
    if (fuses && is_unwatched(head)) {
      Then then;
      std::size_t next = i + 1;
      while (next < count && is_unwatched(at(next)) && at(next).join(then, x)) ++next;
      const bool takes_end = next == count && !ended && merge(then, end);
      Tensor y = then.empty() ? Tensor() : head.forward_then(x, then);
      if (y.defined()) {
        x = std::move(y);
        ended = ended || takes_end;
        i = next;
        continue;
      }
    }
    x = head(x);
    ++i;
  }
  return ended ? x : apply(end, x);
}

}  // namespace ember::nn
