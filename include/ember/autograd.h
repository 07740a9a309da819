// The tape: which operation made a tensor, and how a gradient flows back through it.
//
// An operation computes its result and then calls record(name, inputs, result, backward). When one of the inputs needs a
// gradient, the result remembers a Node that holds the backward closure and an edge to each input; otherwise record hands the
// result back untouched. Nodes are numbered in the order of their creation, which is a topological order: backward takes
// them by falling number. As torch.autograd.
#pragma once

#include <ember/callback.h>
#include <ember/tensor.h>

#include <type_traits>

namespace ember {

namespace detail {
extern constinit thread_local bool grad_mode;
extern constinit thread_local bool anomaly_mode;
extern constinit thread_local std::uint32_t current_module;  // the number of the module whose forward runs; 0: none
}  // namespace detail

inline bool is_grad_enabled() { return detail::grad_mode; }
inline void set_grad_enabled(bool on) { detail::grad_mode = on; }

/// While it lives, gradients are recorded (or not). As torch.set_grad_enabled / no_grad / enable_grad.
class GradMode {
 public:
  explicit GradMode(bool on) : before_(detail::grad_mode) { detail::grad_mode = on; }
  ~GradMode() { detail::grad_mode = before_; }
  GradMode(const GradMode&) = delete;

 private:
  bool before_;
};
struct NoGradGuard : GradMode {
  NoGradGuard() : GradMode(false) {}
};
struct EnableGradGuard : GradMode {
  EnableGradGuard() : GradMode(true) {}
};

class Grads;

/// A value kept for backward. It knows the version it was saved at: a write in place since then is an error in get().
class Saved {
 public:
  Saved() = default;
  explicit Saved(const Tensor& input) : Saved(input, false) {}
  /// The result of the operation that records. Held without its history, which would be a cycle.
  static Saved output(const Tensor& result) { return Saved(result, true); }

  /// The value, with its place in the graph when the backward is being recorded. Undefined when an undefined one was saved.
  Tensor get() const;

 private:
  Saved(const Tensor& t, bool is_output);
  Tensor value_;
  std::uint32_t version_ = 0;
  bool is_output_ = false;
};

inline constexpr int kInlineInputs = 4;

/// Where the gradient of an input goes: to the node that made it, to a leaf, or nowhere.
struct Edge {
  Node* node;
  TensorImpl* leaf;
};

struct NodeHooks;
class GraphWalk;

/// One recorded operation with one output.
struct Node {
  ReferenceCount references;
  std::uint8_t dims = 0;
  DType dtype = kFloat32;
  bool released = false;       // the closure and its saved values are gone
  bool keeps_nothing = false;  // no saved values: may run any number of times
  std::uint32_t bytes = 0;     // of this block
  std::uint32_t inputs = 0;
  std::uint32_t module = 0;  // whose forward recorded it; 0: none
  std::uint64_t sequence = 0;
  std::uint64_t mark = 0;  // the last graph walk that needs this node, when a walk is restricted
  const char* name = nullptr;
  union {
    TensorImpl* grad = nullptr;  // what has arrived so far, owning
    Node* next_dead;             // teardown list
  };
  NodeHooks* hooks = nullptr;
  Edge* edges = inline_edges;
  Edge inline_edges[kInlineInputs];  // like the sizes, written by attach as far as they go
  int64_t sizes[kMaxDims];           // of the output, for the check of its gradient

  virtual void run(const Tensor& dy, Grads& grads) = 0;
  virtual void release() = 0;  // destroys the closure

 protected:
  ~Node() = default;
};

/// Where a backward closure puts the gradients of its inputs, numbered as in record's list.
class Grads {
 public:
  /// Does anybody need the gradient of this input?
  bool wants(int input) const;

  /// Adds a contribution. A gradient of a broadcast shape is summed to the input's, another dtype converted; ignored when
  /// the input needs none or the gradient is undefined.
  void add(int input, Tensor gradient);

  /// write(Tensor& target, bool accumulate) fills a dense gradient of the input's shape, or adds to it, in place: where the
  /// input is a leaf this is the leaf's own gradient. Not called when nobody needs it. Only when create_graph() is false.
  template <class Write>
  void write(int input, Write&& write_gradient) {
    if (!wants(input)) return;
    bool accumulate = false;
    Tensor target = begin_write(input, accumulate);
    write_gradient(target, accumulate);
    end_write(input, static_cast<Tensor&&>(target));
  }

  /// True when the backward itself is being recorded, for gradients of gradients.
  bool create_graph() const { return detail::grad_mode; }

  /// Runs the backward as that of `plain(inputs)`, a composition of basic operations with the same value. The way of a fused
  /// operation to be differentiable twice: `if (grads.create_graph()) return grads.replay(dy, {x.get(), w.get()}, plain);`
  template <class Plain>
  void replay(const Tensor& dy, const std::vector<Tensor>& inputs, Plain&& plain) {
    std::vector<Tensor> local = begin_replay(inputs);
    Tensor value;
    {
      const GradMode recording(true);
      value = plain(static_cast<const std::vector<Tensor>&>(local));
    }
    end_replay(dy, local, value);
  }

  Grads(Node* node, GraphWalk* walk) : node_(node), walk_(walk) {}

 private:
  Tensor begin_write(int input, bool& accumulate);
  void end_write(int input, Tensor target);
  std::vector<Tensor> begin_replay(const std::vector<Tensor>& inputs);
  void end_replay(const Tensor& dy, const std::vector<Tensor>& local, const Tensor& value);

