// Ember's side of the benchmark. Reads lines from standard input, words separated by tabs: `list`, `run NAME THREADS SECONDS` or
// `memory NAME THREADS`, and answers each with one line: the names, `MINIMUM MEDIAN` in microseconds, or KiB held before and at most;
// `none` for a row that it does not have. W6@8 is W6 with a batch of 8.
#include <ember/ember.h>
#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "clock.h"
#include "families.h"
#include "layers.h"
#include "more_nets.h"
#include "nets.h"

using namespace bench;

namespace {

struct Row {
  std::string name;
  std::function<Step()> prepare;
};
std::vector<Row> rows;

// --- networks

Tensor input_of(const NetRow& row, int64_t batch) {
  std::vector<int64_t> shape = row.shape;
  shape.insert(shape.begin(), batch);
  return randn(shape);
}

Step train_step(const NetRow& row, int64_t batch) {
  manual_seed(0);
  auto net = std::make_shared<nn::Sequential>(row.make());
  const Tensor x = input_of(row, batch), target = randint(0, std::string(row.name) == "W1" ? 2 : 10, {batch});
  std::shared_ptr<optim::Optimizer> optimizer;
  if (std::string(row.name) == "W8") optimizer = std::make_shared<optim::Adam>(net->parameters());
  else optimizer = std::make_shared<optim::SGD>(net->parameters(), optim::SGDOptions{.lr = 0.01, .momentum = 0.9});
  return [=] {
    optimizer->zero_grad();
    cross_entropy((*net)(x), target).backward();
    optimizer->step();
  };
}

Step inference(const NetRow& row, int64_t batch) {
  manual_seed(0);
  auto net = std::make_shared<nn::Sequential>(row.make());
  net->eval();
  const Tensor x = input_of(row, batch);
  return [=] {
    NoGradGuard no_grad;
    (*net)(x);
  };
}

void add_networks() {
  for (const NetRow& row : net_rows()) rows.push_back({row.name, [&row] { return train_step(row, row.batch); }});
  for (const auto& [name, make] : more_nets()) rows.push_back({name, [make] { return manual_seed(0), make(); }});
  for (const auto& [index, batch] : {std::pair{3, 1}, {3, 256}, {5, 1}, {5, 64}}) {
    const NetRow& row = net_rows()[std::size_t(index)];
    rows.push_back({fmt::format("{}i-{}", row.name, batch), [&row, b = batch] { return inference(row, b); }});
  }
}

// --- single operations

Tensor leaf(IntArrayRef sizes) { return randn(sizes).requires_grad_(); }

/// A row for the forward alone and one for forward and backward. make() gives the leaves; forward(leaves) the result.
using Forward = std::function<Tensor(const std::vector<Tensor>&)>;
void add(const std::string& name, std::function<std::vector<Tensor>()> make, Forward forward) {
  rows.push_back({name, [=] {
                    const std::vector<Tensor> leaves = make();
                    return Step([=] {
                      NoGradGuard no_grad;
                      forward(leaves);
                    });
                  }});
  rows.push_back({name + " +backward", [=] {
                    const std::vector<Tensor> leaves = make();
                    const Tensor cotangent = randn_like(forward(leaves).detach());
                    return Step([=] {
                      for (const Tensor& t : leaves) t.set_grad({});
                      forward(leaves).backward(cotangent);
                    });
                  }});
}

void add_pointwise() {
  constexpr int64_t kMillion = 1 << 20;
  const auto two = [](int64_t n) { return [n] { return std::vector<Tensor>{leaf({n}), leaf({n})}; }; };
  const auto one = [] { return std::vector<Tensor>{leaf({kMillion})}; };
  const Forward sum = [](const auto& t) { return t[0] + t[1]; };
  add("add 16", two(16), sum);
  rows.push_back({"add 16 recorded", [=] {
                    const std::vector<Tensor> leaves = two(16)();
                    return Step([=] { sum(leaves); });
                  }});
  add("add 1M", two(kMillion), sum);
  add("relu 1M", one, [](const auto& t) { return relu(t[0]); });
  add("exp 1M", one, [](const auto& t) { return t[0].exp(); });
  add("tanh 1M", one, [](const auto& t) { return t[0].tanh(); });
  add("sigmoid 1M", one, [](const auto& t) { return t[0].sigmoid(); });
  add("sum 1M", one, [](const auto& t) { return t[0].sum(); });
  add("dropout 1M", one, [](const auto& t) { return dropout(t[0], {.p = 0.5}); });
  const auto square = [] { return std::vector<Tensor>{leaf({1024, 1024})}; };
  add("sum dim 0", square, [](const auto& t) { return t[0].sum(0); });
  add("sum dim 1", square, [](const auto& t) { return t[0].sum(1); });
  add("softmax 1024x1024", square, [](const auto& t) { return softmax(t[0], 1); });
  const Tensor classes = randint(0, 1000, {256});
  add("cross_entropy 256x1000", [] { return std::vector<Tensor>{leaf({256, 1000})}; }, [=](const auto& t) { return cross_entropy(t[0], classes); });
}

void add_products_and_norms() {
  for (int64_t n : {64, 256, 512, 1024})
    add(
        fmt::format("matmul {}", n), [n] { return std::vector<Tensor>{leaf({n, n}), leaf({n, n})}; },
        [](const auto& t) { return matmul(t[0], t[1]); });
  add(
      "linear 256x784 -> 256", [] { return std::vector<Tensor>{leaf({256, 784}), leaf({256, 784}), leaf({256})}; },
      [](const auto& t) { return linear(t[0], t[1], t[2]); });
  add(
      "layer_norm 256x768", [] { return std::vector<Tensor>{leaf({256, 768}), leaf({768}), leaf({768})}; },
      [](const auto& t) { return layer_norm(t[0], {768}, t[1], t[2]); });
  const Forward batch_norm_of = [](const auto& t) { return batch_norm(t[0], {}, {}, t[1], t[2], true); };
  add("batch_norm1d 256x512", [] { return std::vector<Tensor>{leaf({256, 512}), leaf({512}), leaf({512})}; }, batch_norm_of);
  for (const auto& [n, c, s] : {std::tuple<int64_t, int64_t, int64_t>{32, 16, 28}, {64, 64, 32}})
    add(
        fmt::format("batch_norm2d {}x{}x{}x{}", n, c, s, s),
        [=, n = n, c = c, s = s] { return std::vector<Tensor>{leaf({n, c, s, s}), leaf({c}), leaf({c})}; }, batch_norm_of);
  add("max_pool2d 64x32x28x28", [] { return std::vector<Tensor>{leaf({64, 32, 28, 28})}; }, [](const auto& t) { return max_pool2d(t[0], 2); });
}

void add_convolutions() {
  struct Shape {
    const char* name;
    int64_t batch, in, out, kernel, size, stride, padding, groups;
  };
  for (const Shape& s : {Shape{"1->16 3x3 28x28 b64", 64, 1, 16, 3, 28, 1, 1, 1},
                         {"16->32 3x3 14x14 b64", 64, 16, 32, 3, 14, 1, 1, 1},
                         {"64->64 3x3 16x16 b32", 32, 64, 64, 3, 16, 1, 1, 1},
                         {"128->128 3x3 8x8 b32", 32, 128, 128, 3, 8, 1, 1, 1},
                         {"3->64 3x3 32x32 b32", 32, 3, 64, 3, 32, 1, 1, 1},
                         {"64->128 1x1 stride 2 16x16 b32", 32, 64, 128, 1, 16, 2, 0, 1},
                         {"6->16 5x5 14x14 b128", 128, 6, 16, 5, 14, 1, 0, 1},
                         {"depthwise 64 3x3 16x16 b32", 32, 64, 64, 3, 16, 1, 1, 64}})
    add(
        std::string("conv ") + s.name,
        [s] { return std::vector<Tensor>{leaf({s.batch, s.in, s.size, s.size}), leaf({s.out, s.in / s.groups, s.kernel, s.kernel})}; },
        [s](const auto& t) { return conv2d(t[0], t[1], {}, {.stride = s.stride, .padding = s.padding, .groups = s.groups}); });
}

void add_memory() {
  rows.push_back({"transpose-copy 1024x1024", [] {
                    const Tensor t = randn({1024, 1024});
                    return Step([=] { t.t().contiguous(); });
                  }});
  rows.push_back({"cat 4x(1024x256) dim 1", [] {
                    std::vector<Tensor> parts;
                    for (int i = 0; i < 4; ++i) parts.push_back(randn({1024, 256}));
                    return Step([=] { cat(parts, 1); });
                  }});
  const auto table = [] { return std::vector<Tensor>{leaf({10000, 128})}; };
  const Tensor index = randint(0, 10000, {4096});
  add("index_select 10000x128, 4096 rows", table, [=](const auto& t) { return t[0].index_select(0, index); });
  add("embedding 10000x128, 4096 rows", table, [=](const auto& t) { return embedding(index, t[0]); });
  for (const bool adam : {false, true})
    rows.push_back({adam ? "Adam step 1M in 20" : "SGD step 1M in 20", [=] {
                      std::vector<Tensor> params;
                      for (int i = 0; i < 20; ++i) {
                        params.push_back(leaf({50000}));
                        params.back().set_grad(randn({50000}));
                      }
                      std::shared_ptr<optim::Optimizer> optimizer;
                      if (adam) optimizer = std::make_shared<optim::Adam>(params);
                      else optimizer = std::make_shared<optim::SGD>(params, optim::SGDOptions{.lr = 0.01, .momentum = 0.9});
                      return Step([=] { optimizer->step(); });
                    }});
}

// --- answers

/// The row's work, made ready; null for a row that does not exist.
Step prepare(const std::string& name) {
  for (const Row& row : rows)
    if (row.name == name) return row.prepare();
  const std::size_t at = name.find('@');
  for (const NetRow& net : net_rows())
    if (at != std::string::npos && name.substr(0, at) == net.name) return train_step(net, std::stoll(name.substr(at + 1)));
  if (const Step step = layer_step(name)) return step;
  return family_step(name);
}

std::string list_rows() {
  std::string names;
  for (const Row& row : rows) names += (names.empty() ? "" : "\t") + row.name;
  return names;
}

/// A figure of /proc/self/status in KiB.
int64_t held(const std::string& what) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(what + ":", 0) == 0) return std::stoll(line.substr(what.size() + 1));
  return 0;
}

std::string answer(const std::vector<std::string>& words) {
  static std::string current;
  static Step step;
  if (words.size() == 1 && words[0] == "list") return list_rows();
  if (words.size() < 3) return "none";
  set_num_threads(std::stoi(words[2]));
  if (words[0] == "memory") {
    const int64_t before = held("VmRSS");
    step = prepare(words[1]);
    for (int i = 0; step && i < 10; ++i) step();
    return fmt::format("{} {}", before, held("VmHWM"));
  }
  if (current != words[1]) step = nullptr, step = prepare(words[1]), current = words[1];
  if (!step) return "none";
  const auto [minimum, median] = measure(step, std::stod(words.at(3)));
  return fmt::format("{:.3f} {:.3f}", minimum, median);
}

}  // namespace

int main() {
  add_networks();
  add_pointwise();
  add_products_and_norms();
  add_convolutions();
  add_memory();
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<std::string> words;
    std::istringstream stream(line);
    for (std::string word; std::getline(stream, word, '\t');) words.push_back(word);
    try {
      std::cout << answer(words) << std::endl;
    } catch (const std::exception& error) {
      std::cerr << line << ": " << error.what() << "\n";
      std::cout << "none" << std::endl;
    }
  }
}
