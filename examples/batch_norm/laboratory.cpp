// Flags, data, training loop and table of the experiments.
#include "laboratory.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace lab {

namespace {

namespace fs = std::filesystem;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

bool holds_mnist(const fs::path& folder) {
  const std::string name = (folder / "train-images-idx3-ubyte").string();
  return fs::exists(name) || fs::exists(name + ".gz");
}

/// The folder that the user names, in any of the layouts that people have; else the images that come with the source.
std::string find_mnist(const std::string& named) {
  std::vector<fs::path> roots;
  if (!named.empty()) roots = {named};
  else if (const char* const data = std::getenv("EMBER_DATA"); data && *data) roots.push_back(data);
  for (const fs::path& root : roots)
    for (const char* below : {"", "mnist", "MNIST/raw"})
      if (holds_mnist(root / below)) return (root / below).string();
  if (!named.empty()) throw RuntimeError(named + ": no MNIST here (train-images-idx3-ubyte, raw or .gz, and the other three files)");
  return EMBER_EXAMPLE_DATA "/mnist_three_greys";
}

Images rows_of(const data::ImagesLabels& set) { return {set.images.reshape({set.images.size(0), -1}), set.labels}; }

std::string number(double x) {
  if (std::isnan(x)) return "";
  return std::abs(x) >= 1000 ? fmt::format("{:.3g}", x) : fmt::format("{:.4g}", x);
}

std::string words(const Band& band) {
  if (std::isinf(band.low) && std::isinf(band.high)) return "";
  if (std::isinf(band.low)) return "<= " + number(band.high);
  if (std::isinf(band.high)) return ">= " + number(band.low);
  return number(band.low) + " .. " + number(band.high);
}

bool within(const Band& band, double x) { return (std::isinf(band.low) && std::isinf(band.high)) || (x >= band.low && x <= band.high); }

}  // namespace

Experiment::Experiment(const About& about, int argc, char** argv) : about_(about), started_(now()) {
  int threads = 0;
  std::string data;
  CLI::App app(fmt::format("{}. {}", about.title, about.settings), about.name);
  app.add_option("--seed", seed_, "of the weights; batches have the next one")->check(CLI::NonNegativeNumber);
  app.add_option("--threads", threads, "as many as there are cores unless given")->check(CLI::PositiveNumber);
  app.add_option("--out", out_, "a folder for the figure and the table");
  app.add_option("--data", data, "a folder with MNIST's four files; EMBER_DATA, or the images that come with Ember, unless given");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  if (threads > 0) set_num_threads(threads);
  const std::string folder = find_mnist(data);
  origin_ = folder == EMBER_EXAMPLE_DATA "/mnist_three_greys" ? "MNIST in three greys" : "MNIST";
  train_ = rows_of(ember::data::read_mnist(folder, true));
  test_ = rows_of(ember::data::read_mnist(folder, false));
  fmt::print("{}\n{}; {}, seed {}\n\n", about.title, about.settings, origin_, seed_);
}

void Experiment::row(const std::string& what, double torch, double ours, Band band) {
  if (rows_.empty()) fmt::print("{:<44} {:>10} {:>10}   band\n", "", "PyTorch", "Ember");
  rows_.push_back({what, torch, ours, band});
  fmt::print("{:<44} {:>10} {:>10}   {}{}\n", what, number(torch), number(ours), words(band), within(band, ours) ? "" : "  <-- OUTSIDE");
  std::fflush(stdout);
}

int Experiment::conclude(const std::string& sentence, const std::string& question) {
  bool all = true;
  std::string table = "| | PyTorch 2.13 | Ember | band |\n| --- | ---: | ---: | --- |\n";
  for (const Row& r : rows_) {
    all = all && within(r.band, r.ours);
    table += fmt::format("| {} | {} | {} | {}{} |\n", r.what, number(r.torch), number(r.ours), words(r.band),
                         within(r.band, r.ours) ? "" : " **outside**");
  }
  fmt::print("\n{}\nQuestion: {}\n({:.1f} s)\n", sentence, question, now() - started_);
  if (!out_.empty()) {
    fs::create_directories(out_);
    const fs::path stem = fs::path(out_) / about_.name;
    const std::string picture = svg_.empty() ? "" : fmt::format("![{}](laboratory/{}.svg)\n\n", about_.caption, about_.name);
    if (!svg_.empty()) ember::train::save_svg(stem.string() + ".svg", svg_);
    std::ofstream file(stem.string() + ".md");
    file << fmt::format("## {}\n\n{}; {}, seed {}. `build/release/bin/batch_norm/{}`\n\n{}{}\n{}\n\n*Question:* {}\n", about_.title, about_.settings,
                        origin_, seed_, about_.name, picture, table, sentence, question);
    if (!file.flush()) throw RuntimeError(stem.string() + ".md: cannot be written");
  }
  return all ? 0 : 1;
}

