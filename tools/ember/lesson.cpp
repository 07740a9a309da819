// ember lesson: in the terminal, piped, or as a page.
#include "lesson.h"

#include <ember/error.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "commands.h"

namespace fs = std::filesystem;

/// Every program of the lesson, once, in a folder for their figures that is gone afterwards.
static std::vector<std::pair<std::string, LessonRun>> run_all(const Lesson& lesson) {
  std::string folder = (fs::temp_directory_path() / "ember_lesson_XXXXXX").string();
  if (!::mkdtemp(folder.data())) throw ember::RuntimeError(folder + ": cannot be made");
  std::map<std::string, bool> done;
  std::vector<std::pair<std::string, LessonRun>> runs;
  for (const LessonItem& item : lesson.items)
    for (const std::string& command : item.runs) {
      if (!done.emplace(command, true).second) continue;
      fmt::print("lesson: running {}\n", command);
      std::fflush(stdout);
      runs.emplace_back(command, run_program(command, folder));
    }
  std::error_code error;
  fs::remove_all(folder, error);
  return runs;
}

int lesson(const std::string& path, const std::string& html, bool restart) {
  const Lesson lesson = read_lesson(path);
  if (!html.empty()) {
    const std::string page = lesson_page(lesson, run_all(lesson));
    std::ofstream file(html, std::ios::binary);
    file << page;
    file.close();
    if (!file) throw ember::RuntimeError(html + ": cannot be written");
    fmt::print("lesson: wrote {}\n", html);
    return 0;
  }
  if (::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO)) return lesson_in_terminal(lesson, restart);
  print_lesson(lesson);
  return 0;
}
