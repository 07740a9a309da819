// ember inspect: what a file holds.
#include <ember/ember.h>
#include <ember/io/contents.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <unordered_map>
#include <vector>

#include "commands.h"
#include "io/utf8.h"
#include "sha256.h"
#include "statistics.h"
#include "tensors.h"

using namespace ember;

namespace {

/// What is no UTF-8 becomes U+FFFD; a lone surrogate, which Python's strings may hold, its escape.
std::string json_string(const std::string& text) {
  std::string out = "\"";
  for (std::size_t at = 0, length; at < text.size(); at += std::max<std::size_t>(length, 1)) {
    length = io::character_length(text, at);
    const unsigned char c = static_cast<unsigned char>(text[at]);
    if (length == 0) out += "\\ufffd";
    else if (c == '"' || c == '\\') out += {'\\', text[at]};
    else if (c < 0x20) out += fmt::format("\\u{:04x}", c);
    else if (c == 0xed && (text[at + 1] & 0x20)) out += fmt::format("\\ud{:03x}", (text[at + 1] & 0x3f) << 6 | (text[at + 2] & 0x3f));
    else out += text.substr(at, length);
  }
  return out + '"';
}

std::string shape_text(const Tensor& t) { return fmt::format("{}", fmt::join(t.sizes().begin(), t.sizes().end(), ", ")); }

void print_json(const FileContents& file, const std::vector<Named>& tensors) {
  fmt::print("{{\"tensors\": [");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i].tensor;
    const std::string bytes = file.bytes_in_file(t);
    fmt::print("{}{{\"name\": {}, \"dtype\": \"{}\", \"shape\": [{}], \"sha256\": \"{}\"}}", i ? ", " : "", json_string(tensors[i].name),
               file.dtype_in_file(t), shape_text(t), sha256(bytes.data(), std::int64_t(bytes.size())));
  }
  fmt::print("]}}\n");
}

/// Bold and red on a terminal whose user did not ask for none (no-color.org).
class Colours {
 public:
  std::string bold(const std::string& text) const { return wrap("1", text); }
  std::string red(const std::string& text) const { return wrap("31", text); }

 private:
  std::string wrap(const char* code, const std::string& text) const { return on_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text; }
  bool on_ = isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR");
};

void print_table(const FileContents& file, const std::vector<Named>& tensors, const Colours& colours) {
  std::size_t width = 4, shape_width = 5, type_width = 7;
  for (const Named& t : tensors) {
    width = std::max(width, t.name.size());
    shape_width = std::max(shape_width, shape_text(t.tensor).size() + 2);
    type_width = std::max(type_width, std::string_view(file.dtype_in_file(t.tensor)).size());
  }
  fmt::print("{}\n", colours.bold(fmt::format("{:<{}}  {:<{}} {:>{}} {:>11} {:>11} {:>11} {:>11} {:>11} {:>6} {:>6}", "name", width, "dtype",
                                              type_width, "shape", shape_width, "bytes", "mean", "std", "min", "max", "NaN", "inf")));
  std::int64_t elements = 0, bytes = 0;
  for (const auto& [name, t] : tensors) {
    const std::int64_t size = file.size_in_file(t);
    elements += t.numel();
    bytes += size;
    std::string line = fmt::format("{:<{}}  {:<{}} {:>{}} {:>11}", printable(name), width, file.dtype_in_file(t), type_width,
                                   "(" + shape_text(t) + ")", shape_width, size);
    const Statistics s = statistics(t);
    if (s.finite > 0) line += fmt::format(" {:>11.4g} {:>11.4g} {:>11.4g} {:>11.4g}", s.mean, s.std, s.min, s.max);
    else line += fmt::format(" {:>11} {:>11} {:>11} {:>11}", "-", "-", "-", "-");
    for (const std::int64_t count : {s.nan, s.infinite}) {
      const std::string text = fmt::format(" {:>6}", count);
      line += count > 0 ? colours.red(text) : text;
    }
    fmt::print("{}\n", line);
  }
  fmt::print("{} tensors, {} elements, {} bytes; mean, std, min and max are those of the finite values\n", tensors.size(), elements, bytes);
}

/// Running statistics of batch norms at a glance, with a remark on what usually goes wrong with them.
void print_batch_norms(const std::vector<Named>& tensors, const Colours& colours) {
  std::unordered_map<std::string, Tensor> by_name;
  for (const auto& [name, t] : tensors) by_name[name] = t;
  const std::string ending = "running_mean";
  bool first = true;
  for (const auto& [name, mean] : tensors) {
    if (!name.ends_with(ending)) continue;
    const std::string prefix = name.substr(0, name.size() - ending.size());
    const Tensor var = by_name[prefix + "running_var"], batches = by_name[prefix + "num_batches_tracked"];
    if (!var.defined() || var.numel() == 0 || mean.numel() == 0) continue;
    if (std::exchange(first, false)) fmt::print("\n{}\n", colours.bold("batch norms: running statistics"));
    const Statistics m = statistics(mean), v = statistics(var);
    const std::int64_t seen = batches.defined() && batches.numel() == 1 ? batches.item<std::int64_t>() : -1;
    const char* remark = m.nan + m.infinite + v.nan + v.infinite > 0 ? "NaN or infinity: a batch diverged"
                         : v.min < 0                                 ? "a negative variance"
                         : seen == 0                                 ? "no batch was seen: eval() uses the initial values"
                         : v.min < 1e-10                             ? "a channel that never varies"
                                                                     : "";
    fmt::print("  {:<24} channels {:>4}  mean {:.3g} .. {:.3g}  variance {:.3g} .. {:.3g}  batches {}{}\n",
               prefix.empty() ? "(root)" : printable(prefix.substr(0, prefix.size() - 1)), mean.numel(), m.min, m.max, v.min, v.max,
               seen < 0 ? "?" : std::to_string(seen), *remark ? colours.red(fmt::format("  {}", remark)) : "");
  }
}

}  // namespace

int inspect(const std::string& path, const InspectOptions& options) {
  const FileContents file = read_file(path, {.convert = true, .skip_unreadable = options.skip_unreadable});
  const std::vector<Named> tensors = tensors_of(file.value, path);
  if (options.json) {
    print_json(file, tensors);
  } else {
    const Colours colours;
    print_table(file, tensors, colours);
    print_summary(file, tensors);
    print_batch_norms(tensors, colours);
  }
  return 0;
}
