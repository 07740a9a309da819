// Tensors as text, the way PyTorch prints them: one format for all elements, long dimensions shortened in the middle.
#include <ember/tensor.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "error_format.h"

namespace ember {

PrintOptions& print_options() {
  static PrintOptions options;
  return options;
}

namespace {

/// How every element of one tensor is written: found by looking at all that will be shown (torch/_tensor_str.py).
class Formatter {
 public:
  explicit Formatter(const std::vector<Scalar>& values) {
    if (values.empty()) return;
    if (values[0].is_floating_point()) choose_real_format(values);
    else
      for (Scalar v : values) width_ = std::max(width_, int(text(v).size()));
  }

  std::string operator()(Scalar v) const { return fmt::format("{:>{}}", text(v), width_); }
  int width() const { return width_; }

 private:
  // Only finite values that are not 0 count. All whole: "3."; a range too wide for fixed digits: scientific.
  void choose_real_format(const std::vector<Scalar>& values) {
    double largest = 0, smallest = INFINITY;
    const auto counts = [](double v) { return std::isfinite(v) && v != 0; };
    for (Scalar s : values) {
      const double v = std::fabs(s.to<double>());
      if (!counts(v)) continue;
      largest = std::max(largest, v);
      smallest = std::min(smallest, v);
      whole_ = whole_ && v == std::ceil(v);
    }
    if (largest == 0) return;
    scientific_ = largest / smallest > 1000. || largest > 1e8 || smallest < 1e-4;
    if (print_options().sci_mode >= 0) scientific_ = print_options().sci_mode == 1;
    for (Scalar s : values)
      if (counts(s.to<double>())) width_ = std::max(width_, int(text(s).size()));
  }

  std::string text(Scalar v) const {
    if (v.is_boolean()) return v.to<bool>() ? "True" : "False";
    if (!v.is_floating_point()) return fmt::format("{}", v.to<int64_t>());
    const double x = v.to<double>();
    if (std::isnan(x)) return "nan";
    if (std::isinf(x)) return x > 0 ? "inf" : "-inf";
    if (scientific_) return fmt::format("{:.{}e}", x, print_options().precision);
    if (whole_) return fmt::format("{:.0f}.", x);
    return fmt::format("{:.{}f}", x, print_options().precision);
  }

  bool whole_ = true, scientific_ = false;
  int width_ = 1;
};

class Printer {
 public:
  explicit Printer(const Tensor& t) : t_(t), shorten_(t.numel() > print_options().threshold), format_(shown_values(t)) {}

  std::string body() const { return format(t_, 0, 7); }

 private:
  // The elements that will be shown decide the format.
  std::vector<Scalar> shown_values(const Tensor& t) const {
    std::vector<Scalar> values;
    collect(t, values);
    return values;
  }
  void collect(const Tensor& t, std::vector<Scalar>& values) const {
    if (t.dim() == 0) return values.push_back(t.item());
    for (int64_t i : shown(t.size(0)))
      if (i >= 0) collect(t.select(0, i), values);
  }

  /// Indices of a dimension that are printed; -1 stands for the dots.
  std::vector<int64_t> shown(int64_t size) const {
    const int64_t edge = print_options().edgeitems;
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < size; ++i) {
      if (shorten_ && size > 2 * edge && i == edge) {
        indices.push_back(-1);
        i = size - edge;
      }
      indices.push_back(i);
    }
    return indices;
  }

  std::string format(const Tensor& t, int depth, int indent) const {
    if (t.dim() == 0) return format_(t.item());
    std::string out = "[";
    if (t.dim() == 1) {
      const int per_line = std::max(1, (print_options().linewidth - indent - depth) / (format_.width() + 2));
      int on_line = 0;
      for (int64_t i : shown(t.size(0))) {
        if (on_line == per_line) out += ",\n" + std::string(std::size_t(indent + depth + 1), ' ');
        else if (out.size() > 1) out += ", ";
        on_line = on_line == per_line ? 1 : on_line + 1;
        out += i < 0 ? " ..." : format_(t.select(0, i).item());
      }
      return out + "]";
    }
    const std::string separator = "," + std::string(std::size_t(t.dim() - 1), '\n') + std::string(std::size_t(indent + depth + 1), ' ');
    bool first = true;
    for (int64_t i : shown(t.size(0))) {
      if (!first) out += separator;
      out += i < 0 ? "..." : format(t.select(0, i), depth + 1, indent);
      first = false;
    }
    return out + "]";
  }

  Tensor t_;
  bool shorten_;
  Formatter format_;
};

}  // namespace

std::string to_string(const Tensor& t) {
  if (!t.defined()) return "undefined";
  const Tensor plain = t.detach();
  std::vector<std::string> suffixes;
  if (t.numel() == 0 && t.dim() != 1) suffixes.push_back(fmt::format("size=({})", fmt::join(t.sizes(), ", ")));
  const bool usual = t.dtype() == get_default_dtype() || (t.numel() && (t.dtype() == kInt64 || t.dtype() == kBool));
  if (!usual) suffixes.push_back(fmt::format("dtype=torch.{}", name(t.dtype())));
  if (!t.is_leaf()) suffixes.push_back(fmt::format("grad_fn=<{}>", t.grad_fn_name()));
  else if (t.requires_grad()) suffixes.push_back("requires_grad=True");

  std::string out = "tensor(" + (t.numel() == 0 ? std::string("[]") : Printer(plain).body());
  std::size_t line = out.size() - (out.rfind('\n') + 1);  // rfind gives npos when there is one line: npos + 1 is 0
  for (const std::string& suffix : suffixes) {
    const bool wraps = int(line + suffix.size() + 2) > print_options().linewidth;
    out += wraps ? ",\n       " + suffix : ", " + suffix;
    line = wraps ? 7 + suffix.size() : line + suffix.size() + 2;
  }
  return out + ")";
}

void print(const Tensor& t) {
  const std::string text = to_string(t) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

std::ostream& operator<<(std::ostream& out, const Tensor& t) { return out << to_string(t); }

std::ostream& operator<<(std::ostream& out, IntArrayRef sizes) { return out << to_string(sizes); }
std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name(dtype); }

}  // namespace ember
