// Counts and sums behind the metrics. Sums of squares are kept around the mean (Welford 1962), so that large offsets do no harm.
#include <ember/autograd.h>
#include <ember/io/npy.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>
#include <ember/train/metrics.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

#include "error_format.h"
#include "io/file.h"
#include "tensor/defined.h"

namespace ember::train {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
double ratio(double part, double whole, double otherwise) { return whole > 0 ? part / whole : otherwise; }

/// The numbers of each state, or an error before anything has changed.
std::vector<std::vector<double>> numbers_of(const char* metric, std::size_t expected, const std::vector<Tensor>& states) {
  std::vector<std::vector<double>> all;
  for (const Tensor& state : states) {
    require_defined(metric, state);
    check<ValueError>(state.dtype() == kFloat64 && state.dim() == 1 && state.numel() == int64_t(expected),
                      "{}.load_state: expected the state of such a metric, float64 of shape [{}], got {} {}", metric, expected, name(state.dtype()),
                      state.sizes());
    all.push_back(state.to_vector<double>());
  }
  return all;
}
Tensor state_of(const std::vector<double>& numbers) { return tensor(NestedNumbers(numbers), kFloat64); }
}  // namespace

// --- Mean

void Mean::add(double value, double weight) {
  sum_ += value * weight;
  weight_ += weight;
}
double Mean::value() const { return ratio(sum_, weight_, kNaN); }

Tensor Mean::state() const { return state_of({sum_, weight_}); }
void Mean::load_state(const std::vector<Tensor>& states) {
  const auto parts = numbers_of("Mean", 2, states);
  reset();
  for (const auto& part : parts) sum_ += part[0], weight_ += part[1];
}

// --- Classification

Classification::Classification(int64_t classes, std::vector<std::string> names) : names_(std::move(names)) {
  check<ValueError>(classes >= 2, "Classification: expected two classes or more, got {}", classes);
  check<ValueError>(names_.empty() || int64_t(names_.size()) == classes, "Classification: expected {} names, got {}", classes, names_.size());
  for (int64_t c = int64_t(names_.size()); c < classes; ++c) names_.push_back(std::to_string(c));
  counts_ = zeros({classes, classes}, kInt64);
  reset();
}

void Classification::reset() {
  counts_ = zeros_like(counts_);  // not in place: copies of these metrics have the same tensor
  scored_ = 0;
  std::fill(hits_, hits_ + kTop, 0);
  wrong_images_.clear();
  wrong_targets_.clear();
  wrong_predictions_.clear();
}

void Classification::add(const Tensor& prediction, const Tensor& target, const Tensor& images) {
  const int64_t classes = counts_.size(0);
  check<ValueError>(target.defined() && target.dtype() == kInt64 && target.dim() == 1, "Classification: expected int64 targets of shape (N), got {}",
                    target.defined() ? fmt::format("{} {}", name(target.dtype()), target.sizes()) : "none");
  check<ValueError>(prediction.defined(), "Classification: expected predictions, got an undefined tensor");
  const bool scores = prediction.dim() == 2;
  check<ValueError>(scores ? prediction.is_floating_point() && prediction.size(1) == classes : prediction.dim() == 1 && prediction.dtype() == kInt64,
                    "Classification: expected scores of shape (N, {}) or int64 classes of shape (N), got {} {}", classes, name(prediction.dtype()),
                    prediction.sizes());
  check<ValueError>(prediction.size(0) == target.size(0), "Expected input batch_size ({}) to match target batch_size ({}).", prediction.size(0),
                    target.size(0));
  check<ValueError>(!images.defined() || (images.dim() > 0 && images.size(0) == target.size(0)), "Classification: expected {} images, got shape {}",
                    target.size(0), images.defined() ? to_string(images.sizes()) : "");

  NoGradGuard no_grad;
  const Tensor called = (scores ? prediction.argmax(1) : prediction).contiguous(), truth = target.contiguous();
  const int64_t* const c = called.data<int64_t>();
  const int64_t* const t = truth.data<int64_t>();
  const int64_t n = truth.numel();
  for (int64_t i = 0; i < n; ++i) {
    check<IndexError>(t[i] >= 0 && t[i] < classes, "Target {} is out of bounds.", t[i]);
    check<IndexError>(c[i] >= 0 && c[i] < classes, "Prediction {} is out of bounds.", c[i]);
  }
  if (counts_.impl()->references.get() > 1) counts_ = counts_.clone();  // a copy of these metrics has them, too
  int64_t* const table = counts_.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) {
    ++table[t[i] * classes + c[i]];
    if (!images.defined() || t[i] == c[i] || int64_t(wrong_images_.size()) == kMistakes) continue;
    wrong_images_.push_back(images.select(0, i).detach().clone());
    wrong_targets_.push_back(t[i]);
    wrong_predictions_.push_back(c[i]);
  }
  if (!scores) return;

  const Tensor dense = prediction.detach().to(kFloat64).contiguous();
  for (int64_t i = 0; i < n; ++i) {
    const double* const row = dense.data<double>() + i * classes;
    int64_t place = 0;  // how many stand before the target; of equals the first comes first, as argmax takes it
    for (int64_t k = 0; k < classes; ++k) place += row[k] > row[t[i]] || (row[k] == row[t[i]] && k < t[i]);
    if (place < kTop) ++hits_[place];
  }
  scored_ += n;
}

