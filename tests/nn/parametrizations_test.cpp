// weight_norm and spectral_norm: PyTorch's keys, draws and values; removal. The numbers are PyTorch's after torch.manual_seed(0).
#include <ember/ember.h>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;
using namespace ember::nn::utils;

namespace {

std::vector<std::string> keys(const nn::Module& module) {
  std::vector<std::string> result;
  for (const auto& [name, value] : module.state_dict()) result.push_back(name);
  return result;
}

Tensor x3() { return tensor({{1., 2., 3.}}); }
Tensor image() { return linspace(-1, 1, 18).view({1, 2, 3, 3}); }

}  // namespace

TEST_CASE("weight_norm computes the weight from its length and direction") {
  manual_seed(0);
  nn::Linear layer(3, 2);
  parametrizations::weight_norm(layer);
  CHECK(keys(layer) == std::vector<std::string>{"bias", "parametrizations.weight.original0", "parametrizations.weight.original1"});
  const Tensor g = layer.get_parameter("parametrizations.weight.original0"), v = layer.get_parameter("parametrizations.weight.original1");
  CHECK_THAT(g, is_close({{0.567224562}, {0.503937304}}, 1e-6));

  const Tensor y = layer(x3());
  CHECK_THAT(y, is_close({{-0.821886122, 0.0526045561}}, 1e-6));
  y.square().sum().backward();
  CHECK_THAT(g.grad(), is_close({{2.34861159}, {-0.0845891163}}, 1e-5));
  CHECK_THAT(v.grad(), is_close({{-1.625875, -4.56993341, -2.96379685}, {0.0338878222, 0.173092157, 0.341614991}}, 1e-5));

  {
    const NoGradGuard no_grad;
    g.mul_(2);
  }
  CHECK_THAT(layer(x3()) - layer.bias, is_close((y - layer.bias) * 2, 1e-5));
}

TEST_CASE("weight_norm along another dimension, and over the whole weight") {
  manual_seed(0);
  nn::Linear columns(3, 2);
  parametrizations::weight_norm(columns, "weight", 1);
  CHECK_THAT(columns.get_parameter("parametrizations.weight.original0"), is_close({{0.424916595, 0.381276608, 0.499770492}}, 1e-6));
  manual_seed(0);
  nn::Linear whole(3, 2);
  parametrizations::weight_norm(whole, "weight", -1);
  CHECK(whole.get_parameter("parametrizations.weight.original0").dim() == 0);
  CHECK(std::fabs(whole.get_parameter("parametrizations.weight.original0").item<double>() - 0.758746684) < 1e-6);
}

TEST_CASE("weight_norm reads the keys of before parametrizations") {
  nn::Sequential net{nn::Linear(3, 2)};
  parametrizations::weight_norm(net[0]);
  net.load_state_dict(nn::StateDict({{"0.bias", zeros({2})}, {"0.weight_g", tensor({{1.}, {2.}})}, {"0.weight_v", ones({2, 3})}}));
  CHECK_THAT(net(x3()), is_close({{6 / std::sqrt(3.), 12 / std::sqrt(3.)}}, 1e-5));
}

TEST_CASE("spectral_norm divides by the largest singular value, of which each call in training knows more") {
  manual_seed(0);
  nn::Conv2d conv(2, 3, 2);
  parametrizations::spectral_norm(conv);
  CHECK(keys(conv) ==
        std::vector<std::string>{"bias", "parametrizations.weight.original", "parametrizations.weight.0._u", "parametrizations.weight.0._v"});
  CHECK_THAT(conv.get_buffer("parametrizations.weight.0._u"), is_close({-0.696985304, -0.10177473, -0.70982635}, 1e-5));
  conv(image());
  const Tensor y = conv(image());
  CHECK_THAT(y.flatten(), is_close({0.369521201, 0.348499715, 0.306456774, 0.285435319, -0.0430177338, -0.17319572, -0.433551699, -0.563729644,
                                    0.42705673, 0.518016398, 0.699935734, 0.790895402},
                                   1e-5));
  y.square().sum().backward();
  CHECK_THAT(conv.get_parameter("parametrizations.weight.original").grad().flatten().slice(0, 0, 4),
             is_close({-3.22459984, -3.7550714, 0.309939504, 0.314837098}, 1e-4));
  CHECK(std::fabs(norm(matmul(conv.weight.detach().flatten(1), conv.get_buffer("parametrizations.weight.0._v"))).item<double>() - 1) < 1e-4);

  conv.eval();
  const Tensor u = conv.get_buffer("parametrizations.weight.0._u").clone();
  conv(image());
  CHECK(equal(conv.get_buffer("parametrizations.weight.0._u"), u));
}

