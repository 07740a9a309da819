// A small training run with, perhaps, one mistake in it: tests/integration/trace.sh records it and looks whether ember diff finds it.
// usage: train [MISTAKE]       EMBER_TRACE=run.npz records
#include <ember/ember.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

using namespace ember;

static std::string mistake;
static bool has(const char* name) { return mistake == name; }

struct Net : nn::Module {
  nn::Conv2d& conv1 = add("conv1", nn::Conv2d(1, 3, 3, {.padding = 1}));
  nn::BatchNorm2d& norm1 = add("norm1", nn::BatchNorm2d(3, {.momentum = has("momentum") ? 0.9 : 0.1}));
  nn::ReLU& relu1 = add("relu1", nn::ReLU());
  nn::Conv2d& conv2 = add("conv2", nn::Conv2d(3, 3, 3, {.padding = has("padding") ? 0 : 1, .bias = !has("bias")}));
  nn::BatchNorm2d& norm2 = add("norm2", nn::BatchNorm2d(3, {.eps = has("eps") ? 1e-3 : 1e-5}));
  nn::Conv2d& conv3 = add("conv3", nn::Conv2d(3, 3, 3, {.padding = 1}));
  nn::AdaptiveAvgPool2d& pool = add("pool", nn::AdaptiveAvgPool2d(3));
  nn::Sequential& head = add("head", nn::Sequential{nn::Flatten(), nn::Dropout(0.5), nn::Linear(27, 16), nn::ReLU(), nn::Linear(16, 10)});

  Tensor forward(const Tensor& images) override {
    Tensor x = conv1(has("scale") ? images * 2 : images);
    x = has("relu") ? norm1(relu1(x)) : relu1(norm1(x));
    x = has("swap") ? conv2(norm2(conv3(x))) : conv3(norm2(conv2(x)));
    if (has("detach")) x = x.detach();
    x = head(pool(x));
    return has("after") ? x * 1.01 : x;
  }
};

int main(int argc, char** argv) {
  if (argc > 1) mistake = argv[1];
  Generator data(7);
  const Tensor images = empty({5, 1, 6, 6}).normal_(0, 1, &data), labels = zeros({5}, kInt64).random_(10, &data);
  manual_seed(has("seed") ? 1 : 0);
  Net net;
  std::unique_ptr<optim::Optimizer> optimizer;
  if (has("adam")) optimizer = std::make_unique<optim::Adam>(net.parameters());
  else optimizer = std::make_unique<optim::SGD>(net.parameters(), optim::SGDOptions{.lr = has("lr") ? 0.02 : 0.05, .momentum = 0.9});
  for (int step = 0; step < 3; ++step) {
    const Tensor batch = has("order") && step == 2 ? images.flip(0) : images;
    if (has("throw") && step == 2) throw std::runtime_error("nobody catches this");
    if (has("exit") && step == 2) std::exit(0);
    if (has("kill") && step == 2) std::raise(SIGKILL);
    if (has("interrupt") && step == 2) std::raise(SIGINT);
    optimizer->zero_grad();
    cross_entropy(has("forward") ? net.forward(batch) : net(batch), labels, {.reduction = has("reduction") ? Reduction::Sum : Reduction::Mean})
        .backward();
    optimizer->step();
  }
  if (!has("eval")) net.eval();
  NoGradGuard no_grad;
  std::printf("%.9g\n", net(images).sum().item<double>());
}
