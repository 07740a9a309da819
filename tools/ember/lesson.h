// A lesson: cards and questions from one Markdown file, whose format lessons/README.md describes.
#pragma once

#include <string>
#include <vector>

struct LessonChoice {
  std::string text, why;
  bool right = false;
};

struct LessonItem {
  enum Kind { Card, Choice, Free } kind = Card;
  std::string level, front;
  std::vector<std::string> back;           ///< paragraphs
  std::vector<LessonChoice> choices;       ///< of a question: exactly one is right
  std::vector<std::string> concepts;       ///< of a free question: what a good answer names
  std::vector<std::string> runs, sources;  ///< programs with arguments; where to read more
};

struct Lesson {
  std::string title;
  std::vector<std::string> introduction;
  std::vector<LessonItem> items;
};

/// Throws ember::RuntimeError "FILE, line N: expected ..., got ...".
Lesson parse_lesson(const std::string& text, const std::string& name);
Lesson read_lesson(const std::string& path);  ///< the one about batch norm when the path is empty

/// What a program of a lesson printed.
struct LessonRun {
  bool found = false;
  int status = 0;
  std::string output;
  std::string figure;  ///< the SVG that it wrote, if any
};
/// Runs "batch_norm/depth --seed 1" from the folder of this program. With a folder, it is given --out and its figure is read.
LessonRun run_program(const std::string& command, const std::string& out_folder = "");

void print_lesson(const Lesson& lesson);  ///< everything, as plain text
int lesson_in_terminal(const Lesson& lesson, bool restart);
std::string lesson_page(const Lesson& lesson, const std::vector<std::pair<std::string, LessonRun>>& runs);

/// Texts that are compiled in: lessons/batch_norm.md and the page's template.
extern const char* const kLessonOfBatchNorm;
extern const char* const kLessonPage;
