// What hangs on tensors and nodes beside the tape itself: bases of views, hooks, retained gradients.
#pragma once

#include <ember/autograd.h>

#include <utility>
#include <vector>

namespace ember {

using HookList = std::vector<std::pair<int64_t, TensorHook>>;

struct AutogradMeta {
  Tensor base;                // of a view: the tensor whose memory it shows (never itself a view)
  std::uint32_t history = 0;  // of a base: how often its history was replaced by a write in place
  std::uint32_t seen = 0;     // of a view: the history of the base that its node was made from
  std::uint64_t changed = 0;  // of a leaf: the newest node when it got other sizes; what nodes up to this one know of it is out of date
  bool retains_grad = false;
  const char* one_of_many = nullptr;  // of a view that came with others from split or unbind: the name of their operation
  int number = 0;                     // which of them it is
  HookList hooks;                     // of a leaf
};

struct NodeHooks {
  HookList hooks;
  TensorImpl* retaining = nullptr;  // keeps the gradient of this tensor; not owned
};

AutogradMeta& meta_of(TensorImpl* t);
NodeHooks& hooks_of(Node* node);

/// The node of a tensor, made anew when the base of a view has got another history; null for leaves.
Node* history_of_view(TensorImpl* t);
inline Node* history_of(TensorImpl* t) { return t->meta ? history_of_view(t) : t->node; }

/// Replaces the node of a tensor and takes over a reference to the new one, null for none. A retained gradient is then that of the new value.
void set_node(TensorImpl* t, Node* node);

/// What a hook made of a gradient: it has to have the same dtype and shape. Undefined leaves the gradient as it is.
void replace_gradient(Tensor& gradient, Tensor changed);

/// The operation that `node` runs, for error texts: "ExpBackward0".
std::string node_name(const Node* node);

}  // namespace ember
