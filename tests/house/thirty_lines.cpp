// A training script as a user would write it: tests/house/rules.sh measures how long it takes to compile.
#include <ember/ember.h>

using namespace ember;

struct Net : nn::Module {
  nn::Linear& hidden = add("hidden", nn::Linear(64, 32));
  nn::Linear& out = add("out", nn::Linear(32, 10));
  Tensor forward(const Tensor& x) override { return out(relu(hidden(x))); }
};

int main() {
  Net net;
  const Tensor x = ones({32, 64}), y = zeros({32, 10});
  for (int step = 0; step < 100; ++step) {
    net.zero_grad();
    const Tensor loss = (net(x) - y).square().mean();
    loss.backward();
    NoGradGuard no_grad;
    for (const Tensor& p : net.parameters()) p.sub_(p.grad() * 0.1);
    if (step % 10 == 0) print(loss);
  }
  net.eval();
  const auto [values, classes] = net(x).max(1);
  print(classes);
  print(values.mean());
  return 0;
}