TEST_CASE("spectral_norm of a transposed convolution looks at dimension 1, and of a vector is exact") {
  manual_seed(0);
  nn::ConvTranspose2d conv(2, 3, 2);
  parametrizations::spectral_norm(conv);
  CHECK_THAT(conv.get_buffer("parametrizations.weight.0._u"), is_close({-0.830415785, 0.517932475, 0.205318063}, 1e-5));
  conv.eval();
  CHECK_THAT(conv(image()).flatten().slice(0, 0, 3), is_close({-0.071948126, -0.431321174, -0.498156995}, 1e-5));

  nn::BatchNorm1d bn(3);
  parametrizations::spectral_norm(bn);
  CHECK_THAT(bn.weight, is_close(ones({3}) / std::sqrt(3.), 1e-6));
}

TEST_CASE("parametrizations are removed with the computed value or the original") {
  nn::Linear layer(3, 2);
  const Tensor before = layer.weight.detach().clone();
  parametrizations::weight_norm(layer);
  CHECK(parametrize::is_parametrized(layer));
  CHECK(parametrize::is_parametrized(layer, "weight"));
  CHECK_FALSE(parametrize::is_parametrized(layer, "bias"));
  CHECK_THROWS_WITH(parametrize::remove_parametrizations(layer, "weight", false), starts_with("Cannot leave unparametrized"));
  parametrize::remove_parametrizations(layer, "weight");
  CHECK_FALSE(parametrize::is_parametrized(layer));
  CHECK(keys(layer) == std::vector<std::string>{"bias", "weight"});
  CHECK_THAT(layer.weight, is_close(before, 1e-6));
  layer(x3()).sum().backward();
  CHECK(layer.weight.grad().defined());

  const Tensor same = layer.weight;
  parametrizations::spectral_norm(layer);
  CHECK(layer.get_parameter("parametrizations.weight.original").is_same(same));
  layer.eval();
  parametrize::remove_parametrizations(layer, "weight", false);
  CHECK(layer.weight.is_same(same));
  CHECK_THAT(layer.weight, is_close(before, 1e-6));
}

TEST_CASE("parametrizations refuse what has no such parameter") {
  nn::Linear layer(3, 2);
  CHECK_THROWS_AS(parametrizations::weight_norm(layer, "kernel"), ValueError);
  CHECK_THROWS_AS(parametrizations::spectral_norm(layer, "weight", {.n_power_iterations = 0}), ValueError);
  CHECK_THROWS_AS(parametrizations::spectral_norm(layer, "weight", {.dim = 2}), IndexError);
  CHECK(keys(layer) == std::vector<std::string>{"weight", "bias"});
  CHECK_THROWS_AS(parametrize::remove_parametrizations(layer, "weight"), ValueError);
  parametrizations::weight_norm(layer);
  CHECK_THROWS_WITH(parametrizations::spectral_norm(layer), starts_with("Module 'Linear' has 'weight' parametrized already"));
}

TEST_CASE("a parametrized layer trains inside of a network, and is not fused past its hook") {
  manual_seed(0);
  nn::Sequential net{nn::Linear(3, 4), nn::ReLU(), nn::Linear(4, 1)};
  parametrizations::spectral_norm(net[0]);
  parametrizations::weight_norm(net[2]);
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  const Tensor x = randn({16, 3}), y = x.sum(1, true);
  double first = 0, last = 0;
  for (int i = 0; i < 50; ++i) {
    optimizer.zero_grad();
    const Tensor loss = mse_loss(net(x), y);
    loss.backward();
    optimizer.step();
    (i == 0 ? first : last) = loss.item<double>();
  }
  CHECK(last < 0.5 * first);
}
