// Transfer: a network that has learned five digits learns the other five from a few examples. The first part is written to a .pt file and
// read back; its batch norms are frozen, its last layer is replaced by a new one.
#include <ember/train.h>

#include <filesystem>

#include "digits.h"
#include "options.h"

using namespace ember;

struct Net : nn::Module {
  explicit Net(int64_t classes) : head(add("head", nn::Linear(32 * 2 * 2, classes))) {}
  Tensor forward(const Tensor& x) override { return head(features(x)); }
  nn::Sequential& features = add(
      "features", nn::Sequential{nn::Conv2d(1, 16, 3, {.padding = 1}), nn::BatchNorm2d(16), nn::ReLU(), nn::MaxPool2d(2),
                                 nn::Conv2d(16, 32, 3, {.padding = 1}), nn::BatchNorm2d(32), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten()});
  nn::Linear& head;
};

/// The rows of the digits from `first` on, `each` of every digit, with labels from 0.
static data::TensorDataset pick(const Tensor& x, const Tensor& y, int64_t first, int64_t each) {
  std::vector<Tensor> images, labels;
  for (int64_t digit = first; digit < first + 5; ++digit) {
    const Tensor rows = (y == digit).nonzero().flatten();
    const Tensor some = rows.narrow(0, 0, std::min(each, rows.size(0)));
    images.push_back(x.index_select(0, some));
    labels.push_back(full({some.size(0)}, digit - first, kInt64));
  }
  return data::TensorDataset({cat(images), cat(labels)});
}

static double train_and_test(Net& net, optim::Optimizer& optimizer, const data::TensorDataset& train, const data::TensorDataset& test, int epochs,
                             bool frozen) {
  data::DataLoader loader(train, {.batch_size = 32, .shuffle = true});
  for (int epoch = 0; epoch < epochs; ++epoch) {
    net.train();
    if (frozen) net.features.eval();  // after train(): batch norms use, and keep, the statistics that came with the file
    for (const auto& [x, y] : loader) {
      optimizer.zero_grad();
      cross_entropy(net(x), y).backward();
      optimizer.step();
    }
  }
  net.eval();
  NoGradGuard no_grad;
  train::Classification metrics(5);
  metrics.add(net(test.tensors()[0]), test.tensors()[1]);
  return metrics.accuracy();
}

int main(int argc, char** argv) {
  Options options{.data = EMBER_EXAMPLE_DATA "/digits.csv.gz", .out = "runs/transfer", .epochs = 20};
  CLI::App app("Learns the digits 0 to 4, then 5 to 9 from three examples of each.", "transfer");
  add_flags(app, options, "the table of digits");
  return run_example(app, argc, argv, options, [&] {
    const Digits digits = load_digits(options.data);
    const std::string path = options.out + "/digits_0_to_4.pt";
    std::filesystem::create_directories(options.out);
    Net first(5);
    optim::SGD optimizer(first.parameters(), {.lr = 0.05, .momentum = 0.9});
    const double before = train_and_test(first, optimizer, pick(digits.train_x, digits.train_y, 0, 1000), pick(digits.test_x, digits.test_y, 0, 1000),
                                         options.epochs, false);
    fmt::print("digits 0 to 4, all examples:           {:.4f}\n", before);
    save(first.state_dict(), path);

    const data::TensorDataset few = pick(digits.train_x, digits.train_y, 5, 3), test = pick(digits.test_x, digits.test_y, 5, 1000);
    Net scratch(5);
    optim::SGD from_scratch(scratch.parameters(), {.lr = 0.05, .momentum = 0.9});
    fmt::print("digits 5 to 9, three each, from scratch: {:.4f}\n", train_and_test(scratch, from_scratch, few, test, options.epochs, false));

    Net net(5);
    nn::StateDict features;  // all but the head, which keeps its new values
    const nn::StateDict learned = load(path);
    for (const auto& [name, value] : learned)
      if (name.find("head.") != 0) features.set(name, value);
    net.load_state_dict(features, {.strict = false});
    for (const Tensor& p : net.features.parameters()) p.requires_grad_(false);
    optim::SGD head_only(net.head.parameters(), {.lr = 0.05, .momentum = 0.9});
    const double after = train_and_test(net, head_only, few, test, options.epochs, true);
    fmt::print("digits 5 to 9, three each, a new head:   {:.4f}\n", after);
    fmt::print("test accuracy: {:.4f}\n", after);
    return 0;
  });
}