  Node* node_;
  GraphWalk* walk_;
};

namespace detail {
/// A reference to an input, without counting.
struct InputRef {
  InputRef(const Tensor& t) : impl(t.impl()) {}
  TensorImpl* impl;
};
bool view_has_history(TensorImpl* view);  // brings the node of a view up to date with writes to its base
inline bool needs_grad(InputRef input) { return input.impl->requires_grad || input.impl->node || (input.impl->meta && view_has_history(input.impl)); }
void* allocate_node(std::size_t bytes);
void attach(Node* node, const InputRef* inputs, std::size_t count, const Tensor& output);
void attach(Node* node, const std::vector<Tensor>& inputs, const Tensor& output);
void attach_view(const Tensor& base, const Tensor& view);
void mark_one_of_many(const Tensor& view, const char* operation, int number);  // writes into it are not recorded

template <class Backward>
struct NodeOf final : Node {
  union {
    Backward backward;
  };
  explicit NodeOf(Backward&& b) : backward(static_cast<Backward&&>(b)) { keeps_nothing = std::is_trivially_destructible_v<Backward>; }
  ~NodeOf() {}
  void run(const Tensor& dy, Grads& grads) override { backward(dy, grads); }
  void release() override { backward.~Backward(); }
};

template <class Backward>
Node* make_node(const char* name, Backward&& backward) {
  using Kind = NodeOf<std::remove_cvref_t<Backward>>;
  Kind* node = ::new (allocate_node(sizeof(Kind))) Kind(static_cast<Backward&&>(backward));
  node->bytes = sizeof(Kind);
  node->name = name;
  return node;
}
}  // namespace detail

/// Says how `output` came from `inputs`. backward(const Tensor& dy, Grads& grads) gets the gradient of the output and adds
/// those of the inputs; built from differentiable operations it can be differentiated again. `name` is PyTorch's name of the
/// operation without "Backward0" and must outlive the program (a literal). Undefined inputs are skipped.
template <class Backward>
Tensor record(const char* name, std::initializer_list<detail::InputRef> inputs, Tensor output, Backward&& backward) {
  if (!detail::grad_mode) return output;
  for (detail::InputRef input : inputs)
    if (detail::needs_grad(input)) {
      detail::attach(detail::make_node(name, static_cast<Backward&&>(backward)), inputs.begin(), inputs.size(), output);
      break;
    }
  return output;
}

/// The same for any number of inputs (cat, stack).
template <class Backward>
Tensor record(const char* name, const std::vector<Tensor>& inputs, Tensor output, Backward&& backward) {
  if (!detail::grad_mode) return output;
  for (const Tensor& input : inputs)
    if (detail::needs_grad(input)) {
      detail::attach(detail::make_node(name, static_cast<Backward&&>(backward)), inputs, output);
      break;
    }
  return output;
}

/// True when record would keep the backward: saves work that only a backward needs.
inline bool will_record(std::initializer_list<detail::InputRef> inputs) {
  if (!detail::grad_mode) return false;
  for (detail::InputRef input : inputs)
    if (detail::needs_grad(input)) return true;
  return false;
}

/// self becomes `result` (its values, converted to self's dtype, and its history): how every in-place form is made from the
/// operation that it is the form of. A view passes the change on to the history of its base. Throws PyTorch's errors when self is
/// a leaf that requires grad, when the result does not fit self's shape, or cannot be cast to self's dtype.
const Tensor& assign_inplace(const Tensor& self, const Tensor& result);

/// self becomes `view`, a view of itself: sizes, strides and history, over the memory that it has. How t_() is made from t(). Throws as
/// assign_inplace when self is a leaf that requires grad.
const Tensor& become_view(const Tensor& self, const Tensor& view);

/// The checks of assign_inplace alone, before anything is computed: for direct in-place kernels that need no history.
void check_inplace(const Tensor& self);

/// self = op(self) in place. While something records, op sees a copy, so that what it saves of self stays valid.
/// `others` are op's further inputs. `apply_inplace(x, {y}, [&](const Tensor& before) { return mul(before, y); })`.
template <class Op>
const Tensor& apply_inplace(const Tensor& self, std::initializer_list<detail::InputRef> others, Op&& op) {
  check_inplace(self);
  const bool records = will_record({self}) || will_record(others);
  return assign_inplace(self, op(records ? self.clone() : self));
}

namespace autograd {

struct GradOptions {
  bool retain_graph = false, create_graph = false, allow_unused = false;
};
/// Gradients of outputs with respect to inputs, without touching any grad. As torch.autograd.grad. An input that the outputs do
/// not depend on throws unless allow_unused, which gives an undefined tensor for it.
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs, const std::vector<Tensor>& grad_outputs = {},
                         GradOptions options = {});

/// backward from several outputs at once, into `inputs` only when some are named. As torch.autograd.backward.
void backward(const std::vector<Tensor>& outputs, const std::vector<Tensor>& gradients = {}, bool retain_graph = false, bool create_graph = false,
              const std::vector<Tensor>& inputs = {});

/// Makes backward stop at the first NaN, naming the operation whose backward made it. As torch.autograd.set_detect_anomaly.
void set_detect_anomaly(bool on);

/// Called at the end of every backward into the leaves' grad while it is set: for traces. Null removes it.
using BackwardObserver = void (*)();
void set_backward_observer(BackwardObserver observer);

/// Called with the tensor that a backward into the leaves' grad starts from, before anything is computed. Null removes it.
using LossObserver = void (*)(const Tensor& loss);
void set_loss_observer(LossObserver observer);

}  // namespace autograd

/// Runs on the gradient of `t` when it is complete; a defined result replaces the gradient. Returns a number for remove_hook.
using TensorHook = Callback<Tensor(const Tensor&)>;
int64_t register_hook(const Tensor& t, TensorHook hook);
void remove_hook(const Tensor& t, int64_t handle);

}  // namespace ember
