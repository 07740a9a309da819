// summary() against torchinfo 1.8.0, and what to_dot() names.
#include <ember/ember.h>
#include <ember/train/summary.h>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {

int64_t count(const std::string& text, const std::string& part) {
  int64_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a summary counts parameters, multiply-adds and bytes as torchinfo does, and leaves the model as it was") {
  nn::Sequential net{nn::Conv2d(1, 16, 3, {.padding = 1}),
                     nn::BatchNorm2d(16),
                     nn::ReLU(),
                     nn::MaxPool2d(2),
                     nn::Sequential{nn::Conv2d(16, 32, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(32), nn::ReLU()},
                     nn::MaxPool2d(2),
                     nn::Flatten(),
                     nn::Linear(32 * 7 * 7, 10)};
  net[1].eval();
  const auto state = net.state_dict().clone();

  const train::ModelSummary summary = train::summary(net, {64, 1, 28, 28});

  CHECK(summary.parameters == 20554);
  CHECK(summary.trainable == 20554);
  CHECK(summary.mult_adds == 66841216);
  CHECK(summary.input_bytes == 64 * 28 * 28 * 4);
  CHECK(summary.activation_bytes == 19272704);
  CHECK(summary.parameter_bytes == 82216);
  CHECK(summary.layers.size() == 12);
  CHECK(summary.layers[6].path == "4.0");
  CHECK(summary.layers[6].output == Shape({64, 32, 14, 14}));
  CHECK(summary.layers[6].mult_adds == 57802752);
  CHECK(net.state_dict() == state);
  CHECK(net[0].is_training());
  CHECK_FALSE(net[1].is_training());
  CHECK(nn::forward_observer() == nullptr);
  const std::string table = summary.table();
  for (const char* part : {"├─Conv2d: 1-1 (0)", "│    └─BatchNorm2d: 2-2 (4.1)", "[64, 32, 14, 14]", "57,802,752", "Total params: 20,554",
                           "Forward/backward pass size (MB): 19.27"})
    CHECK_THAT(table, contains(part));
}

TEST_CASE("a module that is called twice counts its parameters once, frozen ones are not trainable") {
  struct Twice : nn::Module {
    nn::Linear& fc = add("fc", nn::Linear(4, 4));
    Tensor forward(const Tensor& x) override { return fc(fc(x)); }
  } net;
  net.fc.weight.requires_grad_(false);
  const train::ModelSummary summary = train::summary(net, {3, 4});
  CHECK(summary.parameters == 20);
  CHECK(summary.trainable == 4);
  CHECK(summary.mult_adds == 2 * 3 * 20);
  CHECK(summary.layers[2].repeated);
  CHECK_THAT(summary.table(), contains("(recursive)"));
}

TEST_CASE("a summary of a shape that does not fit gives the model's error, and nothing stays behind") {
  nn::Sequential net{nn::Linear(4, 2)};
  CHECK_THROWS_AS(train::summary(net, {3, 5}), Error);
  CHECK(nn::forward_observer() == nullptr);
  CHECK(net.is_training());
}

TEST_CASE("to_dot draws each operation once, with the names of parameters, and takes a leaf as well") {
  nn::Linear fc(3, 2);
  const Tensor h = fc(randn({4, 3}));
  const std::string dot = train::to_dot((h * h).sum(), &fc);
  CHECK(dot.substr(0, 9) == "digraph {");
  for (const char* part : {"SumBackward0", "MulBackward0\\n(4, 2)", "weight\\n(2, 3)", "bias\\n(2)", "result\\n()"}) CHECK_THAT(dot, contains(part));
  CHECK(count(dot, "label=\"weight") == 1);
  CHECK(count(dot, "MulBackward0") == 1);
  CHECK_THAT(train::to_dot(ones({2})), contains("result\\n(2)"));
  CHECK_THROWS_AS(train::to_dot(Tensor()), ValueError);
  Tensor chain = ones({1}, {.requires_grad = true});
  for (int i = 0; i < 100000; ++i) chain = chain + 1;
  CHECK(count(train::to_dot(chain), "AddBackward0") == 100000);
}
