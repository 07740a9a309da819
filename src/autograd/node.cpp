// Nodes: how they are made, what they save, how they die; the histories of views; hooks.
#include "autograd/node.h"

#include <algorithm>
#include <atomic>
#include <new>

#include "autograd/recorder.h"
#include "error_format.h"
#include "runtime/allocator.h"
#include "tensor/history.h"
#include "tensor/defined.h"
#include "tensor/impl.h"

namespace ember {

namespace detail {

constinit thread_local bool grad_mode = true;
constinit thread_local bool anomaly_mode = false;
constinit thread_local std::uint32_t current_module = 0;
constinit thread_local Recorder* recorder = nullptr;
constinit thread_local Node* running_node = nullptr;  // set by the walk: what a saved output belongs to

static constinit thread_local std::uint64_t last_sequence = 0;  // of the nodes of this thread

void* allocate_node(std::size_t bytes) { return block_allocate(bytes); }

void attach(Node* node, const std::vector<Tensor>& inputs, const Tensor& output) {
  attach(node, std::vector<InputRef>(inputs.begin(), inputs.end()).data(), inputs.size(), output);
}
void attach(Node* node, const InputRef* inputs, std::size_t count, const Tensor& output) {
  // The numbers of a thread grow, and a node's is above those of its inputs, wherever they were made or changed.
  std::uint64_t newest = last_sequence;
  node->inputs = std::uint32_t(count);
  node->module = current_module;
  if (count > kInlineInputs) node->edges = static_cast<Edge*>(block_allocate(count * sizeof(Edge)));
  for (std::size_t i = 0; i < count; ++i) {
    Edge& edge = node->edges[i];
    edge = {nullptr, nullptr};
    TensorImpl* input = inputs[i].impl;
    if (!input || !is_floating_point(input->dtype)) continue;
    if (Node* from = history_of(input)) {
      edge.node = from;
      from->references.increment();
      if (from->sequence > newest) newest = from->sequence;
    } else if (input->requires_grad) {
      edge.leaf = input;
      input->references.increment();
      if (input->meta && input->meta->changed > newest) newest = input->meta->changed;
    }
  }
  node->sequence = last_sequence = newest + 1;
  TensorImpl* t = output.impl();
  node->dims = t->dims;
  node->dtype = t->dtype;
  for (int i = 0; i < t->dims; ++i) node->sizes[i] = t->sizes[i];
  t->node = node;
  if (recorder) [[unlikely]]
    recorder->recorded(*node, inputs, count, output);
}

void attach_view(const Tensor& base, const Tensor& view) {
  AutogradMeta& meta = meta_of(view.impl());
  AutogradMeta* of_base = base.impl()->meta;
  meta.base = of_base && of_base->base.defined() ? of_base->base : base;
  meta.seen = meta.base.impl()->meta ? meta.base.impl()->meta->history : 0;
}

void mark_one_of_many(const Tensor& view, const char* operation, int number) {
  AutogradMeta* meta = view.impl()->meta;
  if (!meta || !meta->base.defined()) return;
  meta->one_of_many = operation;
  meta->number = number;
}

bool view_has_history(TensorImpl* view) { return history_of(view) != nullptr; }

}  // namespace detail

bool Tensor::base_has_history() const { return history_of(impl_) != nullptr; }

Node* history_of_view(TensorImpl* t) {
  AutogradMeta* meta = t->meta;
  if (!meta->base.defined()) return t->node;
  TensorImpl* base = meta->base.impl();
  const std::uint32_t now = base->meta ? base->meta->history : 0;
  if (now == meta->seen) return t->node;
  // Somebody wrote into the base, or into another view of it: this view now shows a part of the new value.
  const EnableGradGuard enable;
  const int64_t offset = (static_cast<char*>(t->data) - static_cast<char*>(t->storage->data)) / item_size(t->dtype);
  Tensor fresh = meta->base.as_strided({t->sizes, std::size_t(t->dims)}, {t->strides, std::size_t(t->dims)}, offset);
  set_node(t, std::exchange(fresh.impl()->node, nullptr));
  meta->seen = now;
  return t->node;
}

void set_node(TensorImpl* t, Node* node) {
  const bool retains = t->meta && t->meta->retains_grad;
  if (retains && t->node && t->node->hooks) t->node->hooks->retaining = nullptr;
  if (t->node) drop_node(t->node);
  t->node = node;
  if (retains && node) hooks_of(node).retaining = t;
}

AutogradMeta& meta_of(TensorImpl* t) {
  if (!t->meta) t->meta = ::new (block_allocate(sizeof(AutogradMeta))) AutogradMeta;
  return *t->meta;
}

void leaf_changed(TensorImpl* leaf) { meta_of(leaf).changed = std::max(meta_of(leaf).changed, detail::last_sequence); }

void drop_meta(TensorImpl* owner) {
  AutogradMeta* meta = owner->meta;
  if (meta->retains_grad && owner->node && owner->node->hooks && owner->node->hooks->retaining == owner) owner->node->hooks->retaining = nullptr;
  owner->meta = nullptr;
  meta->~AutogradMeta();
  block_free(meta, sizeof(AutogradMeta));
}

NodeHooks& hooks_of(Node* node) {
  if (!node->hooks) node->hooks = new NodeHooks;
  return *node->hooks;
}

std::string node_name(const Node* node) { return fmt::format("{}Backward0", node->name); }

namespace {

/// Nodes on their way out.
struct Cemetery {
  Node* dead = nullptr;
  bool open = false;