// --- nets

nn::Sequential mlp_with(const NetOptions& options, const std::function<void(nn::Sequential&)>& add_norm) {
  nn::Sequential net;
  const auto linear = [&](int64_t in, int64_t out, bool bias) {
    nn::Linear layer(in, out, {.bias = bias});
    if (options.std > 0) {
      nn::init::normal_(layer.weight, 0, options.std);
      if (bias) nn::init::zeros_(layer.bias);
    }
    net.append(std::move(layer));
  };
  for (int layer = 0; layer < options.layers; ++layer) {
    linear(layer == 0 ? 784 : 100, 100, options.norm == std::string("none"));
    add_norm(net);
    if (options.activation == std::string("sigmoid")) net.append(nn::Sigmoid());
    else if (options.activation == std::string("tanh")) net.append(nn::Tanh());
    else net.append(nn::ReLU());
  }
  linear(100, 10, true);
  return net;
}

nn::Sequential mlp(const NetOptions& options) {
  const std::string norm = options.norm;
  return mlp_with(options, [&](nn::Sequential& net) {
    if (norm == "batch") net.append(nn::BatchNorm1d(100, {.momentum = options.momentum}));
    if (norm == "layer") net.append(nn::LayerNorm({100}));
    if (norm == "group") net.append(nn::GroupNorm(10, 100));
  });
}

// --- training and evaluation

void train(nn::Module& model, const Experiment& experiment, const TrainOptions& options) {
  const Images& set = experiment.train();
  Generator generator(std::uint64_t(experiment.seed() + 1));
  optim::SGD optimizer(model.parameters(), {.lr = options.rate});
  model.train();
  for (int64_t step = 1; step <= options.steps; ++step) {
    const Tensor chosen = randint(0, set.x.size(0), {options.batch}, {}, &generator);
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(model(set.x.index_select(0, chosen)), set.y.index_select(0, chosen));
    loss.backward();
    optimizer.step();
    if (options.after) options.after(step, loss.item<double>());
  }
}

double accuracy_as_it_is(nn::Module& model, const Images& images, int64_t batch) {
  NoGradGuard no_grad;
  const int64_t count = images.x.size(0);
  int64_t right = 0;
  for (int64_t start = 0; start < count; start += batch) {
    const int64_t n = std::min(batch, count - start);
    right += (model(images.x.narrow(0, start, n)).argmax(1) == images.y.narrow(0, start, n)).sum().item<int64_t>();
  }
  return double(right) / double(count);
}

double accuracy(nn::Module& model, const Images& images) {
  const bool training = model.is_training();
  model.eval();
  const double result = accuracy_as_it_is(model, images, 1000);
  model.train(training);
  return result;
}

Images first(const Images& images, int64_t count) { return {images.x.narrow(0, 0, count), images.y.narrow(0, 0, count)}; }

Images sorted_by_class(const Images& images) {
  const Tensor order = argsort(images.y, 0, false, true);
  return {images.x.index_select(0, order), images.y.index_select(0, order)};
}

int64_t place(const std::vector<int64_t>& steps, int64_t step) {
  const auto found = std::find(steps.begin(), steps.end(), step);
  return found == steps.end() ? -1 : found - steps.begin();
}

std::string with_commas(int64_t n) { return n < 1000 ? std::to_string(n) : fmt::format("{},{:03}", n / 1000, n % 1000); }

int run(const About& about, int argc, char** argv, int (*body)(Experiment&)) {
  try {
    Experiment experiment(about, argc, argv);
    return body(experiment);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", about.name, error.what());
    return 2;
  }
}

}  // namespace lab
