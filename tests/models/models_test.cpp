// The networks against torchvision's: keys, shapes, initial values and outputs (tests/data/models.json, tools/models/make_fixtures.py).
#include <ember/ember.h>
#include <ember/models.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/catch.h"
#include "support/close.h"
#include "support/test_data.h"

using namespace ember;

namespace {

const nlohmann::json& fixtures() {
  static const nlohmann::json all = nlohmann::json::parse(std::ifstream(test_data("models.json")));
  return all["models"];
}

std::string keys_of(const nn::Module& model) {
  std::string text;
  for (const auto& [key, value] : model.state_dict()) {
    text += (text.empty() ? "" : " ") + key + ":";
    for (int d = 0; d < value.dim(); ++d) text += (d ? "," : "") + std::to_string(value.sizes()[d]);
  }
  return text;
}

Tensor numbers(const nlohmann::json& list) { return tensor(NestedNumbers(list.get<std::vector<double>>()), kFloat64).reshape({2, 10}); }

/// The 20 outputs relative to the largest of them.
double largest_difference(const Tensor& got, const Tensor& want) {
  return ((got.detach().to(kFloat64) - want).abs().max() / want.abs().max()).item<double>();
}

}  // namespace

TEST_CASE("torchvision's networks: the same keys, shapes, initial values and outputs for the same seed, in both modes") {
  for (const std::string name : {"resnet18", "resnet34", "resnet50", "mobilenet_v2", "vgg11_bn", "vgg16_bn"}) {
    INFO(name);
    const auto& fixture = fixtures()[name];
    manual_seed(0);
    const models::AnyModel model = models::create(name, 10);
    CHECK(keys_of(*model) == fixture["keys"]);
    const Tensor x = randn({2, 3, 64, 64});
    model->eval();
    {
      NoGradGuard no_grad;
      CHECK(largest_difference((*model)(x), numbers(fixture["eval"])) < 2e-5);
    }
    for (const auto& [path, module] : model->named_modules())
      if (auto* const dropout = dynamic_cast<nn::Dropout*>(module)) dropout->p = 0;
    model->train();
    // Two images: the last stages see 8 values a channel, and differences of rounding are divided by small deviations.
    CHECK(largest_difference((*model)(x), numbers(fixture["train"])) < 2e-3);
    CHECK(model->state_dict().at(name == "resnet18" ? "layer4.1.bn2.num_batches_tracked" : model->named_buffers().back().first).item<int64_t>() == 1);
  }
}

TEST_CASE("the networks have the parameters that their papers and torchvision count") {
  const auto parameters = [](const models::AnyModel& model) {
    int64_t sum = 0;
    for (const Tensor& p : model->parameters()) sum += p.numel();
    return sum;
  };
  CHECK(parameters(models::create("resnet18")) == 11689512);
  CHECK(parameters(models::create("resnet50")) == 25557032);
  CHECK(parameters(models::create("mobilenet_v2")) == 3504872);
  CHECK(parameters(models::create("lenet")) == 61706);
  CHECK(parameters(models::create("resnet20")) == 269722);  // "0.27M"
  CHECK(parameters(models::create("resnet32")) == 464154);  // "0.46M"
  CHECK(parameters(models::create("resnet56")) == 853018);  // "0.85M"
}

TEST_CASE("the small networks take their images and learn") {
  for (const std::string name : {"lenet", "resnet20"}) {
    manual_seed(0);
    const models::AnyModel model = models::create(name);
    Shape shape = models::image_shape(name);
    shape.insert(0, 8);
    const Tensor x = randn(shape), y = arange(8) % 10;
    optim::SGD optimizer(model->parameters(), {.lr = 0.05, .momentum = 0.9});
    double first = 0, last = 0;
    for (int step = 0; step < 20; ++step) {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy((*model)(x), y);
      loss.backward();
      optimizer.step();
      (step ? last : first) = loss.item<double>();
    }
    CHECK(last < first / 2);
  }
}

TEST_CASE("the shortcut of a small residual network halves the picture and fills the new channels with zeros") {
  models::CifarResNet model = models::resnet20();
  // With batch norms of weight 0 in front of each sum the blocks are their shortcuts, each followed by ReLU.
  NoGradGuard no_grad;
  for (const auto& [path, p] : model.named_parameters())
    if (path.find("bn2.weight") != std::string::npos) p.zero_();
  Tensor seen;
  model.get_submodule("layer2.0").register_forward_hook([&](nn::Module&, const Tensor& x, const Tensor& y) {
    const Tensor half = relu(x).slice(2, 0, Slice::None, 2).slice(3, 0, Slice::None, 2);
    CHECK_THAT(y.narrow(1, 8, 16), is_close(half));
    CHECK(y.narrow(1, 0, 8).abs().max().item<float>() == 0);
    CHECK(y.narrow(1, 24, 8).abs().max().item<float>() == 0);
    seen = y;
    return Tensor();
  });
  model.eval();
  model(randn({2, 3, 32, 32}));
  CHECK(seen.sizes() == IntArrayRef({2, 32, 16, 16}));
}

TEST_CASE("zero_init_residual makes blocks start as the identity") {
  const models::ResNet model = models::resnet18({.num_classes = 3, .zero_init_residual = true});
  CHECK(model.state_dict().at("layer2.1.bn2.weight").abs().max().item<float>() == 0);
  CHECK(model.state_dict().at("layer2.1.bn1.weight").min().item<float>() == 1);
}

TEST_CASE("an unknown network is refused with the names that there are") {
  CHECK_THROWS_WITH(models::create("resnet19"), starts_with("Unknown model resnet19: there are lenet, mobilenet_v2, resnet18"));
  CHECK_THROWS_AS(models::create("lenet", -1), ValueError);
  CHECK_THROWS_AS(models::ResNet({1, 1, 1}, false), ValueError);
  CHECK_THROWS_AS(models::CifarResNet(0), ValueError);
  CHECK(models::names().size() == 10);
}

namespace {

/// The copy gives what the model gives, and stays as it is when the model changes.
template <class M>
void check_copy(M model, const Shape& input) {
  const Tensor x = randn(input);
  model(x);  // running statistics move
  M copy = nn::deep_copy(model);
  model.eval();
  CHECK(copy.is_training());
  copy.eval();
  const Tensor before = model(x);
  CHECK(equal(copy(x), before));
  {
    NoGradGuard no_grad;
    for (const Tensor& p : model.parameters()) p.zero_();
  }
  CHECK(equal(copy(x), before));
}

}  // namespace

TEST_CASE("networks of the library are copied with the options that they were built with") {
  manual_seed(0);
  const NoGradGuard no_grad;
  check_copy(models::resnet18({.num_classes = 3}), {2, 3, 32, 32});
  check_copy(models::ResNet({1, 1, 1, 1}, true, {.num_classes = 3}), {2, 3, 32, 32});
  check_copy(models::resnet20({.num_classes = 3, .in_channels = 1}), {2, 1, 16, 16});
  check_copy(models::MobileNetV2({.num_classes = 3, .dropout = 0}), {2, 3, 32, 32});
  check_copy(models::Vgg({8, 0, 512, 0}, {.num_classes = 3}), {1, 3, 32, 32});
  check_copy(models::LeNet({.num_classes = 3, .in_channels = 2}), {2, 2, 28, 28});
}