  void bury(Node* node) {
    if (node->grad) node->grad->drop();
    node->next_dead = dead;
    dead = node;
  }
};
constinit thread_local Cemetery cemetery;

void tear_down(Node* node, Cemetery& to) {
  for (std::uint32_t i = 0; i < node->inputs; ++i) {
    const Edge edge = node->edges[i];
    if (edge.leaf) edge.leaf->drop();
    if (edge.node && edge.node->references.decrement()) to.bury(edge.node);
  }
  if (!node->released && !node->keeps_nothing) node->release();
  delete node->hooks;
  if (node->edges != node->inline_edges) block_free(node->edges, node->inputs * sizeof(Edge));
  block_free(node, node->bytes);
}

}  // namespace

// A chain of a million nodes must not overflow the stack: a closure that dies with its node may hold the last handle of another
// node's tensor, so nodes that die inside this loop only join its list.
void drop_node(Node* first) {
  if (!first->references.decrement()) return;
  Cemetery& here = cemetery;
  here.bury(first);
  if (here.open) return;
  here.open = true;
  while (Node* node = here.dead) {
    here.dead = node->next_dead;
    tear_down(node, here);
  }
  here.open = false;
}

// --- saved values

Saved::Saved(const Tensor& t, bool is_output) : is_output_(is_output) {
  if (!detail::grad_mode || !t.defined()) return;
  TensorImpl* impl = t.impl();
  version_ = t.version();
  if (!is_output && impl->requires_grad) {
    value_ = t;  // a leaf: its identity matters for gradients of gradients, and it has no node that could hold itself
    return;
  }
  value_ = make_alias(t);
  if (is_output) return;
  if (Node* node = history_of(impl)) {
    node->references.increment();
    value_.impl()->node = node;
  }
}

Tensor Saved::get() const {
  if (!value_.defined()) return value_;
  if (value_.version() != version_) {
    const Node* node = is_output_ ? detail::running_node : value_.impl()->node;
    fail<RuntimeError>(
        "one of the variables needed for gradient computation has been modified by an inplace operation: [torch.{} {}]{} is at "
        "version {}; expected version {} instead. Hint: enable anomaly detection to find the operation that failed to compute its "
        "gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False).",
        tensor_type_name(value_.dtype()), value_.sizes(), node ? fmt::format(", which is output 0 of {},", node_name(node)) : "", value_.version(),
        version_);
  }
  if (!is_output_ || !detail::grad_mode) return value_;
  Tensor result = make_alias(value_);
  detail::running_node->references.increment();
  result.impl()->node = detail::running_node;
  return result;
}

// --- what a tensor answers about its history

const Tensor& Tensor::requires_grad_(bool on) const {
  require_defined("requires_grad_", *this);
  check<RuntimeError>(!on || is_floating_point(), "only Tensors of floating point dtype can require gradients");
  check<RuntimeError>(on || is_leaf(),
                      "you can only change requires_grad flags of leaf variables. If you want to use a computed "
                      "variable in a subgraph that doesn't require differentiation use var_no_grad = "
                      "var.detach().");
  if (is_leaf()) impl_->requires_grad = on;
  return *this;
}

const Tensor Tensor::grad() const {
  require_defined("grad", *this);
  if (!impl_->grad || !impl_->grad_defined) return Tensor();
  impl_->grad->references.increment();
  return Tensor(impl_->grad);
}

void Tensor::set_grad(const Tensor& gradient) const {
  require_defined("set_grad", *this);
  if (gradient.defined()) {
    check<RuntimeError>(gradient.sizes() == sizes(), "assigned grad has data of a different size");
    check<RuntimeError>(gradient.dtype() == dtype(), "assigned grad has data of a different type");
    if (impl_->grad) impl_->grad->drop();
    impl_->grad = Tensor(gradient).release();
  }
  impl_->grad_defined = gradient.defined();
}

void Tensor::retain_grad() const {
  require_defined("retain_grad", *this);
  check<RuntimeError>(requires_grad(), "can't retain_grad on Tensor that has requires_grad=False");
  Node* node = history_of(impl_);
  if (!node) return;
  meta_of(impl_).retains_grad = true;
  hooks_of(node).retaining = impl_;
}

Tensor Tensor::detach() const {
  require_defined("detach", *this);
  return make_alias(*this);
}

// A view whose base nobody else has, which operations make that are composed of others, is a tensor of its own from here on.
const Tensor& Tensor::detach_() const {
  require_defined("detach_", *this);
  if (impl_->meta) {
    Tensor& base = impl_->meta->base;
    check<RuntimeError>(!base.defined() || base.impl()->references.get() == 1, "Can't detach views in-place. Use detach() instead.");
    base = Tensor();
  }
  set_node(impl_, nullptr);
  impl_->requires_grad = false;
  return *this;
}

std::string Tensor::grad_fn_name() const {
  require_defined("grad_fn_name", *this);
  const Node* node = history_of(impl_);
  return node ? node_name(node) : "";
}

int64_t register_hook(const Tensor& t, TensorHook hook) {
  require_defined("register_hook", t);
  check<RuntimeError>(t.requires_grad(), "cannot register a hook on a tensor that doesn't require gradient");
  static std::atomic<int64_t> next{1};
  const int64_t handle = next++;
  Node* node = history_of(t.impl());
  (node ? hooks_of(node).hooks : meta_of(t.impl()).hooks).emplace_back(handle, std::move(hook));
  return handle;
}

void remove_hook(const Tensor& t, int64_t handle) {
  require_defined("remove_hook", t);
  Node* node = history_of(t.impl());
  HookList& hooks = node ? hooks_of(node).hooks : meta_of(t.impl()).hooks;
  for (std::size_t i = 0; i < hooks.size(); ++i)
    if (hooks[i].first == handle) {
      hooks.erase(hooks.begin() + std::ptrdiff_t(i));
      return;
    }
}

}  // namespace ember
