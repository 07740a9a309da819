// The best value so far, and what is done about it.
#include <ember/io/pt.h>
#include <ember/train/best.h>

#include <cmath>

#include "error_format.h"

namespace ember::train {

namespace {

void check_mode(const char* who, const std::string& mode, double min_delta) {
  check<ValueError>(mode == "min" || mode == "max", "{}: expected the mode min or max, got '{}'", who, mode);
  check<ValueError>(min_delta >= 0, "{}: expected a min_delta of 0 or more, got {}", who, min_delta);
}

bool is_better(double value, double best, const std::string& mode, double min_delta) {
  if (std::isnan(value)) return false;
  if (std::isnan(best)) return true;
  return mode == "min" ? value < best - min_delta : value > best + min_delta;
}

}  // namespace

SaveBest::SaveBest(std::string path, nn::Module& model, BetterOptions options)
    : path_(std::move(path)), model_(&model), options_(std::move(options)) {
  check_mode("SaveBest", options_.mode, options_.min_delta);
}

bool SaveBest::update(double value, int64_t step) {
  if (!is_better(value, value_, options_.mode, options_.min_delta)) return false;
  save(model_->state_dict(), path_);
  value_ = value;
  step_ = step;
  return true;
}

void SaveBest::restore() const {
  check<RuntimeError>(!std::isnan(value_), "SaveBest: nothing was saved to {} yet: update() takes the value of each epoch", path_);
  model_->load_state_dict(load(path_));
}

EarlyStopping::EarlyStopping(EarlyStoppingOptions options) : options_(std::move(options)) {
  check_mode("EarlyStopping", options_.mode, options_.min_delta);
  check<ValueError>(options_.patience >= 1, "EarlyStopping: expected a patience of 1 or more, got {}", options_.patience);
}

bool EarlyStopping::update(double value) {
  last_ = value;
  if (is_better(value, best_, options_.mode, options_.min_delta)) {
    best_ = value;
    waiting_ = 0;
  } else {
    ++waiting_;
  }
  return !reason().empty();
}

std::string EarlyStopping::reason() const {
  if (std::isnan(last_)) return "stopped: the value is NaN";
  if (waiting_ < options_.patience) return "";
  return fmt::format("stopped: no better than {:.6g} for {} values", best_, waiting_);
}

}  // namespace ember::train
