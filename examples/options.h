// What all examples share: their flags, and one line on standard error when something is wrong.
#pragma once

#include <ember/ember.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>

struct Options {
  std::string data = {}, out = {};
  int epochs = 1;
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: all cores
};

inline void add_flags(CLI::App& app, Options& options, const std::string& what_data_is) {
  app.add_option("--data", options.data, what_data_is)->capture_default_str();
  app.add_option("--out", options.out, "folder for what the run writes")->capture_default_str();
  app.add_option("--epochs", options.epochs, "passes over the training data")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--seed", options.seed, "of the initial weights and the order of the data")->capture_default_str();
  app.add_option("--threads", options.threads, "how many to use; 0: one for each core")->check(CLI::NonNegativeNumber)->capture_default_str();
}

/// Parses the flags, then runs the example, which gives the exit status.
template <class Run>
int run_example(CLI::App& app, int argc, char** argv, const Options& options, Run&& run) {
  CLI11_PARSE(app, argc, argv);
  try {
    if (options.threads > 0) ember::set_num_threads(options.threads);
    ember::manual_seed(options.seed);
    return run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", app.get_name(), error.what());
    return 1;
  }
}
