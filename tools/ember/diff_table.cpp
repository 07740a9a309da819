// The report on a terminal.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "diff_trace.h"

namespace {

constexpr int kWidth = 24, kTolerance = 9;  // of a bar; where the tolerance stands
constexpr double kDecades = 3;              // left of it

/// The error on a logarithmic scale, 3 decades below the tolerance to 5 above, in eighths of a character.
std::string bar(double ratio) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double position = ratio > 0 ? (std::min(std::log10(ratio), 5.0) + kDecades) / kDecades * kTolerance : 0;
  const int eighths = std::clamp(int(std::lround(position * 8)), ratio > 0 ? 1 : 0, kWidth * 8);
  std::string text;
  int column = 0;
  for (; column < eighths / 8; ++column) text += "█";
  if (eighths % 8) text += kEighths[eighths % 8], ++column;
  for (; column < kWidth; ++column) text += column == kTolerance ? "│" : " ";
  return text;
}

struct Colours {
  bool on = isatty(STDOUT_FILENO) != 0 && !wanted_none();
  static bool wanted_none() {  // https://no-color.org
    const char* const text = std::getenv("NO_COLOR");
    return text && *text;
  }
  std::string paint(const char* code, const std::string& text) const { return on ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text; }
  std::string bold(const std::string& text) const { return paint("1", text); }
  std::string dim(const std::string& text) const { return paint("2", text); }
  std::string verdict(bool good, const std::string& text) const { return paint(good ? "32" : "31", text); }
};

std::string part_text(double distance) { return distance == 0 ? "0" : distance >= 10 ? "∞" : fmt::format("{:.0e}", distance); }

std::string where_text(const Layer& layer) {
  if (layer.since) return fmt::format("since step {}: {}", layer.since->step, layer.since->what);
  return layer.worst.ratio == 0 ? "equal" : fmt::format("{}, step {}", layer.worst.what, layer.worst.step);
}

}  // namespace

void print_comparison(const Comparison& c) {
  const Colours colours;
  const std::size_t names = std::max(c.a.file.size(), c.b.file.size());
  for (const TracedRun* run : {&c.a, &c.b}) fmt::print("{:<{}}  {}, {} steps\n", run->file, names, run->framework, run->count);
  fmt::print("compared: {}\n", summary(c));
  for (const std::string& note : c.notes) fmt::print("note: {}\n", note);

  const std::string verdict = c.first ? "first divergence: " + headline(c) : headline(c);
  fmt::print("\n{}\n", colours.bold(colours.verdict(!c.first, verdict)));
  if (c.first) fmt::print("  {}\n", measure(*c.first));
  for (const std::string& line : explanation(c)) fmt::print("  {}\n", line);

  std::size_t path = 5, type = 6;
  for (const Layer& l : c.layers) {
    path = std::max(path, l.path.size());
    type = std::max(type, (l.a ? l.a : l.b)->type.size());
  }
  const std::string tolerance = std::string(kTolerance, ' ') + "│ the tolerance";
  fmt::print("\n{}\n", colours.dim(fmt::format("{:<{}}  {:<{}}  {:>6}  {:>7}  {:<{}}  {}", "layer", path, "module", type, "apart", "x tol.",
                                               tolerance, kWidth, "where")));
  for (const Layer& l : c.layers) {
    const bool good = l.worst.ratio <= 1, first = c.first && c.first->path == l.path;
    const std::string apart = l.distance == 0 && !std::isfinite(l.worst.ratio) ? "—" : part_text(l.distance);  // nothing to compare
    fmt::print("{:<{}}  {:<{}}  {:>6}  {:>7}  {}  {}{}\n", l.path, path, (l.a ? l.a : l.b)->type, type, apart, ratio_text(l.worst.ratio),
               colours.verdict(good, bar(l.worst.ratio)), where_text(l), first ? colours.bold("  ◀ first") : "");
  }
  fmt::print("\n{} of {} arrays are farther apart than what came before them explains\n", grouped(c.diverging), grouped(c.arrays));
}
