// The first losses of Figure 1's two nets, line by line: figure_1 FOLDER STEPS with|without, FOLDER with MNIST's files.
#include <ember/ember.h>

#include <cstdio>
#include <cstdlib>

using namespace ember;

int main(int, char** argv) {
  const data::ImagesLabels set = data::read_mnist(argv[1], true);
  const Tensor images = set.images.reshape({set.images.size(0), -1});
  const bool norm = argv[3] == std::string("with");
  manual_seed(0);
  nn::Sequential net;
  const auto linear = [&](int64_t in, int64_t out, bool bias) {
    nn::Linear layer(in, out, {.bias = bias});
    nn::init::normal_(layer.weight, 0, 0.05);
    if (bias) nn::init::zeros_(layer.bias);
    net.append(std::move(layer));
  };
  for (const int64_t in : {784, 100, 100}) {
    linear(in, 100, !norm);
    if (norm) net.append(nn::BatchNorm1d(100));
    net.append(nn::Sigmoid());
  }
  linear(100, 10, true);
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  Generator generator(1);
  for (int step = 0; step < std::atoi(argv[2]); ++step) {
    const Tensor chosen = randint(0, images.size(0), {60}, {}, &generator);
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(net(images.index_select(0, chosen)), set.labels.index_select(0, chosen));
    loss.backward();
    optimizer.step();
    std::printf("%.9g\n", loss.item<double>());
  }
}
