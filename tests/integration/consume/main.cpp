// Fits y = 2x + 1 by gradient descent: enough to link the tensor, the tape and the kernels.
#include <ember/ember.h>

using namespace ember;

int main() {
  const Tensor slope = zeros({1}, {.requires_grad = true}), shift = zeros({1}, {.requires_grad = true});
  const Tensor x = linspace(-1, 1, 16).view({16, 1}), y = x * 2 + 1;
  double loss = 0;
  for (int step = 0; step < 200; ++step) {
    const Tensor error = (x * slope + shift - y).square().mean();
    error.backward();
    NoGradGuard no_grad;
    for (const Tensor& p : {slope, shift}) {
      p.sub_(p.grad() * 0.3);
      p.set_grad({});
    }
    loss = error.item<double>();
  }
  return loss < 1e-6 ? 0 : 1;
}
