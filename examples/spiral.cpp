// A tiny perceptron with batch norm separates two spirals; the terminal shows the map of its decisions.
#include <ember/ember.h>
#include <fmt/format.h>

#include <cmath>

using namespace ember;

int main() {
  manual_seed(0);
  const int64_t n = 200;  // points on each arm
  const Tensor angle = linspace(0.5, 3 * M_PI, n);
  const auto arm = [&](double turn) { return stack({angle * cos(angle + turn), angle * sin(angle + turn)}, 1) / 9.5; };
  const Tensor x = cat({arm(0), arm(M_PI)}) + 0.02 * randn({2 * n, 2}), y = cat({zeros({n}, kInt64), ones({n}, kInt64)});

  nn::Sequential model{nn::Linear(2, 32), nn::BatchNorm1d(32), nn::ReLU(), nn::Linear(32, 32), nn::BatchNorm1d(32), nn::ReLU(), nn::Linear(32, 2)};
  optim::Adam optimizer(model.parameters(), {.lr = 0.01});
  for (int step = 1; step <= 400; ++step) {
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(model(x), y);
    loss.backward();
    optimizer.step();
    if (step % 100 == 0) fmt::print("step {}   loss {:.4f}\n", step, loss.item<double>());
  }

  model.eval();
  NoGradGuard no_grad;
  const int columns = 72, rows = 34;
  const Tensor grid_y = linspace(1.1, -1.1, rows), grid_x = linspace(-1.1, 1.1, columns);
  const std::vector<Tensor> grid = meshgrid({grid_y, grid_x});
  const Tensor decided = model(stack({grid[1].flatten(), grid[0].flatten()}, 1)).argmax(1).reshape({rows, columns});
  for (int r = 0; r < rows; ++r) {
    std::string line;
    for (int c = 0; c < columns; ++c) line += decided.data<int64_t>()[r * columns + c] ? '#' : '.';
    fmt::print("{}\n", line);
  }
  const double accuracy = (model(x).argmax(1) == y).to(kFloat32).mean().item<double>();
  fmt::print("accuracy: {:.4f}\n", accuracy);
  return accuracy > 0.97 ? 0 : 1;
}
