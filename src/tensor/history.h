// What a tensor that dies or changes asks of the tape. Declared in this layer, defined by the next (src/autograd), which knows what a node is.
#pragma once

#include <ember/tensor_impl.h>

namespace ember {

/// Gives up one reference to a node; the last one tears down all that hangs on it, without recursion.
void drop_node(Node* node);

/// Ends the autograd data of a tensor that dies.
void drop_meta(TensorImpl* owner);

/// A leaf has got other sizes or another dtype: gradients of operations that are recorded already do not belong to it.
void leaf_changed(TensorImpl* leaf);

}  // namespace ember
