// Parameters whose gradients are nothing but rounding, as those of a bias before a batch norm: an optimiser that divides by the size of a
// gradient, as Adam does, moves them at random. They say nothing about the runs, and so does the constant that they add to the output of
// their layer, the input of the next one and the mean that it keeps.
#pragma once

#include <set>
#include <string>
#include <unordered_map>

#include "diff_trace.h"

class Noise {
 public:
  void see_gradient(const Finding& f) {
    const auto [entry, fresh] = only_.emplace(f.path + "/param." + f.what.substr(5), true);
    entry->second = entry->second && f.is_noise;
  }

  /// Is this parameter, which differs, one of them?
  bool explains(const Finding& f) {
    const auto entry = only_.find(f.path + "/" + f.what);
    if (entry == only_.end() || !entry->second) return false;
    if (f.largest > 0) {
      size_[f.path] = std::max(size_[f.path], f.largest);
      moved_.insert(f.path + " " + f.what.substr(6));
    }
    return true;
  }

  /// By how much this array may be off; to be asked in the order of execution.
  double slack(const TracedArray& array) {
    const auto own = size_.find(array.path);
    const double size = own == size_.end() ? 0 : own->second;
    if (array.what.starts_with("output")) return passed_on_ = size;
    if (array.what.starts_with("input")) {
      reader_ = array.path;
      received_ = std::exchange(passed_on_, 0.0);
      return received_;
    }
    return array.what.starts_with("buffer.") && array.path == reader_ ? received_ : 0;
  }
  double received(const std::string& path) const { return path == reader_ ? received_ : 0; }

  void begin_step() { passed_on_ = received_ = 0; }
  const std::set<std::string>& moved() const { return moved_; }

 private:
  std::unordered_map<std::string, bool> only_;    // "conv/param.bias": all its gradients so far are rounding
  std::unordered_map<std::string, double> size_;  // by layer: how far it has moved at most
  std::set<std::string> moved_;
  std::string reader_;
  double passed_on_ = 0, received_ = 0;
};
