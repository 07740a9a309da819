// The gradcheck table: each row is an operation with the shapes of its inputs; every row goes through gradcheck and gradgradcheck in
// float64, and has the same gradients whether they are recorded or not, with contiguous inputs, with inputs whose dimensions lie in
// reversed order in memory, and with gaps between elements.
#pragma once

#include <ember/ember.h>
#include <ember/gradcheck.h>

#include <functional>
#include <random>

#include "support/catch.h"
#include "support/close.h"

namespace ember {

struct GradcheckRow {
  std::string name;
  std::function<Tensor(const std::vector<Tensor>&)> function;
  std::vector<std::vector<int64_t>> shapes;  // of each input
  double low = -1, high = 1;                 // values are uniform between these, and pairwise at least 1e-3 apart
  bool second_order = true;
};

enum class Layout { Contiguous, Transposed, Strided };

/// Values spread evenly and shuffled: no ties, none within 1e-3 of 0.
inline Tensor spread_values(const std::vector<int64_t>& sizes, double low, double high, unsigned seed) {
  Tensor t = empty(sizes, kFloat64);
  std::vector<double> values;
  const int64_t n = t.numel();
  for (int64_t i = 0; i < n; ++i) {
    double v = low + (high - low) * (double(i) + 0.37) / double(n);
    if (v > -2e-3 && v < 2e-3) v = 3e-3;
    values.push_back(v);
  }
  std::mt19937 random(seed);
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random() % i]);
  for (int64_t i = 0; i < n; ++i) t.data<double>()[i] = values[std::size_t(i)];
  return t;
}

inline Tensor laid_out(const Tensor& values, Layout layout) {
  if (layout == Layout::Transposed) return values.T().contiguous().T();
  if (layout == Layout::Strided && values.dim() > 0) {
    std::vector<int64_t> wide(values.sizes().begin(), values.sizes().end());
    wide.back() *= 2;
    const Tensor gaps = full(wide, 7.0, kFloat64).slice(-1, 0, Slice::None, 2);
    gaps.copy_(values);
    return gaps;
  }
  return values;
}

/// A backward that is recorded goes by basic operations where the other one has a loop: both are the same function.
inline void check_recorded_gradients(const Tensor& y, const std::vector<Tensor>& inputs) {
  const std::vector<Tensor> dy{spread_values({y.sizes().begin(), y.sizes().end()}, -1, 1, 9).to(y.dtype())};
  const std::vector<Tensor> plain = autograd::grad({y}, inputs, dy, {.retain_graph = true, .allow_unused = true});
  const std::vector<Tensor> recorded = autograd::grad({y}, inputs, dy, {.create_graph = true, .allow_unused = true});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    REQUIRE(plain[i].defined() == recorded[i].defined());
    if (plain[i].defined()) CHECK_THAT(recorded[i].detach(), is_close(plain[i], 1e-9, 1e-11));
  }
}

inline void run_gradcheck(const GradcheckRow& row) {
  for (const Layout layout : {Layout::Contiguous, Layout::Transposed, Layout::Strided}) {
    INFO(row.name << ", layout " << int(layout));
    std::vector<Tensor> inputs;
    for (const auto& shape : row.shapes)
      inputs.push_back(laid_out(spread_values(shape, row.low, row.high, unsigned(inputs.size()) + 1), layout).detach().requires_grad_());
    const auto function = [&](const std::vector<Tensor>& in) { return std::vector<Tensor>{row.function(in)}; };
    CHECK_NOTHROW(autograd::gradcheck(function, inputs));
    if (!row.second_order) continue;
    CHECK_NOTHROW(autograd::gradgradcheck(function, inputs));
    check_recorded_gradients(row.function(inputs), inputs);
  }
}

inline void run_gradchecks(const std::vector<GradcheckRow>& rows) {
  for (const GradcheckRow& row : rows) run_gradcheck(row);
}

}  // namespace ember
