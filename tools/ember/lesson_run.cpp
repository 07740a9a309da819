// Programs of a lesson, and the lesson as plain text.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "lesson.h"

namespace fs = std::filesystem;

namespace {

std::string shell_quoted(const std::string& s) {
  std::string result = "'";
  for (const char c : s) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

/// The folder of the running program, where the others are as well.
fs::path here() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path(".") : self.parent_path();
}

}  // namespace

LessonRun run_program(const std::string& command, const std::string& out_folder) {
  std::istringstream words(command);
  std::string word, line;
  words >> word;
  const fs::path program = here() / word;
  LessonRun run;
  if (!fs::exists(program) || fs::is_directory(program)) {
    run.output = fmt::format("{} is not built: tools/build.sh builds it\n", word);
    return run;
  }
  run.found = true;
  line = shell_quoted(program.string());
  while (words >> word) line += " " + shell_quoted(word);
  const std::string stem = program.filename().string();
  const bool draws = !out_folder.empty() && program.parent_path().filename() == "batch_norm";
  if (draws) line += " --out " + shell_quoted(out_folder);
  std::FILE* const pipe = ::popen((line + " 2>&1 </dev/null").c_str(), "r");
  if (!pipe) {
    run.output = "cannot be started\n";
    run.status = 127;
    return run;
  }
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) run.output.append(buffer, n);
  const int status = ::pclose(pipe);
  run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  if (draws)
    if (std::ifstream svg(fs::path(out_folder) / (stem + ".svg")); svg) {
      std::ostringstream text;
      text << svg.rdbuf();
      run.figure = text.str();
    }
  return run;
}

void print_lesson(const Lesson& lesson) {
  fmt::print("{}\n{}\n", lesson.title, std::string(lesson.title.size(), '='));
  for (const std::string& p : lesson.introduction) fmt::print("\n{}\n", p);
  std::string level;
  for (const LessonItem& item : lesson.items) {
    if (item.level != level) fmt::print("\n-- {} --\n", level = item.level);
    fmt::print("\n{}: {}\n", item.kind == LessonItem::Card ? "Card" : item.kind == LessonItem::Choice ? "Question" : "Free question", item.front);
    char letter = 'a';
    for (const LessonChoice& c : item.choices) fmt::print("  {}) {}{}\n     {}\n", letter++, c.text, c.right ? "   [right]" : "", c.why);
    for (const std::string& concept_ : item.concepts) fmt::print("  [ ] {}\n", concept_);
    for (const std::string& p : item.back) fmt::print("{}{}\n", item.kind == LessonItem::Card ? "" : "Answer: ", p);
    for (const std::string& r : item.runs) fmt::print("run: {}\n", r);
    for (const std::string& s : item.sources) fmt::print("see: {}\n", s);
  }
}
