// Where in the forward a step of the backward comes from, for error texts.
#pragma once

#include <ember/autograd.h>

#include <string>

namespace ember {

namespace detail {
/// "Net.features.3 (Linear)" for the number that a node carries, "" when the module is gone. Set by nn, which autograd does not know.
extern std::string (*module_path)(std::uint32_t module);
}  // namespace detail

/// The call that recorded the node, in C++ words: "exp(float32 [3, 4])"; inputs that need no gradient are not known: "mul(float32 [3], _)".
std::string forward_call(const Node* node);

/// Names the module that recorded the node on the second line of the error.
void add_place(Error& error, const Node* node);

}  // namespace ember
