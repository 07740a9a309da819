// Copies of modules share nothing and are otherwise the same; the batch norm that stays as it is.
#include <ember/ember.h>

#include <memory>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {

struct Net : nn::Module {
  nn::Sequential& body = add(
      "body", nn::Sequential{nn::Conv2d(1, 4, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(4, {.momentum = 0.3}), nn::LeakyReLU(0.3)});
  nn::Dropout& drop = add("drop", nn::Dropout(0.5));
  nn::Linear& fc = add("fc", nn::Linear(4, 2));
  Tensor& scale = add_parameter("scale", ones({2}));
  Tensor forward(const Tensor& x) override { return fc(drop(body(x).mean({2, 3}))) * scale; }
};
struct Wide : nn::Module {
  explicit Wide(int64_t width) : width(width) {}
  Wide clone() const {
    return copy_of([&] { return Wide(width); });
  }
  Tensor forward(const Tensor& x) override { return l(x); }
  const int64_t width;
  nn::Linear& l = add("l", nn::Linear(width, width));
};

bool alike(const nn::Module& a, const nn::Module& b) {
  const auto left = a.named_modules(), right = b.named_modules();
  if (left.size() != right.size() || a.repr() != b.repr() || !(a.state_dict() == b.state_dict())) return false;
  for (std::size_t i = 0; i < left.size(); ++i)
    if (left[i].first != right[i].first || left[i].second->is_training() != right[i].second->is_training()) return false;
  return true;
}

}  // namespace

TEST_CASE("a copy has the same parameters, buffers, modes and options, and shares nothing") {
  Net net;
  net(randn({8, 1, 5, 5}));
  net.drop.p = 0.25;
  net.body[1].as<nn::BatchNorm2d>().eps = 1e-3;
  net.body[0].eval();
  net.fc.weight.requires_grad_(false);
  const Tensor generator = get_rng_state();

  Net copy = nn::deep_copy(net);

  CHECK(get_rng_state().equal(generator));
  CHECK(alike(net, copy));
  CHECK(copy.drop.p == 0.25);
  CHECK(copy.body[1].as<nn::BatchNorm2d>().eps == 1e-3);
  CHECK(!copy.fc.weight.requires_grad());
  CHECK(copy.parameters().size() == net.parameters().size());
  for (std::size_t i = 0; i < net.parameters().size(); ++i) CHECK(!copy.parameters()[i].shares_storage(net.parameters()[i]));
  net.eval(), copy.eval();
  const Tensor x = randn({2, 1, 5, 5});
  CHECK(net(x).equal(copy(x)));
  optim::SGD(copy, 0.1).step();
  copy.fc.bias.detach().fill_(7);
  CHECK(!alike(net, copy));
  CHECK(copy.get_parameter("fc.bias").is_same(copy.fc.bias));  // references of the copy lead to its own
}

TEST_CASE("copies of containers, of classes with arguments, and of modules that are only known as such") {
  nn::Sequential net(nn::Linear(2, 3), nn::ReLU());
  net.append(nn::Sequential{Wide(3), nn::Dropout(0.1)});
  CHECK(alike(net, net.clone()));
  CHECK(alike(net, nn::deep_copy(net)));
  CHECK(net.clone()(ones({1, 2})).defined());
  const Wide wide(5);
  CHECK(alike(wide, nn::deep_copy(wide)));

  const nn::Module& unknown = net[0];
  nn::Sequential other;
  other.append(nn::deep_copy(unknown));
  CHECK(alike(other[0], net[0]));
  nn::Sequential from_pointer{std::make_unique<nn::Linear>(2, 2)};
  CHECK(alike(from_pointer, nn::deep_copy(from_pointer)));
}

TEST_CASE("tensors that modules share are shared by their copies") {
  struct Tied : nn::Module {
    nn::Linear& a = add("a", nn::Linear(2, 2));
    nn::Linear& b = add("b", nn::Linear(2, 2));
    Tied() { b.weight = a.weight; }
  };
  const Tied tied, copy = nn::deep_copy(tied);
  CHECK(copy.a.weight.is_same(copy.b.weight));
  CHECK(!copy.a.weight.shares_storage(tied.a.weight));
  CHECK(copy.parameters().size() == 3);
}

TEST_CASE("each layer can be copied") {
  nn::Sequential all{nn::Conv1d(2, 4, 3, {.groups = 2}),
                     nn::ConvTranspose2d(1, 2, 3, {.output_padding = 0}),
                     nn::BatchNorm1d(3, {.momentum = None}),
                     nn::LayerNorm({2, 3}),
                     nn::GroupNorm(2, 4),
                     nn::RMSNorm(3),
                     nn::InstanceNorm2d(2, {.affine = true, .track_running_stats = true}),
                     nn::Embedding(4, 3, {.padding_idx = 1}),
                     nn::PReLU(3),
                     nn::GELU("tanh"),
                     nn::Softmax(1),
                     nn::Hardtanh(-2, 2),
                     nn::MaxPool2d(3, 2, 1),
                     nn::AvgPool1d(2),
                     nn::AdaptiveAvgPool2d(1),
                     nn::Flatten(),
                     nn::Unflatten(1, {2, 2}),
                     nn::ConstantPad2d(1, 3.0),
                     nn::Upsample({.scale_factor = {2.0}}),
                     nn::Fold({4, 4}, 2),
                     nn::Identity(),
                     nn::FrozenBatchNorm2d(2),
                     nn::CrossEntropyLoss({.label_smoothing = 0.1}),
                     nn::ModuleList{nn::Tanh()},
                     nn::ModuleDict{{"a", nn::Dropout2d(0.2)}}};
  CHECK(alike(all, nn::deep_copy(all)));
}

// Values: torchvision.ops.FrozenBatchNorm2d.
TEST_CASE("a frozen batch norm normalises by its constants, in training as well") {
  nn::BatchNorm2d trained(2);
  for (int i = 0; i < 5; ++i) trained(randn({4, 2, 3, 3}) * 2 + 1);
  nn::FrozenBatchNorm2d frozen(2);
  frozen.load_state_dict(trained.state_dict());  // has no num_batches_tracked
  CHECK(frozen.repr() == "FrozenBatchNorm2d(2, eps=1e-05)");
  CHECK(frozen.parameters().empty());
  const auto before = frozen.state_dict().clone();
  frozen.train();
  const Tensor x = randn({4, 2, 3, 3});
  trained.eval();
  CHECK(isclose(frozen(x), trained(x), 1e-5, 1e-6).all().item<bool>());
  CHECK(frozen.state_dict() == before);
}

TEST_CASE("a batch norm that is kept in evaluation by the train() of its class or of its network stays there") {
  struct Frozen : nn::BatchNorm2d {
    using nn::BatchNorm2d::BatchNorm2d;
    void train(bool) override { nn::Module::train(false); }
  };
  struct Keeps : nn::Module {
    nn::BatchNorm2d& bn = add("bn", nn::BatchNorm2d(2));
    void train(bool on = true) override {
      nn::Module::train(on);
      bn.eval();
    }
    Tensor forward(const Tensor& x) override { return bn(x); }
  };
  nn::Sequential net{nn::Conv2d(1, 2, 1), Frozen(2), nn::ReLU(), Keeps()};
  net.train();
  const Tensor mean = net.get_buffer("1.running_mean"), other = net.get_buffer("3.bn.running_mean");
  net(randn({4, 1, 3, 3}));
  CHECK(net[0].is_training());
  CHECK(!net[1].is_training());
  CHECK(mean.equal(zeros({2})));
  CHECK(other.equal(zeros({2})));
}
