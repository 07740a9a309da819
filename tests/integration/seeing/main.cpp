// Makes a run's folder with everything that a run can write, with values that tests/integration/seeing.py knows: seeing FOLDER
#include <ember/ember.h>
#include <ember/train.h>

#include <cstdio>
#include <string>

using namespace ember;

int main(int, char** argv) {
  const std::string run = argv[1];
  manual_seed(0);
  nn::Sequential model{nn::Conv2d(1, 4, 3, {.padding = 1}), nn::BatchNorm2d(4), nn::ReLU(), nn::Flatten(), nn::Linear(4 * 8 * 8, 3)};
  optim::SGD optimizer(model.parameters(), {.lr = 0.01, .momentum = 0.9});
  const Tensor x = rand({60, 1, 8, 8}), y = arange(60) % 3;

  train::SummaryWriter writer(run);
  train::Inspector inspector(run, model, {.every = 2});
  train::History history("step");
  for (int step = 0; step < 10; ++step) {
    model.train();
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(model(x), y);
    loss.backward();
    inspector.step();
    optimizer.step();
    writer.add_scalar("known/squares", double(step) * step, step);
    history.add(step, {{"train loss", loss.item<double>()}, {"learning rate", optimizer.param_groups[0].lr}});
  }
  writer.add_histogram("known/numbers", arange(0, 100).to(kFloat32), 9);
  writer.add_image("known/image", arange(0, 12).to(kUInt8).reshape({1, 3, 4}) * 20, 9);
  writer.add_text("known/text", "a **word**", 9);
  writer.add_module(model, 9);
  writer.close();

  model.eval();
  NoGradGuard no_grad;
  train::Classification metrics(3, {"cat & dog", "bird", "fish"});
  metrics.add(model(x), y, x);
  metrics.save(run);
  history.save(run);
  if (std::FILE* file = std::fopen((run + "/model.txt").c_str(), "w")) {
    std::fputs(train::summary(model, {60, 1, 8, 8}).table().c_str(), file);
    std::fclose(file);
  }
  if (std::FILE* file = std::fopen((run + "/doctor.jsonl").c_str(), "w")) {
    std::fputs(
        "{\"step\":3,\"module\":\"1\",\"finding\":\"one_sample\",\"text\":\"the last batch holds <one> "
        "sample\",\"cure\":\"drop_last\",\"kind\":\"fault\"}\n",
        file);
    std::fclose(file);
  }
}
