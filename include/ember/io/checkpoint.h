// A whole training run in one .pt file, which PyTorch can open: a run that was killed goes on as if it had not been.
//
//   Checkpoint checkpoint{.model = &model, .optimizer = &optimizer, .scheduler = &scheduler};
//   checkpoint.epoch = 3;
//   checkpoint.save("run.pt");            // also remembers the default generator
//   ...
//   checkpoint.load("run.pt");            // everything as it was; values come back in checkpoint.values
#pragma once

#include <ember/data/loader.h>
#include <ember/io/optimizer_state.h>
#include <ember/io/pt.h>
#include <ember/nn/module.h>
#include <ember/optim/lr_scheduler.h>
#include <ember/random.h>

namespace ember {

struct Checkpoint {
  nn::Module* model = nullptr;
  optim::Optimizer* optimizer = nullptr;
  optim::lr_scheduler::LRScheduler* scheduler = nullptr;
  data::DataLoader::Epoch* loader = nullptr;  ///< the order of the epoch, and how far it is
  Generator* generator = nullptr;             ///< the default one when null
  Value values = Value::dict();               ///< yours: epoch, best accuracy, ...

  /// Writes "model", "optimizer", "scheduler", "loader", "rng_state" and "values" for what is there. keep_last > 0 keeps that many
  /// older files beside it: run.pt, run.1.pt (the one before), run.2.pt, ... A whole file is under `path` at every moment.
  void save(const std::string& path, int keep_last = 0) const;

  /// Restores all of it, or throws RuntimeError naming what is missing or does not fit, and changes nothing. Files that PyTorch
  /// wrote as {"model": model.state_dict(), "optimizer": optimizer.state_dict()} do as well: without an "rng_state" the default
  /// generator stays as it is.
  void load(const std::string& path);
};

}  // namespace ember
