// The lesson on batch normalisation, card by card: each section prints what it claims. usage: batchnorm_lesson [CARD]
#include <ember/ember.h>
#include <fmt/format.h>

using namespace ember;

static void title(const char* text) { fmt::print("\n== {}\n", text); }
static std::string row(const Tensor& t) { return to_string(t.detach()); }

static std::string sizes(const Tensor& t) {
  std::string text;
  for (int64_t size : t.sizes()) text += (text.empty() ? "(" : ", ") + std::to_string(size);
  return text + ")";
}

static void purpose() {
  title("What does it normalise, and what for?");
  fmt::print("Each channel of a layer's inputs gets a mean near 0 and a variance near 1, whatever came in:\n");
  manual_seed(0);
  const Tensor x = randn({64, 2}) * tensor({5.0, 0.1}) + tensor({100.0, -3.0});
  const Tensor y = nn::BatchNorm1d(2)(x).detach();
  fmt::print("  in   mean {}  var {}\n", row(x.mean(0)), row(x.var(0, 0)));
  fmt::print("  out  mean {}  var {}\n", row(y.mean(0)), row(y.var(0, 0)));
}

static void faster_training() {
  title("How does it help a network learn?");
  fmt::print("Ten layers, badly scaled inputs, the same rate and steps, with and without:\n");
  for (const bool with_norm : {false, true}) {
    manual_seed(1);
    nn::Sequential net;
    for (int layer = 0; layer < 10; ++layer) {
      net.append(nn::Linear(16, 16));
      if (with_norm) net.append(nn::BatchNorm1d(16));
      net.append(nn::ReLU());
    }
    net.append(nn::Linear(16, 2));
    const Tensor x = 3 * randn({256, 16}), y = (x.narrow(1, 0, 2).sum(1) > 0).to(kInt64);
    optim::SGD optimizer(net.parameters(), {.lr = 0.1});
    Tensor loss;
    for (int step = 0; step < 100; ++step) {
      optimizer.zero_grad();
      loss = cross_entropy(net(x), y);
      loss.backward();
      optimizer.step();
    }
    fmt::print("  {:<7} loss after 100 steps: {:.4f}\n", with_norm ? "with" : "without", loss.item<double>());
  }
}

static void classes() {
  title("1d and 2d: which class for which input?");
  fmt::print("  BatchNorm1d  (4, 3)       -> {}\n", sizes(nn::BatchNorm1d(3)(randn({4, 3}))));
  fmt::print("  BatchNorm1d  (4, 3, 5)    -> {}\n", sizes(nn::BatchNorm1d(3)(randn({4, 3, 5}))));
  fmt::print("  BatchNorm2d  (4, 3, 8, 8) -> {}   for the outputs of 2D convolutions\n", sizes(nn::BatchNorm2d(3)(randn({4, 3, 8, 8}))));
  try {
    nn::BatchNorm2d wrong(3);
    wrong(randn({4, 3}));
  } catch (const ValueError& error) {
    fmt::print("  BatchNorm2d  (4, 3)       -> {}\n", error.what());
  }
}

static void parameters() {
  title("Which parameters are learned?");
  nn::BatchNorm1d bn(3);
  for (const auto& [name, p] : bn.named_parameters()) fmt::print("  parameter {:<8} {}\n", name, row(p));
  for (const auto& [name, b] : bn.named_buffers()) fmt::print("  buffer    {:<8} {}\n", name, row(b));
  manual_seed(0);
  const Tensor x = randn({8, 3}) * 4 + 7;
  NoGradGuard no_grad;
  bn.weight.copy_(sqrt(x.var(0, 0) + bn.eps));
  bn.bias.copy_(x.mean(0));
  fmt::print("  weight = sqrt(var + eps) and bias = mean undo the normalisation: largest change of x is {:.1e}\n",
             (bn(x) - x).abs().max().item<double>());
}

static void example() {
  title("The example: randn(4, 3) through BatchNorm1d(3)");
  manual_seed(0);
  const Tensor x = randn({4, 3});
  nn::BatchNorm1d bn(3);
  print(bn(x));
  fmt::print("each feature is normalised across the batch: mean {}\n", row(bn(x).mean(0).round(4)));
}

static void evaluation() {
  title("Why running mean and variance in evaluation?");
  manual_seed(0);
  nn::BatchNorm1d bn(2);
  for (int batch = 0; batch < 100; ++batch) bn(randn({32, 2}) * 2 + 5);
  fmt::print("  after 100 batches of mean 5 and variance 4: running mean {}  running var {}\n", row(bn.running_mean), row(bn.running_var));
  bn.eval();
  const Tensor sample = tensor({{5.0, 9.0}});
  fmt::print("  one sample alone:            {}\n", row(bn(sample)));
  fmt::print("  the same beside strange ones: {}\n", row(bn(cat({sample, 100 * randn({3, 2})})).narrow(0, 0, 1)));
}

static void pitfall() {
  title("What if eval() is forgotten?");
  manual_seed(0);
  nn::BatchNorm1d bn(2);
  for (int batch = 0; batch < 100; ++batch) bn(randn({32, 2}) * 2 + 5);
  const Tensor sample = tensor({{5.0, 9.0}});
  fmt::print("  the same sample in two batches: {}\n", row(bn(cat({sample, randn({3, 2})})).narrow(0, 0, 1)));
  fmt::print("                                  {}\n", row(bn(cat({sample, 100 * randn({3, 2})})).narrow(0, 0, 1)));
  const Tensor before = bn.running_mean.clone();
  {
    NoGradGuard no_grad;
    bn(100 * ones({4, 2}) + randn({4, 2}));
  }
  fmt::print("  and the test data leaked into the running mean, even without gradients: {} -> {}\n", row(before), row(bn.running_mean));
  try {
    bn(sample);
  } catch (const ValueError& error) {
    fmt::print("  a batch of one: {}\n", error.what());
  }
}

static void modes() {
  title("The difference between the modes");
  manual_seed(0);
  const Tensor x = randn({6, 1}, {.requires_grad = true}), upstream = randn({6, 1});
  nn::BatchNorm1d bn(1);
  for (const bool training : {true, false}) {
    bn.train(training);
    const int64_t seen = bn.num_batches_tracked.item<int64_t>();
    x.set_grad({});
    bn(x).backward(upstream);
    fmt::print("  {:<5}  statistics of the {:<11}  batches counted +{}  sum of dx {:+.4f}\n", training ? "train" : "eval",
               training ? "batch" : "running set", bn.num_batches_tracked.item<int64_t>() - seen, x.grad().sum().item<double>());
  }
  fmt::print("  in training the gradient flows through mean and variance, too: shifting a whole batch changes nothing, so dx sums to 0\n");
}

int main(int argc, char** argv) {
  const std::pair<std::string, void (*)()> cards[] = {
      {"purpose", purpose},       {"classes", classes}, {"parameters", parameters}, {"example", example},
      {"evaluation", evaluation}, {"pitfall", pitfall}, {"modes", modes},           {"faster_training", faster_training}};
  const std::string wanted = argc > 1 ? argv[1] : "";
  bool found = false;
  for (const auto& [name, card] : cards)
    if (wanted.empty() || wanted == name) {
      card();
      found = true;
    }
  if (found) return 0;
  fmt::print(stderr, "usage: batchnorm_lesson [CARD], one of");
  for (const auto& [name, card] : cards) fmt::print(stderr, " {}", name);
  fmt::print(stderr, "\n");
  return 2;
}