Tensor Classification::confusion() const { return counts_.clone(); }
int64_t Classification::count() const { return counts_.sum().item<int64_t>(); }

double Classification::accuracy() const { return ratio(counts_.diagonal().sum().item<double>(), double(count()), kNaN); }

double Classification::top_k(int64_t k) const {
  check<ValueError>(k >= 1 && k <= kTop, "Classification: expected k from 1 to {}, got {}", kTop, k);
  return ratio(double(std::accumulate(hits_, hits_ + k, int64_t(0))), double(scored_), kNaN);
}

double Classification::precision(int64_t c) const {
  return ratio(counts_.select(0, c).select(0, c).item<double>(), counts_.select(1, c).sum().item<double>(), 0);
}
double Classification::recall(int64_t c) const {
  return ratio(counts_.select(0, c).select(0, c).item<double>(), counts_.select(0, c).sum().item<double>(), 0);
}
double Classification::f1(int64_t c) const {
  const double right = counts_.select(0, c).select(0, c).item<double>();
  return ratio(2 * right, counts_.select(0, c).sum().item<double>() + counts_.select(1, c).sum().item<double>(), 0);
}

/// As scikit-learn's average="macro": over the classes that occur as target or prediction.
template <class Of>
static double macro(const Tensor& counts, Of&& of) {
  Mean mean;
  for (int64_t c = 0; c < counts.size(0); ++c)
    if (counts.select(0, c).sum().item<int64_t>() + counts.select(1, c).sum().item<int64_t>() > 0) mean.add(of(c));
  return mean.value();
}
double Classification::macro_precision() const {
  return macro(counts_, [&](int64_t c) { return precision(c); });
}
double Classification::macro_recall() const {
  return macro(counts_, [&](int64_t c) { return recall(c); });
}
double Classification::macro_f1() const {
  return macro(counts_, [&](int64_t c) { return f1(c); });
}

double Classification::balanced_accuracy() const {
  Mean mean;
  for (int64_t c = 0; c < counts_.size(0); ++c)
    if (counts_.select(0, c).sum().item<int64_t>() > 0) mean.add(recall(c));
  return mean.value();
}

std::string Classification::table() const {
  const int64_t classes = counts_.size(0);
  std::size_t wide = 5;
  for (const std::string& name : names_) wide = std::max(wide, name.size());
  std::string text = fmt::format("{:<{}}  precision  recall      f1  number\n", "class", wide);
  for (int64_t c = 0; c < classes; ++c)
    text += fmt::format("{:<{}}  {:>9.4f}  {:>6.4f}  {:>6.4f}  {:>6}\n", names_[std::size_t(c)], wide, precision(c), recall(c), f1(c),
                        counts_.select(0, c).sum().item<int64_t>());
  text += fmt::format("{:<{}}  {:>9.4f}  {:>6.4f}  {:>6.4f}  {:>6}\n", "mean", wide, macro_precision(), macro_recall(), macro_f1(), count());
  if (classes > 20) return text;
  const std::size_t cell = std::max<std::size_t>(wide, std::to_string(counts_.max().item<int64_t>()).size()) + 2;
  text += fmt::format("\nrows: the class, columns: what it was taken for\n{:<{}}", "", wide);
  for (const std::string& name : names_) text += fmt::format("{:>{}}", name, cell);
  for (int64_t row = 0; row < classes; ++row) {
    text += fmt::format("\n{:<{}}", names_[std::size_t(row)], wide);
    for (int64_t column = 0; column < classes; ++column) {
      const auto n = counts_.data<int64_t>()[row * classes + column];
      text += fmt::format("{:>{}}", n ? std::to_string(n) : ".", cell);
    }
  }
  return text + "\n";
}

