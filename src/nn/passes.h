// How a chain of modules is cut into passes: a module that can run with a tail, and those behind it that join this tail.
#pragma once

#include <ember/nn/module.h>

#include "nn/module_state.h"

namespace ember::nn {

/// Observers see every module, and anomaly mode names the operation that went wrong: then each runs by itself.
inline bool may_fuse() { return !ember::detail::anomaly_mode && (!forward_observer() || !each_module_is_seen()); }

/// Nobody waits for this module's call.
inline bool is_unwatched(const Module& module) {
  ModuleState& state = ModuleState::of(module);
  state.settle();
  return !state.hooks || state.hooks->empty();
}

/// Several modules in one pass have refused x. One by one, with copies of their buffers, the one that it was names itself.
void throw_from_one_of(const std::vector<Module*>& modules, const Tensor& x);

/// head.forward_then(x, then): the steps of its backward are those of head, an error that of one of the modules [first, next).
template <class At>
Tensor pass_of(At at, std::size_t first, std::size_t next, const Tensor& x, const Then& then) {
  const RunningModule running(ModuleState::of(at(first)).number);
  try {
    return at(first).forward_then(x, then);
  } catch (const Error& error) {
    std::vector<Module*> modules;
    for (std::size_t i = first; i < next; ++i) modules.push_back(&at(i));
    if (!error.has_place()) throw_from_one_of(modules, x);
    throw;
  }
}

/// Takes `end` into the tail where that has no place taken already.
inline bool merge(Then& then, const Then& end) {
  if (end.norm.defined() || then.relu || then.max_pool || then.addend.defined()) return false;
  then.addend = end.addend;
  then.relu = end.relu;
  then.max_pool = end.max_pool;
  return true;
}

/// Do the modules [first, next) go together? They do unless the call of one of them would be refused: each by itself says so.
template <class At>
bool go_together(At at, std::size_t first, std::size_t next) {
  if (!is_unwatched(at(first))) return false;
  for (std::size_t i = first; i < next; ++i)
    if (ModuleState::of(at(i)).has_plain_parameters()) return false;
  return true;
}

/// at(0), ..., at(count - 1) one after the other, then `end`.
template <class At>
Tensor run_in_passes(std::size_t count, At at, Tensor x, const Then& end = {}) {
  const bool fuses = may_fuse();
  bool ended = end.empty();
  Then then;
  for (std::size_t i = 0, next = 1; i < count; i = next) {
    next = i + 1;
    while (fuses && next < count && is_unwatched(at(next)) && at(next).join(then, x)) ++next;
    const bool takes_end = fuses && next == count && !ended && merge(then, end);
    if (!then.empty()) {
      Tensor y = go_together(at, i, next) ? pass_of(at, i, next, x, then) : Tensor();
      then = {};
      if (y.defined()) {
        x = std::move(y);
        ended = ended || takes_end;
        continue;
      }
      next = i + 1;
    }
    x = at(i)(x);
  }
  return ended ? x : apply(end, x);
}

}  // namespace ember::nn
