// A line that is written over itself on a terminal, and a few plain lines elsewhere.
#include <ember/train/progress.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "error_format.h"

namespace ember::train {

namespace {

using Clock = std::chrono::steady_clock;

std::string clock_text(double seconds) {
  if (!(seconds < 360000)) return "--:--";
  const auto whole = std::int64_t(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{:02}:{:02}", whole / 60, whole % 60);
}

std::string rate_text(double rate) {
  return rate >= 100 ? fmt::format("{:.0f}/s", rate) : rate >= 1 ? fmt::format("{:.1f}/s", rate) : fmt::format("{:.1f} s each", 1 / rate);
}

/// `cells` columns, in eighths of a column.
std::string bar_text(double part, int cells) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = std::clamp(int(part * cells * 8 + 0.5), 0, cells * 8);
  std::string text;
  for (int i = 0; i < eighths / 8; ++i) text += "█";
  text += kEighths[eighths % 8];
  text.append(std::size_t(cells - (eighths + 7) / 8), ' ');
  return text;
}

std::size_t columns_of(const std::string& utf8) {
  return std::size_t(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cut(const std::string& text, std::size_t columns) {
  if (columns_of(text) <= columns) return text;
  std::size_t bytes = 0, seen = 0;
  for (; bytes < text.size(); ++bytes)
    if ((text[bytes] & 0xC0) != 0x80 && seen++ == columns) break;
  return text.substr(0, bytes);
}

bool is_set(const char* variable) {
  const char* const value = std::getenv(variable);
  return value && *value;
}

}  // namespace

struct Progress::State {
  std::int64_t total, done = 0;
  ProgressOptions options;
  bool terminal, colours, finished = false, drawn = false;
  Values values;
  Clock::time_point begin = Clock::now(), last_drawing = begin - std::chrono::hours(1);

  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin).count(); }

  void write(const std::string& text) const {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t written = ::write(options.fd, text.data() + at, text.size() - at);
      if (written <= 0) return;
      at += std::size_t(written);
    }
  }

  std::size_t width() const {
    winsize size{};
    if (::ioctl(options.fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
  }

  std::string counts() const {
    const double passed = seconds(), rate = double(done) / std::max(passed, 1e-9);
    std::string text = total > 0 ? fmt::format("{}/{}", done, total) : fmt::format("{}", done);
    text += "  " + clock_text(passed);
    if (!finished && total > 0) text += "<" + (done ? clock_text(double(total - done) / rate) : std::string("--:--"));
    if (done) text += "  " + rate_text(rate);
    return text;
  }

  std::string values_text() const {
    std::string text;
    for (const auto& [name, value] : values) text += fmt::format("  {} {:.4g}", name, value);
    return text;
  }

  std::string percent() const { return total > 0 ? fmt::format("{:3.0f}%", 100.0 * double(done) / double(total)) : ""; }
  std::string label() const { return options.label.empty() ? "" : options.label + "  "; }

  /// The bar takes what the rest leaves. The last column stays free: a terminal that wraps there would scroll. The line that stays at the
  /// end is not cut: it holds the results.
  std::string bar_line() const {
    const std::size_t columns = width() - std::min<std::size_t>(width(), 1);
    const std::string before = label() + percent(), after = counts() + values_text();
    const std::size_t text = columns_of(before) + columns_of(after) + 2;
    const int cells = total > 0 ? int(std::min<std::size_t>(columns > text ? columns - text - 1 : 0, 40)) : 0;
    if (cells < 4) return cut(before + (before.empty() ? "" : "  ") + after, finished ? std::string::npos : columns);
    const std::string bar = bar_text(double(done) / double(total), cells);
    return before + " " + (colours ? "\x1b[36m" + bar + "\x1b[0m" : bar) + "  " + after;
  }
  std::string plain_line() const { return label() + percent() + (total > 0 ? "  " : "") + counts() + values_text(); }

  /// One write: what is behind the new line is erased after it is written, so nothing flickers.
  void draw() {
    write("\r" + bar_line() + "\x1b[K");
    drawn = true;
    last_drawing = Clock::now();
  }

  void merge(const Values& more) {
    for (const auto& [name, value] : more) {
      const auto same = std::find_if(values.begin(), values.end(), [&, n = &name](const auto& v) { return v.first == *n; });
      if (same == values.end()) values.emplace_back(name, value);
      else same->second = value;
    }
  }

  /// Plain lines come at equal parts of the loop; of one whose end is unknown, every ten seconds.
  bool line_is_due(std::int64_t before) const {
    if (options.lines < 1) return false;
    if (total <= 0) return std::chrono::duration<double>(Clock::now() - last_drawing).count() >= 10;
    return done < total && done * options.lines / total != before * options.lines / total;
  }
};

Progress::Progress(std::int64_t total, ProgressOptions options) {
  check<ValueError>(total >= 0, "Progress: expected a total of 0 (unknown) or more, got {}", total);
  check<ValueError>(options.interval >= 0, "Progress: expected an interval of 0 or more seconds, got {}", options.interval);
  const char* const kind = std::getenv("TERM");
  const bool terminal = ::isatty(options.fd) == 1 && !(kind && std::strcmp(kind, "dumb") == 0);
  state_ = std::make_unique<State>(State{total, 0, std::move(options), terminal, terminal && !is_set("NO_COLOR"), false, false, {}});
  if (state_->terminal) state_->draw();
  else if (total == 0) state_->last_drawing = state_->begin;
}

Progress::~Progress() { finish(); }

void Progress::step(const Values& values) { advance(1, values); }

void Progress::advance(std::int64_t steps, const Values& values) {
  State& s = *state_;
  if (s.finished) return;
  const std::int64_t before = s.done;
  s.done += steps;
  s.merge(values);
  if (s.terminal) {
    if (std::chrono::duration<double>(Clock::now() - s.last_drawing).count() >= s.options.interval) s.draw();
  } else if (s.line_is_due(before)) {
    s.write(s.plain_line() + "\n");
    s.last_drawing = Clock::now();
  }
}

void Progress::say(const std::string& text) {
  if (!state_->terminal || state_->finished) return state_->write(text + "\n");
  state_->write("\r\x1b[K" + text + "\n");
  state_->draw();
}

void Progress::finish(const Values& values) {
  State& s = *state_;
  if (s.finished) return;
  s.merge(values);
  s.finished = true;
  if (s.terminal) {
    s.draw();
    s.write("\n");
  } else {
    s.write(s.plain_line() + "\n");
  }
}

double Progress::seconds() const { return state_->seconds(); }
std::int64_t Progress::done() const { return state_->done; }

}  // namespace ember::train
