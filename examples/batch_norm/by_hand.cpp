// Batch norm by hand: the forward pass from basic operations, its gradient step by step beside autograd's, then the one-line formula, then
// nn::BatchNorm1d; and what each setting does, in numbers. After A. Karpathy's exercise ("becoming a backprop ninja").
#include "laboratory.h"

using namespace lab;

static double worst = 0;

/// One line: are our values those of autograd?
static void compare(const char* name, const Tensor& ours, const Tensor& reference) {
  const double difference = (ours - reference).abs().max().item<double>();
  worst = std::max(worst, difference);
  fmt::print("  {:<12} exact: {:<5}  approximate: {:<5}  largest difference: {:.2g}\n", name, equal(ours, reference) ? "yes" : "no",
             allclose(ours, reference, 1e-5, 1e-8) ? "yes" : "no", difference);
}

/// Forward in eight steps, backward in the same steps from the last to the first.
static void step_by_step() {
  manual_seed(2147483647);
  const double eps = 1e-5, n = 32;
  const Tensor x = randn({32, 64}, {.requires_grad = true}), gamma = (1 + 0.1 * randn({64})).requires_grad_(),
               beta = (0.1 * randn({64})).requires_grad_();
  const Tensor mean = x.sum(0, true) / n;
  const Tensor centred = x - mean;
  const Tensor square = centred * centred;
  const Tensor variance = square.sum(0, true) / n;  // biased: the variance of exactly these values
  const Tensor invstd = pow(variance + eps, -0.5);
  const Tensor xhat = centred * invstd;
  const Tensor y = gamma * xhat + beta;
  const Tensor dy = randn({32, 64});  // what comes from above; never a sum, whose gradient through batch norm is 0
  const std::vector<Tensor> autograd = ember::autograd::grad({y}, {xhat, invstd, variance, square, centred, mean, gamma, beta, x}, {dy});

  NoGradGuard no_grad;
  fmt::print("\nThe gradient step by step, from the last step to the first:\n");
  const Tensor dxhat = dy * gamma;
  const Tensor dinvstd = (dxhat * centred).sum(0, true);
  const Tensor dvariance = -0.5 * pow(variance + eps, -1.5) * dinvstd;
  const Tensor dsquare = (dvariance / n).expand({32, 64});
  const Tensor dcentred = dxhat * invstd + 2 * centred * dsquare;  // two paths: directly, and through the variance
  const Tensor dmean = -dcentred.sum(0, true);
  const Tensor dx = dcentred + dmean / n;  // again two: directly, and through the mean
  compare("d xhat", dxhat, autograd[0]);
  compare("d invstd", dinvstd, autograd[1]);
  compare("d variance", dvariance, autograd[2]);
  compare("d square", dsquare, autograd[3]);
  compare("d centred", dcentred, autograd[4]);
  compare("d mean", dmean, autograd[5]);
  compare("d gamma", (dy * xhat).sum(0), autograd[6]);
  compare("d beta", dy.sum(0), autograd[7]);
  compare("d x", dx, autograd[8]);

  fmt::print("\nThe same in one line, dx = gamma invstd / n (n dy - sum dy - xhat sum(dy xhat)):\n");
  const Tensor line = gamma * invstd / n * (n * dy - dy.sum(0) - xhat * (dy * xhat).sum(0));
  compare("d x", line, autograd[8]);

  fmt::print("\nAnd nn::BatchNorm1d:\n");
  nn::BatchNorm1d norm(64);
  norm.weight.copy_(gamma);
  norm.bias.copy_(beta);
  const Tensor input = x.detach().clone().requires_grad_();
  Tensor output;
  {
    EnableGradGuard recording;
    output = norm(input);
    output.backward(dy);
  }
  compare("y", output.detach(), y);
  compare("d x", input.grad(), line);
  compare("d gamma", norm.weight.grad(), autograd[6]);
  compare("d beta", norm.bias.grad(), autograd[7]);
}

static std::string shown(const Tensor& t) { return to_string(t.detach()); }

/// Each setting by itself, on a batch that one can check in the head.
static void settings() {
  const Tensor x = tensor({{1.0}, {3.0}, {5.0}, {7.0}}).to(kFloat32);  // mean 4, biased variance 5, unbiased 6.6667
  const auto column = [](const Tensor& t) { return shown(t.detach().reshape({-1})); };
  fmt::print("\nWhat each setting does to the batch 1, 3, 5, 7 (mean 4, variance 5, with n - 1: 6.667):\n");
  nn::BatchNorm1d norm(1);
  fmt::print("  nothing set              {}\n", column(norm(x)));
  fmt::print("  running mean             {}   0.9 * 0 + 0.1 * 4: momentum is the weight of the newest batch\n", shown(norm.running_mean));
  fmt::print("  running variance         {}   0.9 * 1 + 0.1 * 6.667: it remembers the unbiased variance, the output uses the biased\n",
             shown(norm.running_var));
  {
    NoGradGuard no_grad;
    norm.weight.fill_(2);
    fmt::print("  gamma 2                  {}   the standard deviation of the output\n", column(norm(x)));
    norm.bias.fill_(10);
    fmt::print("  beta 10                  {}   its mean\n", column(norm(x)));
    norm.weight.fill_(std::sqrt(5 + 1e-5));
    norm.bias.fill_(4);
    fmt::print("  gamma sqrt(5), beta 4    {}   the input again: the net can undo the normalisation\n", column(norm(x)));
  }
  nn::BatchNorm1d wide(1, {.eps = 5});
  fmt::print("  eps 5                    {}   divided by sqrt(5 + 5): eps keeps a channel without variance from 1/0\n", column(wide(x)));
  for (const double momentum : {0.01, 0.9}) {
    nn::BatchNorm1d other(1, {.momentum = momentum});
    other(x);
    fmt::print("  momentum {:<4}            running mean {}\n", momentum, shown(other.running_mean));
  }
  nn::BatchNorm1d average(1, {.momentum = None});
  average(x);
  average(x + 2);
  fmt::print("  momentum None            running mean {} after batches of mean 4 and 6: the plain average\n", shown(average.running_mean));
  norm.reset_parameters();
  norm.eval();
  fmt::print("  eval() at once           {}   mean 0 and variance 1 are no statistics of this batch: nothing happens\n", column(norm(x)));
}

static int by_hand(Experiment& e) {
  step_by_step();
  settings();
  // The bias of a layer in front of batch norm is taken away again by the mean.
  manual_seed(std::uint64_t(e.seed()));
  nn::Sequential net{nn::Linear(784, 100), nn::BatchNorm1d(100), nn::ReLU(), nn::Linear(100, 10)};
  cross_entropy(net(e.train().x.narrow(0, 0, 60)), e.train().y.narrow(0, 0, 60)).backward();
  fmt::print("\n");
  e.row("largest difference of all the gradients", 9.3e-10, worst, at_most(1e-5));
  e.row("gradient of a bias in front of batch norm", 0, net.parameters()[1].grad().abs().max().item<double>(), at_most(1e-7));
  return e.conclude(
      "The two subtracted terms are what the batch's mean and variance take away: shifting or scaling a whole channel cannot change the loss.",
      "In evaluation both terms are gone. Why?");
}

int main(int argc, char** argv) { return run({"by_hand", "Batch norm by hand", "32 samples of 64 units, float32", ""}, argc, argv, by_hand); }
