// What Inspector writes, read back: numbers computed here by other means, steps that are looked at, calls that do not count.
#include <ember/ember.h>
#include <ember/train/inspector.h>
#include <ember/train/metrics.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/catch.h"
#include "support/close.h"
#include "support/folder.h"

using namespace ember;
using Json = nlohmann::json;

namespace {

std::vector<Json> lines_of(const std::string& path, const std::string& kind) {
  std::vector<Json> result;
  std::istringstream text(bytes_of(path));
  for (std::string line; std::getline(text, line);)
    if (Json value = Json::parse(line); value["kind"] == kind) result.push_back(std::move(value));
  return result;
}

}  // namespace

TEST_CASE("an inspector follows activations, gradients and running statistics at every second step") {
  const Folder folder;
  manual_seed(0);
  nn::Sequential model{nn::Linear(3, 5), nn::BatchNorm1d(5), nn::ReLU()};
  const Tensor x = randn({8, 3});
  Tensor hidden, gradient;
  {
    train::Inspector inspector(folder / "run", model, {.every = 2});
    for (int step = 0; step < 4; ++step) {
      model.zero_grad();
      const Tensor y = model(x);
      if (step == 2) hidden = y.detach();
      y.square().sum().backward();
      if (step == 2) gradient = model[0].parameters()[0].grad().clone();
      inspector.step();
      model.eval();
      model(x * 100);  // an evaluation does not count
      model.train();
    }
  }
  CHECK(nn::forward_observer() == nullptr);
  const auto activations = lines_of(folder / "run/layers.jsonl", "activation");
  REQUIRE(activations.size() == 6);  // three modules at steps 0 and 2
  CHECK(activations[5]["step"] == 2);
  CHECK(activations[5]["module"] == "2");
  CHECK(activations[5]["type"] == "ReLU");
  CHECK(activations[5]["mean"].get<double>() == Approx(hidden.mean().item<double>()));
  CHECK(activations[5]["std"].get<double>() == Approx(hidden.std({}, 0).item<double>()));
  CHECK(activations[5]["zeros"].get<double>() == Approx((hidden == 0).to(kFloat32).mean().item<double>()));
  const auto gradients = lines_of(folder / "run/layers.jsonl", "gradient");
  REQUIRE(gradients.size() == 4);
  CHECK(gradients[2]["module"] == "0");
  CHECK(gradients[2]["norm"].get<double>() >= gradient.norm().item<double>() * (1 - 1e-6));
  const auto norms = lines_of(folder / "run/layers.jsonl", "batch_norm");
  REQUIRE(norms.size() == 2);
  CHECK(norms[0]["module"] == "1");
  CHECK(norms[0]["var"].size() == 5);
  for (std::size_t i = 1; i < 5; ++i) CHECK(norms[1]["mean"][i].get<double>() >= norms[1]["mean"][i - 1].get<double>());
}

TEST_CASE("an inspector and a trace watch the same step, and an inspector refuses what it cannot do") {
  const Folder folder;
  nn::Sequential model{nn::Linear(3, 5)};
  {
    const Trace trace(folder / "trace.npz");
    train::Inspector inspector(folder / "run", model, {.every = 1});
    model(randn({2, 3})).sum().backward();
    inspector.step();
  }
  CHECK(nn::forward_observer() == nullptr);
  CHECK(lines_of(folder / "run/layers.jsonl", "activation").size() == 1);
  const nn::StateDict traced = load_npz(folder / "trace.npz");
  CHECK(std::any_of(traced.begin(), traced.end(), [](const auto& array) { return array.first.find("/0/output") != std::string::npos; }));
  CHECK(lines_of(folder / "run/layers.jsonl", "gradient").size() == 1);
  CHECK_THROWS_AS(train::Inspector(folder / "run", model, {.every = 0}), ValueError);
  CHECK_THROWS_AS(train::Inspector("/dev/null/run", model), RuntimeError);
}

TEST_CASE("metrics: a folder gets the confusion table and the images that were taken for something else") {
  const Folder folder;
  train::Classification metrics(2, {"a, b", "c"});
  metrics.add(tensor({0, 1, 1}), tensor({0, 0, 1}), arange(12).to(kFloat32).reshape({3, 1, 2, 2}));
  metrics.save(folder / "run");
  CHECK(bytes_of(folder / "run/confusion.csv") == "class,a  b,c\na  b,1,1\nc,0,1\n");
  const nn::StateDict mistakes = load_npz(folder / "run/mistakes.npz");
  CHECK_THAT(mistakes.at("images"), is_close({{{{4, 5}, {6, 7}}}}));
  CHECK(mistakes.at("target").item<int64_t>() == 0);
  CHECK(mistakes.at("prediction").item<int64_t>() == 1);
  CHECK_THROWS_AS(metrics.add(tensor({0}), tensor({0}), zeros({2, 1, 2, 2})), ValueError);
  CHECK(metrics.count() == 3);
}
