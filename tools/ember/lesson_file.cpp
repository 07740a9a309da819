// The reader of lesson files.
#include <ember/error.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "lesson.h"

namespace {

bool starts_with(const std::string& line, const char* prefix) { return line.rfind(prefix, 0) == 0; }
std::string trimmed(const std::string& s) {
  const std::size_t first = s.find_first_not_of(" \t\r"), last = s.find_last_not_of(" \t\r");
  return first == std::string::npos ? "" : s.substr(first, last - first + 1);
}

/// Line by line; what belongs together is joined.
class Reader {
 public:
  Reader(const std::string& text, const std::string& name) : lines_(text), name_(name) {}

  Lesson read() {
    std::string line;
    while (std::getline(lines_, line)) {
      ++number_;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      take(line);
    }
    finish_item();
    if (lesson_.title.empty()) refuse("\"# Title\"", "the end of the file");
    if (lesson_.items.empty()) refuse("a \"### Card:\" or a question", "the end of the file");
    return lesson_;
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& got) const {
    throw ember::RuntimeError(fmt::format("{}, line {}: expected {}, got {}", name_, number_, expected, got));
  }

  void take(const std::string& line) {
    if (lesson_.title.empty()) {
      if (trimmed(line).empty()) return;
      if (!starts_with(line, "# ") || trimmed(line.substr(2)).empty()) refuse("\"# Title\"", '"' + line + '"');
      lesson_.title = trimmed(line.substr(2));
    } else if (starts_with(line, "### ")) {
      begin_item(line);
    } else if (starts_with(line, "## ")) {
      finish_item();
      level_ = trimmed(line.substr(3));
    } else if (starts_with(line, "#")) {
      refuse("\"## Level\" or \"### Card:\", \"### Question:\", \"### Free question:\"", '"' + line + '"');
    } else if (starts_with(line, "run: ") || starts_with(line, "see: ")) {
      if (!in_item_) refuse("a card before it", '"' + line + '"');
      (line[0] == 'r' ? item_.runs : item_.sources).push_back(trimmed(line.substr(5)));
      ends_paragraph_ = true;
    } else if (starts_with(line, "- [")) {
      take_choice(line);
    } else if (starts_with(line, "  ") && in_choice_ && !trimmed(line).empty()) {
      std::string& why = item_.choices.back().why;
      why += (why.empty() ? "" : " ") + trimmed(line);
    } else if (trimmed(line).empty()) {
      ends_paragraph_ = true;
      in_choice_ = false;
    } else {
      std::vector<std::string>& text = in_item_ ? item_.back : lesson_.introduction;
      if (ends_paragraph_ || text.empty()) text.push_back(trimmed(line));
      else text.back() += " " + trimmed(line);
      ends_paragraph_ = in_choice_ = false;
    }
  }

  void begin_item(const std::string& line) {
    finish_item();
    const std::pair<const char*, LessonItem::Kind> kinds[] = {
        {"### Card: ", LessonItem::Card}, {"### Question: ", LessonItem::Choice}, {"### Free question: ", LessonItem::Free}};
    for (const auto& [prefix, kind] : kinds)
      if (starts_with(line, prefix)) {
        item_ = {};
        item_.kind = kind;
        item_.level = level_;
        item_.front = trimmed(line.substr(std::string(prefix).size()));
        in_item_ = ends_paragraph_ = true;
        began_ = number_;
        return;
      }
    refuse("\"### Card: \", \"### Question: \" or \"### Free question: \"", '"' + line + '"');
  }

  void take_choice(const std::string& line) {
    if (!in_item_ || item_.kind == LessonItem::Card) refuse("a question before it", '"' + line + '"');
    const bool right = starts_with(line, "- [x] ");
    if (!right && !starts_with(line, "- [ ] ")) refuse("\"- [ ] \" or \"- [x] \"", '"' + line + '"');
    const std::string text = trimmed(line.substr(6));
    if (item_.kind == LessonItem::Free) item_.concepts.push_back(text);
    else item_.choices.push_back({text, "", right});
    in_choice_ = item_.kind == LessonItem::Choice;
  }

  void finish_item() {
    if (!in_item_) return;
    const int here = std::exchange(number_, began_);  // what is missing is missing in the item, not where the next one begins
    int right = 0;
    for (const LessonChoice& choice : item_.choices) right += choice.right;
    if (item_.kind == LessonItem::Choice && (right != 1 || item_.choices.size() < 2))
      refuse("two choices or more, exactly one of them \"- [x]\"", fmt::format("{} with {} right", item_.choices.size(), right));
    if (item_.kind == LessonItem::Free && item_.concepts.empty()) refuse("\"- [ ] \" and a concept", "none");
    if (item_.kind != LessonItem::Choice && item_.back.empty()) refuse("text below the heading", "none");
    number_ = here;
    lesson_.items.push_back(item_);
    in_item_ = in_choice_ = false;
  }

  std::istringstream lines_;
  std::string name_, level_;
  int number_ = 0, began_ = 0;
  bool in_item_ = false, in_choice_ = false, ends_paragraph_ = true;
  LessonItem item_;
  Lesson lesson_;
};

}  // namespace

Lesson parse_lesson(const std::string& text, const std::string& name) { return Reader(text, name).read(); }

Lesson read_lesson(const std::string& path) {
  if (path.empty()) return parse_lesson(kLessonOfBatchNorm, "lessons/batch_norm.md");
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad() || !file.is_open() || std::filesystem::is_directory(path)) throw ember::RuntimeError(path + ": cannot be read");
  return parse_lesson(text, path);
}
