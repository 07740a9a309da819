// ember diff: two traces, or the weights in two files of any format, tensor by tensor.
#include <ember/ember.h>
#include <ember/io/contents.h>
#include <fmt/format.h>

#include <cmath>

#include "commands.h"
#include "diff_measure.h"
#include "diff_trace.h"
#include "tensors.h"

using namespace ember;

namespace {

double element(const Tensor& t, int64_t index) { return t.reshape({-1}).select(0, index).item<double>(); }

/// "float16 (64, 10)": the type of the file, not the one that it was widened to.
std::string text_in_file(const FileContents& file, const Tensor& t) {
  return fmt::format("{} ({})", file.dtype_in_file(t), fmt::join(t.sizes().begin(), t.sizes().end(), ", "));
}

/// What there is to say about one name that both have; nothing when they are equal within the tolerance.
std::string difference(const FileContents& file_a, const Tensor& a, const FileContents& file_b, const Tensor& b, double rtol, double atol) {
  const std::string type_a = text_in_file(file_a, a), type_b = text_in_file(file_b, b);
  if (type_a != type_b) return fmt::format("{} against {}", type_a, type_b);
  if (a.numel() == 0) return "";
  const Tensor u = a.to(kFloat64), v = b.to(kFloat64);
  const Tensor differs = isclose(u, v, rtol, atol, true).logical_not();
  const int64_t count = differs.sum().item<int64_t>();
  if (count == 0) return "";
  // An infinity or a NaN on one side only is the largest difference of all.
  const Tensor distance = nan_to_num((u - v).abs(), INFINITY).masked_fill(differs.logical_not(), -1);
  const int64_t worst = distance.argmax().item<int64_t>();
  const std::vector<int64_t> index = position(a, worst);
  return fmt::format("{} of {} differ, at most by {:.3g}: {:.9g} against {:.9g} at [{}]", count, a.numel(), element(distance, worst),
                     element(u, worst), element(v, worst), fmt::join(index.begin(), index.end(), ", "));
}

int diff_weights(const std::string& path_a, const std::string& path_b, const DiffRequest& options) {
  const FileContents file_a = read_file(path_a), file_b = read_file(path_b);
  const nn::StateDict a = flat(file_a.value, path_a), b = flat(file_b.value, path_b);
  const double rtol = options.rtol < 0 ? 1e-5 : options.rtol, atol = options.atol < 0 ? 1e-8 : options.atol;
  int64_t different = 0, equal = 0;
  for (const auto& [name, tensor] : a) {
    const Tensor* other = b.find(name);
    const std::string text = other ? difference(file_a, tensor, file_b, *other, rtol, atol) : "only in " + path_a;
    ++(text.empty() ? equal : different);
    if (!text.empty()) fmt::print("{}: {}\n", printable(name), text);
  }
  for (const auto& [name, tensor] : b) {
    if (a.contains(name)) continue;
    ++different;
    fmt::print("{}: only in {}\n", printable(name), path_b);
  }
  fmt::print("{} equal, {} different\n", equal, different);
  return different == 0 ? 0 : 1;
}

}  // namespace

int diff(const std::string& path_a, const std::string& path_b, const DiffRequest& options) {
  const LoadFileOptions mapped{.convert = true, .mmap = true};  // a trace may be larger than the memory
  const Value a = load(path_a, mapped), b = load(path_b, mapped);
  const bool traces = is_trace(a);
  if (traces != is_trace(b)) throw ValueError(fmt::format("{} is a trace of a run, {} is not", traces ? path_a : path_b, traces ? path_b : path_a));
  if (!traces) {
    if (!options.html.empty()) throw ValueError("--html is for traces: these files hold weights");
    return diff_weights(path_a, path_b, options);
  }
  const TracedRun run_a(path_a, a);
  TracedRun run_b(path_b, b);
  std::vector<std::string> paired;
  pair_modules(run_a, run_b, options.renames, paired);
  Comparison comparison = compare_traces(run_a, run_b, options);
  comparison.notes.insert(comparison.notes.begin(), paired.begin(), paired.end());
  if (comparison.arrays == 0) throw ValueError(fmt::format("{} and {}: nothing was compared: the traces have no array in common", path_a, path_b));
  if (!options.html.empty()) write_page(comparison, options.html);  // before the table, which a pipe may cut off
  print_comparison(comparison);
  return comparison.first ? 1 : 0;
}
