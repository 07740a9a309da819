// One walk over the graph, from outputs back to inputs.
#pragma once

#include <ember/autograd.h>

#include <unordered_map>
#include <vector>

namespace ember {

namespace detail {
extern constinit thread_local Node* running_node;
}

/// Takes nodes by falling sequence number from a heap and runs their backward. Without targets, gradients go into the leaves'
/// grad; with targets, only nodes on a path to one of them run, and the gradients of the targets are kept here.
class GraphWalk {
 public:
  GraphWalk(bool retain_graph, bool create_graph);
  ~GraphWalk();
  GraphWalk(const GraphWalk&) = delete;

  void restrict_to(const std::vector<Tensor>& roots, const std::vector<Tensor>& targets);
  void seed(const Tensor& root, Tensor gradient);
  void run();
  Tensor take(int target) { return std::move(captured_[std::size_t(target)]); }

  // What Grads asks while a node runs.
  bool wants(const Edge& edge) const;
  void deliver(const Edge& edge, Tensor gradient);
  bool may_write_leaf(const TensorImpl* leaf) const;

 private:
  void push(Node* node);
  Node* pop();
  void run_node(Node* node);
  void mark_paths(const std::vector<Tensor>& roots);
  void deliver_leaf(TensorImpl* leaf, Tensor gradient);
  void finish_hooked_leaves();

  bool retain_graph_;
  GradMode mode_;
  std::vector<Node*> heap_;
  std::vector<std::pair<TensorImpl*, Tensor>> hooked_;  // gradients of leaves with hooks, which run when they are complete

  std::uint64_t mark_ = 0;  // 0: no targets
  std::uint64_t oldest_target_ = UINT64_MAX;
  std::unordered_map<const void*, std::vector<int>> targets_;  // node or leaf -> places in captured_
  std::vector<Tensor> captured_;
  std::vector<std::pair<Node*, std::uint64_t>> marks_before_;
};

/// target += gradient, written in place when nobody else can see it and no graph is being made.
void accumulate_gradient(Tensor& target, Tensor gradient);

}  // namespace ember
