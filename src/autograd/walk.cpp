// The walk itself: the heap, restricted walks, hooks, and how contributions to one gradient come together.
#include "autograd/walk.h"

#include <algorithm>
#include <atomic>

#include "autograd/gradient_ops.h"
#include "autograd/node.h"
#include "autograd/place.h"
#include "error_format.h"
#include "kernels/copy/copy.h"
#include "tensor/history.h"
#include "tensor/impl.h"

namespace ember {

namespace {

std::atomic<WalkObserver*> walk_observer{nullptr};

constinit thread_local std::vector<Node*>* spare_heap = nullptr;  // its memory serves the next walk of this thread; null while there is none

struct SpareHeap {
  std::vector<Node*> nodes;
  SpareHeap() { spare_heap = &nodes; }
  ~SpareHeap() { spare_heap = nullptr; }
};

std::vector<Node*>* first_spare_heap() {
  static thread_local SpareHeap one;
  return spare_heap;
}

bool by_sequence(const Node* a, const Node* b) { return a->sequence < b->sequence; }

bool owned_alone(const TensorImpl* t) {
  return t->references.get() == 1 && t->storage->references.get() == 1 && !t->node && t->storage->bytes == t->numel * item_size(t->dtype);
}

bool same_layout(const TensorImpl* a, const TensorImpl* b) {
  if (a->contiguous && b->contiguous) return true;
  for (int i = 0; i < a->dims; ++i)
    if (a->sizes[i] > 1 && a->strides[i] != b->strides[i]) return false;
  return true;
}

/// Is this what the gradient of the leaf looks like? Not when set_data has given the leaf another shape or dtype since.
bool fits(const TensorImpl* gradient, const TensorImpl* leaf) {
  return gradient->dtype == leaf->dtype && IntArrayRef(gradient->sizes, gradient->dims) == IntArrayRef(leaf->sizes, leaf->dims);
}

Tensor borrow(TensorImpl* t) {
  t->references.increment();
  return Tensor(t);
}

template <class T>
bool has_nan(const Tensor& t) {
  for (int64_t i = 0; i < t.numel(); ++i)
    if (t.data<T>()[i] != t.data<T>()[i]) return true;
  return false;
}

[[noreturn, gnu::cold, gnu::noinline]] void refuse_changed(const Node* node, int input, const TensorImpl* leaf) {
  fail<RuntimeError>("Function {} returned an invalid gradient at index {} - the leaf has got its shape {} or its dtype after the forward",
                     node_name(node), input, IntArrayRef(leaf->sizes, leaf->dims));
}

/// A leaf that got other sizes after the forward has no place for its gradient.
[[gnu::always_inline]] inline void check_unchanged(const Node* node, int input, const TensorImpl* leaf) {
  if (leaf && leaf->meta && leaf->meta->changed >= node->sequence) refuse_changed(node, input, leaf);
}

/// Throws unless `sizes` broadcast to the shape of the gradient.
[[gnu::noinline]] void check_compatible(const Node* node, int input, const Tensor& gradient, IntArrayRef sizes) {
  const int extra = gradient.dim() - int(sizes.size());
  bool fits = extra >= 0;
  for (int d = 0; fits && d < int(sizes.size()); ++d) fits = sizes[d] == 1 || sizes[d] == gradient.sizes()[extra + d];
  if (!fits)
    fail<RuntimeError>("Function {} returned an invalid gradient at index {} - got {} but expected shape compatible with {}", node_name(node), input,
                       gradient.sizes(), sizes);
}

void check_anomaly(const Node* node, int input, const Tensor& gradient) {
  const NoGradGuard quiet;
  const Tensor dense = gradient.contiguous();
  check<RuntimeError>(!(dense.dtype() == kFloat32 ? has_nan<float>(dense) : has_nan<double>(dense)),
                      "Function '{}' returned nan values in its {}th output.\nIt is the backward of the call {}.", node_name(node), input,
                      forward_call(node));
}

/// Adds x to y elementwise without recording.
void add_into(const Tensor& y, const Tensor& x) {
  if (!same_layout(x.impl(), y.impl())) return add_into(y, empty_like(y).copy_(x));
  kernels::accumulate(y.impl()->dtype, y.impl()->numel, x.impl()->data, y.impl()->data);
}

}  // namespace

void replace_gradient(Tensor& gradient, Tensor changed) {
  if (!changed.defined()) return;
  check<RuntimeError>(changed.dtype() == gradient.dtype(), "hook has changed the type of value (was torch.{} got torch.{})",
                      tensor_type_name(gradient.dtype()), tensor_type_name(changed.dtype()));
  check<RuntimeError>(changed.sizes() == gradient.sizes(), "hook has changed the size of value (was {}, got {})", gradient.sizes(), changed.sizes());
  gradient = std::move(changed);
}

void accumulate_gradient(Tensor& target, Tensor gradient) {
  if (!target.defined()) {
    target = std::move(gradient);
  } else if (!detail::grad_mode && owned_alone(target.impl()) && is_dense(target)) {
    add_into(target, gradient);
  } else {
    target = add_gradients(target, gradient);
  }
}

GraphWalk::GraphWalk(bool retain_graph, bool create_graph) : retain_graph_(retain_graph), mode_(create_graph) {
  if (spare_heap) heap_.swap(*spare_heap);
}

GraphWalk::~GraphWalk() {
  for (Node* node : heap_)  // an error ended the walk: what has arrived is forgotten
    if (node->grad) std::exchange(node->grad, nullptr)->drop();
  if (targets_)
    for (auto [node, mark] : targets_->marks_before) node->mark = mark;
  for (auto& [leaf, gradient] : hooked_)
    if (leaf) leaf->drop();
  heap_.clear();
  std::vector<Node*>* const spare = spare_heap ? spare_heap : first_spare_heap();
  if (spare) heap_.swap(*spare);
}

void GraphWalk::push(Node* node) {
  heap_.push_back(node);
  if (heap_.size() > 1) std::push_heap(heap_.begin(), heap_.end(), by_sequence);  // along a chain there is one at a time
}

Node* GraphWalk::pop() {
  if (heap_.size() > 1) std::pop_heap(heap_.begin(), heap_.end(), by_sequence);
  Node* node = heap_.back();
  heap_.pop_back();
  return node;
}

void GraphWalk::restrict_to(const std::vector<Tensor>& roots, const std::vector<Tensor>& targets) {
  static std::atomic<std::uint64_t> next_mark{1};
  mark_ = next_mark++;
  targets_.emplace().captured.resize(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Node* node = history_of(targets[i].impl());
    targets_->places[node ? static_cast<const void*>(node) : targets[i].impl()].push_back(int(i));
    targets_->oldest = node ? std::min(targets_->oldest, node->sequence) : 0;
  }
  mark_paths(roots);
}

/// Marks the nodes from which a target can be reached: only they run.
void GraphWalk::mark_paths(const std::vector<Tensor>& roots) {
  std::vector<Node*> reached, stack;
  const auto visit = [&](Node* node) {
    if (!node || node->mark == mark_) return;
    targets_->marks_before.emplace_back(node, node->mark);
    node->mark = mark_;
    reached.push_back(node);
    stack.push_back(node);
  };
  for (const Tensor& root : roots) visit(history_of(root.impl()));
  while (!stack.empty()) {
    Node* node = stack.back();
    stack.pop_back();
    if (node->sequence <= targets_->oldest) continue;  // older than every target: leads to none
    for (std::uint32_t i = 0; i < node->inputs; ++i) visit(node->edges[i].node);
  }
  std::sort(reached.begin(), reached.end(), by_sequence);
  for (Node* node : reached) {
    bool needed = false;
    for (std::uint32_t i = 0; i < node->inputs && !needed; ++i) {
      const Edge& edge = node->edges[i];
      needed = edge.node ? edge.node->mark == mark_ || targets_->has(edge.node) : edge.leaf && targets_->has(edge.leaf);
    }
    if (!needed) node->mark = 0;
  }
}

bool GraphWalk::wants(const Edge& edge) const {
  if (!mark_) return edge.node || edge.leaf;
  if (edge.node) return edge.node->mark == mark_ || targets_->has(edge.node);
  return edge.leaf && targets_->has(edge.leaf);
}

bool GraphWalk::may_write_leaf(const TensorImpl* leaf) const {
  return leaf && !mark_ && !detail::grad_mode && leaf->contiguous && !(leaf->meta && !leaf->meta->hooks.empty());
}

void GraphWalk::deliver(const Edge& edge, Tensor gradient) {
  if (!edge.node) return deliver_leaf(edge.leaf, std::move(gradient));
  Node* node = edge.node;
  if (!node->grad) {
    node->grad = gradient.release();
    return push(node);
  }
  Tensor sum(std::exchange(node->grad, nullptr));
  accumulate_gradient(sum, std::move(gradient));
  node->grad = sum.release();
}

void GraphWalk::deliver_leaf(TensorImpl* leaf, Tensor gradient) {
  if (leaf->meta && !leaf->meta->hooks.empty()) {
    for (auto& [hooked, sum] : hooked_)
      if (hooked == leaf) return accumulate_gradient(sum, std::move(gradient));
    leaf->references.increment();
    hooked_.emplace_back(leaf, std::move(gradient));
    return;
  }
  deliver_complete(leaf, std::move(gradient));
}

void GraphWalk::deliver_complete(TensorImpl* leaf, Tensor gradient) {
  if (mark_) {
    for (int place : targets_->places.at(leaf)) accumulate_gradient(targets_->captured[std::size_t(place)], gradient);
    return;
  }
  if (leaf->grad_defined && leaf->grad) {
    Tensor sum(std::exchange(leaf->grad, nullptr));
    if (!detail::grad_mode && !sum.requires_grad() && is_dense(sum) && fits(sum.impl(), leaf)) {
      add_into(sum, gradient);  // in place: handles of grad that the user holds follow
      sum.bump_version();
    } else {
      sum = add_gradients(sum, gradient);
    }
    leaf->grad = sum.release();
    return;
  }
  Tensor kept(std::exchange(leaf->grad, nullptr));  // zero_grad has kept the buffer: it is used again, unless somebody holds it
  if (!detail::grad_mode && !(owned_alone(gradient.impl()) && same_layout(gradient.impl(), leaf))) {
    const bool again = kept.defined() && owned_alone(kept.impl()) && fits(kept.impl(), leaf) && same_layout(kept.impl(), leaf) && is_dense(kept);
    const IntArrayRef sizes{leaf->sizes, std::size_t(leaf->dims)};
    const Tensor own = again ? std::move(kept) : is_dense(borrow(leaf)) ? empty_like(borrow(leaf)) : make_dense(sizes, leaf->dtype);
    gradient = own.copy_(gradient);
  }
  leaf->grad = gradient.release();
  leaf->grad_defined = true;
}

void GraphWalk::seed(const Tensor& root, Tensor gradient) {
  Node* node = history_of(root.impl());
  Edge edge{node, node ? nullptr : root.impl()};
  if (wants(edge)) deliver(edge, std::move(gradient));
}

void GraphWalk::run_node(Node* node) {
  Tensor dy(std::exchange(node->grad, nullptr));
  if (node->hooks) {
    const HookList hooks = node->hooks->hooks;  // a hook may remove itself
    for (const auto& [handle, hook] : hooks) replace_gradient(dy, hook(dy));
    if (TensorImpl* t = node->hooks->retaining) {
      Tensor held = t->grad_defined ? add_gradients(borrow(t->grad), dy) : detail::grad_mode ? dy : dy.clone();
      if (t->grad) t->grad->drop();
      t->grad = held.release();
      t->grad_defined = true;
    }
  }
  if (mark_) {
    const auto target = targets_->places.find(node);
    if (target != targets_->places.end())
      for (int place : target->second) targets_->captured[std::size_t(place)] = dy;
    if (node->mark != mark_) return;
  }
  check<RuntimeError>(!node->released,
                      "Trying to backward through the graph a second time (or directly access saved tensors after they have "
                      "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
                      "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if "
                      "you need to access saved tensors after calling backward.");
  // What a backward records, for gradients of gradients, belongs to the module of the forward.
  struct Restore {
    Node* before;
    std::uint32_t module_before;
    ~Restore() {
      detail::running_node = before;
      detail::current_module = module_before;
    }
  } restore{std::exchange(detail::running_node, node), std::exchange(detail::current_module, node->module)};
  Grads grads(node, this);
  node->run(dy, grads);
  if (!retain_graph_ && !node->keeps_nothing) {
    node->released = true;
    node->release();
  }
}

WalkObserver* set_walk_observer(WalkObserver* observer) { return walk_observer.exchange(observer, std::memory_order_acq_rel); }

void GraphWalk::run() {
  WalkObserver* const observer = mark_ ? nullptr : walk_observer.load(std::memory_order_acquire);
  if (observer) observer->begin(heap_);
  struct Watching {
    WalkObserver* observer;
    ~Watching() {
      if (observer) observer->abandon();
    }
  } watching{observer};
  while (!heap_.empty()) {
    Node* node = pop();
    node->references.increment();
    struct Drop {
      Node* node;
      ~Drop() { drop_node(node); }
    } drop{node};
    try {
      run_node(node);
    } catch (Error& error) {
      add_place(error, node);
      throw;
    }
    if (observer) observer->ran(*node);
  }
  finish_hooked_leaves();
  watching.observer = nullptr;
  if (observer) observer->end();
}

void GraphWalk::finish_hooked_leaves() {
  for (auto& [held, gradient] : hooked_) {
    TensorImpl* const leaf = held;
    const Tensor holder(std::exchange(held, nullptr));  // takes over the reference
    const HookList hooks = leaf->meta->hooks;           // a hook may add and remove some
    for (const auto& [handle, hook] : hooks) replace_gradient(gradient, hook(gradient));
    if (!mark_ || targets_->has(leaf)) deliver_complete(leaf, std::move(gradient));
  }
  hooked_.clear();
}

// --- Grads

bool Grads::wants(int input) const { return walk_->wants(node_->edges[input]); }

void Grads::add(int input, Tensor gradient) {
  if (!gradient.defined() || !wants(input)) return;
  const Edge& edge = node_->edges[input];
  const IntArrayRef sizes = edge.node ? IntArrayRef(edge.node->sizes, edge.node->dims) : IntArrayRef(edge.leaf->sizes, edge.leaf->dims);
  const DType dtype = edge.node ? edge.node->dtype : edge.leaf->dtype;
  check_unchanged(node_, input, edge.leaf);
  if (!(gradient.sizes() == sizes) || gradient.dtype() != dtype) {
    check_compatible(node_, input, gradient, sizes);
    gradient = fit_gradient(gradient, sizes, dtype);
  }
  if (detail::anomaly_mode) check_anomaly(node_, input, gradient);
  walk_->deliver(edge, std::move(gradient));
}

Tensor Grads::begin_write(int input, bool& accumulate) {
  const Edge& edge = node_->edges[input];
  TensorImpl* leaf = edge.leaf;
  check_unchanged(node_, input, leaf);
  if (!walk_->may_write_leaf(leaf)) {
    accumulate = false;
    return edge.node ? make_dense({edge.node->sizes, edge.node->dims}, edge.node->dtype) : make_dense({leaf->sizes, leaf->dims}, leaf->dtype);
  }
  accumulate = leaf->grad && leaf->grad_defined;
  if (accumulate && !(leaf->grad->contiguous && !leaf->grad->node && fits(leaf->grad, leaf))) {
    accumulate = false;
    return make_dense({leaf->sizes, leaf->dims}, leaf->dtype);
  }
  // zero_grad has kept the buffer: use it again, unless somebody holds the old gradient.
  if (!accumulate && leaf->grad && !(owned_alone(leaf->grad) && leaf->grad->contiguous && fits(leaf->grad, leaf)))
    std::exchange(leaf->grad, nullptr)->drop();
  if (!leaf->grad) leaf->grad = make_dense({leaf->sizes, leaf->dims}, leaf->dtype).release();
  leaf->grad->references.increment();
  return Tensor(leaf->grad);
}

void Grads::end_write(int input, Tensor target) {
  TensorImpl* leaf = node_->edges[input].leaf;
  if (leaf && leaf->grad == target.impl()) {
    if (leaf->grad_defined) target.bump_version();
    leaf->grad_defined = true;
    if (detail::anomaly_mode) check_anomaly(node_, input, target);
    return;
  }
  add(input, std::move(target));
}

}  // namespace ember