void Classification::save(const std::string& folder) const {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check<RuntimeError>(!error, "Classification: cannot make the folder {}: {}", folder, error.message());
  const auto cell = [](std::string name) {
    for (char& c : name)
      if (c == ',' || c == '"' || c == '\n' || c == '\r') c = ' ';
    return name;
  };
  std::string text = "class";
  for (const std::string& name : names_) text += "," + cell(name);
  const int64_t classes = counts_.size(0);
  for (int64_t row = 0; row < classes; ++row) {
    text += "\n" + cell(names_[std::size_t(row)]);
    for (int64_t column = 0; column < classes; ++column) text += fmt::format(",{}", counts_.data<int64_t>()[row * classes + column]);
  }
  io::AtomicFile file(folder + "/confusion.csv");
  file.write(text + "\n");
  file.commit();
  if (!wrong_images_.empty())
    save_npz(nn::StateDict({{"images", stack(wrong_images_)},
                            {"target", tensor(NestedNumbers(wrong_targets_), kInt64)},
                            {"prediction", tensor(NestedNumbers(wrong_predictions_), kInt64)}}),
             folder + "/mistakes.npz");
}

Tensor Classification::state() const {
  const std::vector<int64_t> counts = counts_.to_vector<int64_t>();
  std::vector<double> numbers(counts.begin(), counts.end());
  numbers.push_back(double(scored_));
  numbers.insert(numbers.end(), hits_, hits_ + kTop);
  return state_of(numbers);
}

void Classification::load_state(const std::vector<Tensor>& states) {
  const std::size_t cells = std::size_t(counts_.numel());
  const auto parts = numbers_of("Classification", cells + 1 + kTop, states);
  counts_ = zeros_like(counts_);
  scored_ = 0;
  std::fill(hits_, hits_ + kTop, 0);
  for (const auto& part : parts) {
    for (std::size_t i = 0; i < cells; ++i) counts_.data<int64_t>()[i] += int64_t(part[i]);
    scored_ += int64_t(part[cells]);
    for (std::size_t k = 0; k < kTop; ++k) hits_[k] += int64_t(part[cells + 1 + k]);
  }
}

// --- Regression

void Regression::add(const Tensor& prediction, const Tensor& target) {
  check<ValueError>(prediction.defined() && target.defined() && prediction.sizes() == target.sizes(),
                    "Regression: expected predictions and targets of the same shape, got {} and {}",
                    prediction.defined() ? to_string(prediction.sizes()) : "none", target.defined() ? to_string(target.sizes()) : "none");
  const Tensor p = prediction.detach().to(kFloat64).contiguous(), t = target.detach().to(kFloat64).contiguous();
  for (int64_t i = 0; i < t.numel(); ++i) {
    const double y = t.data<double>()[i], error = p.data<double>()[i] - y, from_mean = y - mean_;
    squared_ += error * error;
    absolute_ += std::fabs(error);
    mean_ += from_mean / double(++count_);
    deviations_ += from_mean * (y - mean_);
  }
}

Tensor Regression::state() const { return state_of({double(count_), squared_, absolute_, mean_, deviations_}); }

// Two parts with n and m targets and means a and b, put together (Chan, Golub and LeVeque 1979): the mean moves by (b - a) m / (n + m), the squared
// deviations from it are those of the parts and (b - a)^2 n m / (n + m).
void Regression::load_state(const std::vector<Tensor>& states) {
  const auto parts = numbers_of("Regression", 5, states);
  reset();
  for (const auto& part : parts) {
    const double n = double(count_), m = part[0], apart = part[3] - mean_;
    if (m == 0) continue;
    count_ += int64_t(m);
    squared_ += part[1];
    absolute_ += part[2];
    mean_ += apart * m / (n + m);
    deviations_ += part[4] + apart * apart * n * m / (n + m);
  }
}

double Regression::mse() const { return ratio(squared_, double(count_), kNaN); }
double Regression::rmse() const { return std::sqrt(mse()); }
double Regression::mae() const { return ratio(absolute_, double(count_), kNaN); }
double Regression::r2() const {
  if (count_ < 2) return kNaN;
  if (deviations_ == 0) return squared_ == 0 ? 1 : 0;  // as scikit-learn: constant targets
  return 1 - squared_ / deviations_;
}

}  // namespace ember::train
