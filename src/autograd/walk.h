// One walk over the graph, from outputs back to inputs.
#pragma once

#include <ember/autograd.h>

#include <optional>
#include <unordered_map>
#include <vector>

namespace ember {

namespace detail {
extern constinit thread_local Node* running_node;
}

/// Watches backwards into the leaves' grad while it is set: for data-parallel training, which sends a gradient as soon as it is complete.
struct WalkObserver {
  virtual void begin(const std::vector<Node*>& roots) = 0;
  virtual void ran(const Node& node) = 0;  ///< its contributions to leaves have been made, but for leaves with hooks
  virtual void end() = 0;                  ///< every gradient is complete
  virtual void abandon() = 0;              ///< something has thrown

 protected:
  ~WalkObserver() = default;
};
/// Null removes it. Returns the one that was set before.
WalkObserver* set_walk_observer(WalkObserver* observer);

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
  Tensor take(int target) { return std::move(targets_->captured[std::size_t(target)]); }

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
  void deliver_complete(TensorImpl* leaf, Tensor gradient);  // behind its hooks
  void finish_hooked_leaves();

  bool retain_graph_;
  GradMode mode_;
  std::vector<Node*> heap_;
  std::vector<std::pair<TensorImpl*, Tensor>> hooked_;  // gradients of leaves with hooks, which run when they are complete

  /// What a walk that is restricted to targets knows of them.
  struct Targets {
    std::uint64_t oldest = UINT64_MAX;
    std::unordered_map<const void*, std::vector<int>> places;  // node or leaf -> places in captured
    std::vector<Tensor> captured;
    std::vector<std::pair<Node*, std::uint64_t>> marks_before;

    bool has(const void* node_or_leaf) const { return places.count(node_or_leaf); }
  };
  std::uint64_t mark_ = 0;  // 0: no targets
  std::optional<Targets> targets_;
};

/// target += gradient, written in place when nobody else can see it and no graph is being made.
void accumulate_gradient(Tensor& target, Tensor gradient);

}  // namespace ember
