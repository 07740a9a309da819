// How small a batch may be: batch norm against layer norm, group norm and none; and which statistics evaluate best.
#include "laboratory.h"

using namespace lab;

/// 10,000 of the images, in an order of the seed's.
static Tensor chosen_images(const Experiment& e) {
  Generator generator(std::uint64_t(e.seed() + 1));
  return randperm(e.train().x.size(0), {}, &generator).narrow(0, 0, 10000);
}

static void one_pass(nn::Module& net, const Experiment& e, const Tensor& order, int64_t batch, double rate) {
  optim::SGD optimizer(net.parameters(), {.lr = rate});
  net.train();
  for (int64_t start = 0; start + batch <= 10000; start += batch) {
    const Tensor chosen = order.narrow(0, start, batch);
    optimizer.zero_grad();
    cross_entropy(net(e.train().x.index_select(0, chosen)), e.train().y.index_select(0, chosen)).backward();
    optimizer.step();
  }
}

static int batch_size(Experiment& e) {
  const std::vector<int64_t> batches = {64, 16, 8, 4, 2};
  const std::vector<std::string> norms = {"batch", "layer", "group", "none"};
  const std::vector<std::vector<double>> torch = {
      {.935, .931, .921, .894, .283}, {.898, .912, .910, .909, .910}, {.903, .895, .900, .875, .911}, {.745, .744, .851, .897, .902}};
  const std::vector<double> torch_batch = {.933, .901, .865, .770}, torch_recomputed = {.937, .937, .928, .900};
  std::vector<std::vector<double>> ours(norms.size());
  const Tensor order = chosen_images(e);
  data::TensorDataset images({e.train().x.index_select(0, order), e.train().y.index_select(0, order)});
  for (std::size_t i = 0; i < batches.size(); ++i) {
    for (std::size_t n = 0; n < norms.size(); ++n) {
      manual_seed(std::uint64_t(e.seed()));
      nn::Sequential net = mlp({.norm = norms[n].c_str(), .std = 0});
      one_pass(net, e, order, batches[i], batches[i] == 64 ? 0.1 : 0.025);
      ours[n].push_back(accuracy(net, e.test()));
      const std::string name = norms[n] == "none" ? "no norm" : norms[n] + " norm";
      Band band = kAny;
      if (n == 0 && batches[i] == 2) band = at_most(.5);
      e.row(fmt::format("batches of {}: {}", batches[i], name), torch[n][i], ours[n].back(), band);
      if (n > 0 || batches[i] == 2) continue;
      net.train();
      const auto trained = net.state_dict().clone();
      const double by_batch = accuracy_as_it_is(net, e.test(), batches[i]);
      net.load_state_dict(trained);
      data::DataLoader loader(images, {.batch_size = batches[i]});
      optim::swa_utils::update_bn(loader, net);
      const double recomputed = accuracy(net, e.test());
      e.row("  evaluated by the batch's statistics", torch_batch[i], by_batch, at_most(ours[0].back() + .005));
      e.row("  by statistics recomputed (update_bn)", torch_recomputed[i], recomputed, at_least(ours[0].back() - .005));
    }
    if (batches[i] == 4) e.row("batches of 4: batch norm less layer norm", .894 - .909, ours[0].back() - ours[1].back(), at_most(0));
  }
  ember::train::Plot plot("One pass over 10,000 images", {.label = "images in a batch", .log = true}, {.label = "test accuracy", .from = 0, .to = 1});
  for (std::size_t n = 0; n < norms.size(); ++n)
    plot.add({.name = norms[n] == "none" ? "no norm" : norms[n] + " norm", .x = {64, 16, 8, 4, 2}, .y = ours[n]});
  e.figure(plot.svg());
  return e.conclude(
      "Batch norm wins down to 8 images and breaks at 2, where every normalised value is +1 or -1, whatever came in; layer and group norm do "
      "not care. For evaluation, statistics recomputed with the final weights are at least as good as running ones, and both beat the batch's.",
      "With two images in a batch, what is left of a feature after normalising?");
}

int main(int argc, char** argv) {
  return run({"batch_size", "How small may a batch be?",
              "784-100-100-100-10, ReLU, PyTorch's initialisation, SGD at rate 0.1 (batches of 64) or 0.025, one pass over 10,000 images",
              "accuracy over the size of the batch for batch, layer, group and no norm"},
             argc, argv, batch_size);
}
