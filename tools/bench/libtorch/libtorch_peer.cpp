// libtorch's side of the benchmark: the networks, by the names of the rows, with the protocol of ember_peer.cpp.
#include <torch/torch.h>

#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "../clock.h"

namespace nn = torch::nn;
using torch::Tensor;

using bench::Step;

namespace {

struct BasicBlockImpl : nn::Module {
  BasicBlockImpl(int64_t in, int64_t out, int64_t stride)
      : conv1(nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false)), conv2(nn::Conv2dOptions(out, out, 3).padding(1).bias(false)),
        bn1(out), bn2(out), padding(in == out ? 0 : (out - in) / 2) {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
  }
  Tensor forward(Tensor x) {
    const Tensor y = bn2(conv2(torch::relu(bn1(conv1(x)))));
    if (padding) {
      using torch::indexing::Slice;
      x = x.index({Slice(), Slice(), Slice(0, torch::indexing::None, 2), Slice(0, torch::indexing::None, 2)});
      x = nn::functional::pad(x, nn::functional::PadFuncOptions({0, 0, 0, 0, padding, padding}));
    }
    return torch::relu(y + x);
  }
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;
  int64_t padding;
};
TORCH_MODULE(BasicBlock);

nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t padding, bool bias = true) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).padding(padding).bias(bias));
}

nn::Sequential mlp(const std::vector<int64_t>& sizes) {
  nn::Sequential net;
  for (std::size_t i = 0; i + 2 < sizes.size(); ++i) {
    net->push_back(nn::Linear(sizes[i], sizes[i + 1]));
    net->push_back(nn::BatchNorm1d(sizes[i + 1]));
    net->push_back(nn::ReLU());
  }
  net->push_back(nn::Linear(sizes[sizes.size() - 2], sizes.back()));
  return net;
}

nn::Sequential small_cnn() {
  return nn::Sequential(conv(1, 16, 3, 1), nn::BatchNorm2d(16), nn::ReLU(), nn::MaxPool2d(2), conv(16, 32, 3, 1), nn::BatchNorm2d(32), nn::ReLU(),
                        nn::MaxPool2d(2), nn::Flatten(), nn::Linear(1568, 10));
}

nn::Sequential lenet() {
  return nn::Sequential(conv(1, 6, 5, 2), nn::BatchNorm2d(6), nn::ReLU(), nn::MaxPool2d(2), conv(6, 16, 5, 0), nn::BatchNorm2d(16), nn::ReLU(),
                        nn::MaxPool2d(2), nn::Flatten(), nn::Linear(400, 120), nn::ReLU(), nn::Linear(120, 84), nn::ReLU(), nn::Linear(84, 10));
}

nn::Sequential resnet20() {
  nn::Sequential net(conv(3, 16, 3, 1, false), nn::BatchNorm2d(16), nn::ReLU());
  int64_t in = 16;
  for (int64_t out : {16, 32, 64})
    for (int i = 0; i < 3; ++i, in = out) net->push_back(BasicBlock(in, out, i == 0 && out > 16 ? 2 : 1));
  net->push_back(nn::AdaptiveAvgPool2d(1));
  net->push_back(nn::Flatten());
  net->push_back(nn::Linear(64, 10));
  return net;
}

nn::Sequential vgg() {
  nn::Sequential net;
  const auto block = [&net](int64_t in, int64_t out) {
    net->push_back(conv(in, out, 3, 1));
    net->push_back(nn::BatchNorm2d(out));
    net->push_back(nn::ReLU());
  };
  block(3, 64);
  block(64, 64);
  net->push_back(nn::MaxPool2d(2));
  block(64, 128);
  block(128, 128);
  net->push_back(nn::MaxPool2d(2));
  net->push_back(nn::Flatten());
  net->push_back(nn::Linear(8192, 10));
  return net;
}

struct Row {
  std::string name;
  std::function<nn::Sequential()> make;
  std::vector<int64_t> shape;
  int64_t batch;
};
const std::vector<Row> rows = {
    {"W1", [] { return mlp({2, 16, 2}); }, {2}, 32},
    {"W2", [] { return mlp({64, 128, 10}); }, {64}, 64},
    {"W3", [] { return mlp({784, 256, 128, 10}); }, {784}, 64},
    {"W4", small_cnn, {1, 28, 28}, 64},
    {"W5", lenet, {1, 28, 28}, 128},
    {"W6", resnet20, {3, 32, 32}, 32},
    {"W7", vgg, {3, 32, 32}, 32},
    {"W8", [] { return mlp({784, 256, 128, 10}); }, {784}, 64},
};

Tensor input_of(const Row& row, int64_t batch) {
  std::vector<int64_t> shape = row.shape;
  shape.insert(shape.begin(), batch);
  return torch::randn(shape);
}

Step train_step(const Row& row, int64_t batch) {
  nn::Sequential net = row.make();
  const Tensor x = input_of(row, batch), target = torch::randint(0, row.name == "W1" ? 2 : 10, {batch}, torch::kLong);
  std::shared_ptr<torch::optim::Optimizer> optimizer;
  if (row.name == "W8") optimizer = std::make_shared<torch::optim::Adam>(net->parameters());
  else optimizer = std::make_shared<torch::optim::SGD>(net->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
  return [=]() mutable {
    optimizer->zero_grad();
    nn::functional::cross_entropy(net->forward(x), target).backward();
    optimizer->step();
  };
}

Step inference(const Row& row, int64_t batch) {
  nn::Sequential net = row.make();
  net->eval();
  const Tensor x = input_of(row, batch);
  return [=]() mutable {
    torch::NoGradGuard no_grad;
    net->forward(x);
  };
}

Step find(const std::string& name) {
  const std::string net = name.substr(0, name.find("i-")), enlarged = name.substr(0, name.find('@'));
  for (const Row& row : rows) {
    if (row.name == name) return train_step(row, row.batch);
    if (row.name == enlarged) return train_step(row, std::stoll(name.substr(enlarged.size() + 1)));
    if (row.name == net && net != name) return inference(row, std::stoll(name.substr(name.find("i-") + 2)));
  }
  return nullptr;
}

}  // namespace

int main() {
  std::string current;
  Step step;
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<std::string> words;
    std::istringstream stream(line);
    for (std::string word; std::getline(stream, word, '\t');) words.push_back(word);
    if (words.size() != 4) continue;
    torch::set_num_threads(std::stoi(words[2]));
    if (current != words[1]) step = nullptr, step = find(words[1]), current = words[1];
    if (!step) {
      std::cout << "none" << std::endl;
      continue;
    }
    const auto [minimum, median] = bench::measure(step, std::stod(words[3]));
    std::cout << minimum << " " << median << std::endl;
  }
}
