// What a Tensor points to. Users never name these types; they stand in a header so that the handle stays inline.
#pragma once

#include <ember/dtype.h>
#include <ember/shape.h>

namespace ember {

/// An atomic count of owners, without the weight of <atomic> in every training script.
class ReferenceCount {
 public:
  void increment() { __atomic_fetch_add(&count_, 1u, __ATOMIC_RELAXED); }
  /// True when the caller was the last owner. A sole owner needs no atomic write.
  bool decrement() { return get() == 1 || __atomic_sub_fetch(&count_, 1u, __ATOMIC_ACQ_REL) == 0; }
  std::uint32_t get() const { return __atomic_load_n(&count_, __ATOMIC_ACQUIRE); }

 private:
  std::uint32_t count_ = 1;
};

/// The memory behind one or more tensors. It lies directly before its data when Ember allocated it.
struct alignas(64) Storage {
  ReferenceCount references;
  std::uint32_t version = 0;  ///< goes up with every write in place; saved values compare it
  std::int64_t bytes = 0;
  void* data = nullptr;
  void (*release)(void* owner) = nullptr;  ///< set for memory that came from outside
  void* owner = nullptr;

  static Storage* allocate(std::int64_t bytes);
  void drop() {
    if (references.decrement()) destroy();
  }

 private:
  void destroy();
};

struct Node;
struct AutogradMeta;

/// Three cache lines: bookkeeping, sizes, strides.
struct alignas(64) TensorImpl {
  ReferenceCount references;
  DType dtype = kFloat32;
  std::uint8_t dims = 0;
  bool contiguous = true;
  bool requires_grad : 1 = false;  // a leaf that collects a gradient
  bool grad_defined : 1 = false;   // zero_grad keeps the buffer and clears this
  bool is_parameter : 1 = false;   // of a module: what nn::Parameter is in PyTorch
  void* data = nullptr;            // first element
  Storage* storage = nullptr;
  int64_t numel = 1;
  Node* node = nullptr;          // owning; what made this tensor, null for leaves
  TensorImpl* grad = nullptr;    // owning
  AutogradMeta* meta = nullptr;  // owning; the base of a view, hooks, a retained gradient: most tensors have none
  int64_t sizes[kMaxDims];
  int64_t strides[kMaxDims];

  static TensorImpl* allocate();
  void drop() {
    if (references.decrement()) destroy();
  }

 private:
  void destroy();
};

namespace detail {
/// What every undefined tensor points to. It is never counted and never changes; its dtype is Undefined.
extern TensorImpl undefined_tensor;
[[noreturn]] void undefined_in_method(const char* method);
}  // namespace detail

}  // namespace ember
