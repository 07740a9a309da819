// Batch norm costs nothing in inference: in evaluation a linear layer or a convolution and its batch norm are one.
#include <chrono>

#include "laboratory.h"

using namespace lab;

static double microseconds(const std::function<void()>& body) {
  double best = 1e9;
  for (int repeat = 0; repeat < 20; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    body();
    best = std::min(best, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

static int folding(Experiment& e) {
  manual_seed(std::uint64_t(e.seed()));
  nn::Conv2d conv(1, 16, 3, {.padding = 1, .bias = false});
  nn::BatchNorm2d norm(16);
  const Tensor images = e.test().x.narrow(0, 0, 500).reshape({-1, 1, 28, 28});
  NoGradGuard no_grad;
  for (int64_t batch = 0; batch < 10; ++batch) norm(conv(images.narrow(0, batch * 50, 50)));
  conv.eval();
  norm.eval();
  const Tensor separate = norm(conv(images));
  const double before = microseconds([&] { norm(conv(images)); });
  nn::Conv2d folded = nn::utils::fuse_conv_bn_eval(conv, norm);
  const double after = microseconds([&] { folded(images); });
  e.row("largest difference of the outputs", 3.6e-7, (folded(images) - separate).abs().max().item<double>(), at_most(1e-5));
  e.row("convolution, then batch norm (us)", kUnknown, before);
  e.row("the folded convolution (us)", kUnknown, after);
  return e.conclude(
      "W' = W weight / sqrt(running_var + eps) and b' = (b - running_mean) weight / sqrt(running_var + eps) + bias: no second pass over the output.",
      "Why is there no such folding in training?");
}

int main(int argc, char** argv) {
  return run({"folding", "Nothing to pay in inference", "Conv2d(1, 16, 3) and BatchNorm2d(16), 500 test images", ""}, argc, argv, folding);
}
