// The lesson in the terminal, line by line: nothing is drawn that a resized window could break, and any key sequence is an Enter away.
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "lesson.h"

namespace fs = std::filesystem;

namespace {

volatile std::sig_atomic_t resized = 0;

int width() {
  winsize size{};
  const int columns = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  return std::max(24, std::min(columns, 100) - 2);
}

bool coloured() {
  const char* const term = std::getenv("TERM");
  return !std::getenv("NO_COLOR") && term && std::string(term) != "dumb";
}
std::string paint(const char* code, const std::string& text) { return coloured() ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text; }
std::string bold(const std::string& t) { return paint("1", t); }
std::string faint(const std::string& t) { return paint("2", t); }

/// Words in lines no wider than the window, each behind `indent`.
void wrapped(const std::string& text, const std::string& indent = "") {
  std::istringstream words(text);
  std::string word, line;
  const std::size_t room = std::size_t(width()) - indent.size();
  while (words >> word) {
    if (!line.empty() && line.size() + 1 + word.size() > room) {
      fmt::print("{}{}\n", indent, line);
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  fmt::print("{}{}\n", indent, line);
}

/// Where the reader is, and what was answered: a small file of lines "KEY VALUE".
struct Progress {
  std::size_t at = 0;
  std::map<std::size_t, bool> answers;  // of items: right or not

  explicit Progress(const Lesson& lesson) {
    const char* const state = std::getenv("XDG_STATE_HOME");
    const char* const home = std::getenv("HOME");
    if (state && *state) path_ = fs::path(state) / "ember";
    else if (home && *home) path_ = fs::path(home) / ".local/state/ember";
    else return;
    std::string name;
    for (const char c : lesson.title) name += std::isalnum(static_cast<unsigned char>(c)) ? char(std::tolower(c)) : '_';
    path_ /= "lesson_" + name;
  }
  void load(std::size_t items) {
    std::ifstream file(path_);
    std::string key;
    std::size_t item = 0;
    while (file >> key >> item) {
      if (item > items) continue;
      if (key == "at") at = std::min(item, items);
      if (key == "right" || key == "wrong") answers[item] = key == "right";
    }
  }
  void save() const {
    if (path_.empty()) return;
    std::error_code error;
    fs::create_directories(path_.parent_path(), error);
    std::ofstream file(path_.string() + ".new");
    file << "at " << at << "\n";
    for (const auto& [item, right] : answers) file << (right ? "right " : "wrong ") << item << "\n";
    file.close();
    if (file) fs::rename(path_.string() + ".new", path_, error);
  }
  std::size_t right() const {
    std::size_t n = 0;
    for (const auto& [item, is_right] : answers) n += is_right;
    return n;
  }

 private:
  fs::path path_;
};

class Session {
 public:
  Session(const Lesson& lesson, bool restart) : lesson_(lesson), progress_(lesson) {
    if (!restart) progress_.load(lesson.items.size());
  }

  int run() {
    struct sigaction action = {};
    action.sa_handler = [](int) { resized = 1; };
    ::sigaction(SIGWINCH, &action, nullptr);
    fmt::print("{}\n\n", bold(lesson_.title));
    for (const std::string& p : lesson_.introduction) wrapped(p);
    if (progress_.at > 0) fmt::print("\nYou were at {} of {}; `ember lesson --restart` begins anew.\n", progress_.at + 1, lesson_.items.size());
    while (progress_.at < lesson_.items.size()) {
      revealed_ = false;
      if (!item()) return 0;
      progress_.save();
    }
    fmt::print("\n{} ", bold("That was all."));
    score();
    progress_ = Progress(lesson_);
    progress_.save();
    return 0;
  }

 private:
  const LessonItem& here() const { return lesson_.items[progress_.at]; }

  void show() {
    const LessonItem& item = here();
    fmt::print("\n{}\n", faint(fmt::format("-- {} of {}, {} --", progress_.at + 1, lesson_.items.size(), item.level)));
    wrapped(bold(item.front));
    fmt::print("\n");
    if (item.kind == LessonItem::Choice)
      for (std::size_t c = 0; c < item.choices.size(); ++c) wrapped(fmt::format("{}) {}", c + 1, item.choices[c].text), "  ");
    if (revealed_) reveal();
  }

  void reveal() {
    const LessonItem& item = here();
    if (item.kind == LessonItem::Free) {
      fmt::print("A good answer names {}. Which did yours?\n", item.concepts.size());
      for (std::size_t c = 0; c < item.concepts.size(); ++c)
        wrapped(fmt::format("{}) [{}] {}", c + 1, ticked_.count(c) ? 'x' : ' ', item.concepts[c]), "  ");
      fmt::print("\n");
    }
    for (const std::string& p : item.back) wrapped(p);
    for (const std::string& r : item.runs) fmt::print("{}\n", faint("run: " + r));
    for (const std::string& s : item.sources) fmt::print("{}\n", faint("see: " + s));
  }

  void prompt() const {
    const LessonItem& item = here();
    std::string keys;
    if (item.kind == LessonItem::Choice && !revealed_) keys = fmt::format("1-{} answer", item.choices.size());
    else if (!revealed_) keys = item.kind == LessonItem::Card ? "Enter turn the card" : "Enter show a good answer";
    else keys = item.kind == LessonItem::Free ? "numbers tick, Enter next" : "Enter next";
    fmt::print("{} ", faint(fmt::format("[{}{}, n next, b back, p progress, q quit]", keys, item.runs.empty() ? "" : ", run")));
    std::fflush(stdout);
  }

  /// A line from the terminal; false at its end. A resized window shows the card again.
  bool read_line(std::string& line) {
    line.clear();
    for (;;) {
      pollfd waiting{STDIN_FILENO, POLLIN, 0};
      const int ready = ::poll(&waiting, 1, 250);  // a signal just before the call must not wait for a key
      if (resized) {
        resized = 0;
        fmt::print("\n");
        show();
        prompt();
      }
      if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
      char c = 0;
      const ssize_t n = ready > 0 ? ::read(STDIN_FILENO, &c, 1) : 0;
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return !line.empty();
      if (c == '\n') return true;
      if (c != '\r') line += c;
    }
  }

  /// One item until the reader leaves it; false to quit.
  bool item() {
    ticked_.clear();
    show();
    for (;;) {
      prompt();
      std::string line;
      if (!read_line(line) || line == "q" || line == "quit") {
        progress_.save();
        fmt::print("\nUntil next time: `ember lesson` goes on here.\n");
        return false;
      }
      const LessonItem& item = here();
      if (line == "n" || line == "next" || line == "s" || line == "skip" || (line.empty() && revealed_)) {
        ++progress_.at;
        return true;
      }
      if (line == "b" || line == "back") {
        if (progress_.at > 0) --progress_.at;
        return true;
      }
      if (line == "p" || line == "progress") score();
      else if (line == "r" || line == "run") run_all(item);
      else if (line.empty() && item.kind != LessonItem::Choice) turn();
      else if (item.kind == LessonItem::Choice) answer(item, line);
      else if (item.kind == LessonItem::Free && revealed_) tick(item, line);
      else fmt::print("Enter turns the card, q quits.\n");
    }
  }

  void turn() {
    revealed_ = true;
    reveal();
    if (here().kind == LessonItem::Card) return;
    progress_.answers[progress_.at] = false;  // until concepts are ticked
  }

  void answer(const LessonItem& item, const std::string& line) {
    const bool digit = line.size() == 1 && line[0] >= '1' && line[0] <= '9';
    const std::size_t choice = digit ? std::size_t(line[0] - '1') : item.choices.size();
    if (choice >= item.choices.size()) {
      fmt::print("A number from 1 to {}, please.\n", item.choices.size());
      return;
    }
    const LessonChoice& chosen = item.choices[choice];
    fmt::print("{}\n", chosen.right ? paint("32", "Right.") : paint("31", "Not that."));
    wrapped(chosen.why, "  ");
    if (!progress_.answers.count(progress_.at) || progress_.answers[progress_.at])
      progress_.answers[progress_.at] = chosen.right;  // the first answer counts
    progress_.save();
    if (chosen.right) {
      revealed_ = true;
      reveal();
    }
  }

  void tick(const LessonItem& item, const std::string& line) {
    std::istringstream numbers(line);
    std::size_t n = 0;
    bool any = false;
    while (numbers >> n)
      if (n >= 1 && n <= item.concepts.size()) {
        if (!ticked_.erase(n - 1)) ticked_[n - 1] = true;
        any = true;
      }
    if (!any) {
      fmt::print("Numbers from 1 to {}, please: which of these did your answer name?\n", item.concepts.size());
      return;
    }
    fmt::print("{} of {} concepts.\n", ticked_.size(), item.concepts.size());
    progress_.answers[progress_.at] = ticked_.size() == item.concepts.size();
  }

  void run_all(const LessonItem& item) {
    if (item.runs.empty()) fmt::print("This card has no program.\n");
    for (const std::string& command : item.runs) {
      fmt::print("{}\n", faint("$ " + command));
      std::fflush(stdout);
      const LessonRun done = run_program(command);
      fmt::print("{}", done.output);
      if (done.status != 0) fmt::print("(status {})\n", done.status);
    }
  }

  void score() const {
    std::size_t questions = 0;
    for (const LessonItem& item : lesson_.items) questions += item.kind != LessonItem::Card;
    fmt::print("{} of {} seen; {} of {} questions answered, {} right.\n", std::min(progress_.at, lesson_.items.size()), lesson_.items.size(),
               progress_.answers.size(), questions, progress_.right());
  }

  const Lesson& lesson_;
  Progress progress_;
  bool revealed_ = false;
  std::map<std::size_t, bool> ticked_;
};

}  // namespace

int lesson_in_terminal(const Lesson& lesson, bool restart) { return Session(lesson, restart).run(); }
