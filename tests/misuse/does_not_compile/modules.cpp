// Modules are copied by nn::deep_copy and taken over whole; the members of a layer are reached by its type.
#include <ember/ember.h>

#include <memory>

using namespace ember;

struct Net : nn::Module {
  nn::Linear& l = add("l", nn::Linear(2, 2));
  const int64_t width;
  explicit Net(int64_t width) : width(width) {}
};

int main() {
  nn::Sequential net{nn::Linear(2, 2)};
  nn::Linear layer(2, 2);
  Net own(3);
  optim::SGD opt(net.parameters(), {.lr = 0.1});
#if PROGRAM == 1  // says: modules do not copy by = or by value: write nn::deep_copy(net)
  nn::Sequential copy = net;
#elif PROGRAM == 2  // says: modules do not copy by = or by value: write nn::deep_copy(net)
  nn::Linear copy(layer);
#elif PROGRAM == 3  // says: modules do not copy by = or by value: write nn::deep_copy(net)
  [](nn::Linear l) { l(ones({1, 2})); }(layer);
#elif PROGRAM == 4  // says: nn::deep_copy builds a second module and copies the state into it
  nn::deep_copy(own);
#elif PROGRAM == 5  // says: this would cut the layer down to a plain Module
  std::unique_ptr<nn::Module> pointer = std::make_unique<nn::Linear>(2, 2);
  net.append(std::move(*pointer));
#elif PROGRAM == 6  // says: a module is taken over, not copied: build it in place or std::move it
  net.append(layer);
#elif PROGRAM == 7  // says: the members of a layer are reached by its type: net[0].as<nn::Linear>().weight
  net[0].weight.sum();
#elif PROGRAM == 8  // says: the members of a layer are reached by its type: net[0].as<nn::Linear>().weight
  Tensor b = net[0].bias;
#elif PROGRAM == 9  // says: a module is taken over, not copied
  std::unique_ptr<nn::Module> pointer = std::make_unique<nn::Linear>(2, 2);
  net.append(pointer);
#endif
}
