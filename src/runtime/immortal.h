// What lives until the process ends: tensors, modules and optimisers with static lifetime die after other statics, and still need it.
#pragma once

namespace ember {

/// As a function's static, `static Immortal<T> one;`, it is made at the first call; its destructor never runs.
template <class T>
union Immortal {
  T value;
  Immortal() : value() {}
  ~Immortal() {}
};

}  // namespace ember
