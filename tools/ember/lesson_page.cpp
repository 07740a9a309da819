// The lesson as one page that loads nothing: the cards as HTML, what Ember computed in them, in the template of lesson_page.html.
#include <fmt/format.h>

#include "lesson.h"
#include "train/markup.h"

namespace {

/// `code` in backquotes becomes <code>.
std::string prose(const std::string& text) {
  std::string result;
  bool code = false;
  for (const char c : ember::escaped(text)) {
    if (c == '`') {
      result += code ? "</code>" : "<code>";
      code = !code;
    } else {
      result += c;
    }
  }
  return code ? result + "</code>" : result;
}

/// A picture inside of the page: its own document, so that its styles stay its own and follow the reader's colours.
std::string picture(const std::string& svg, const std::string& what) {
  std::string data;
  for (const char c : svg) {
    if (c == '%' || c == '#' || c == '"' || c == '<' || c == '>' || c == '&' || c == '\n' || static_cast<unsigned char>(c) > 126)
      data += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else data += c;
  }
  return fmt::format("<div class=\"picture\" tabindex=\"0\"><img alt=\"figure of {}\" src=\"data:image/svg+xml;charset=utf-8,{}\"></div>\n",
                     ember::escaped(what), data);
}

std::string paragraphs(const std::vector<std::string>& texts) {
  std::string html;
  for (const std::string& p : texts) html += fmt::format("<p>{}</p>\n", prose(p));
  return html;
}

std::string programs(const LessonItem& item, const std::vector<std::pair<std::string, LessonRun>>& runs) {
  std::string html;
  for (const std::string& command : item.runs)
    for (const auto& [name, run] : runs)
      if (name == command)
        html += fmt::format("<details><summary>run <code>{}</code></summary>\n{}<pre tabindex=\"0\">{}</pre></details>\n", ember::escaped(command),
                            run.figure.empty() ? "" : picture(run.figure, command), ember::escaped(run.output));
  for (const std::string& source : item.sources) html += fmt::format("<p class=\"see\">See {}.</p>\n", ember::escaped(source));
  return html;
}

std::string card(const LessonItem& item, std::size_t number, const std::string& back) {
  return fmt::format(
      "<h3><button type=\"button\" class=\"turn\" aria-expanded=\"false\" aria-controls=\"back-{0}\">{1}</button></h3>\n"
      "<div class=\"back\" id=\"back-{0}\" hidden>\n{2}</div>\n",
      number, prose(item.front), back);
}

std::string shown(const LessonItem& item, std::size_t number, const std::vector<std::pair<std::string, LessonRun>>& runs) {
  const std::string below = programs(item, runs);
  if (item.kind == LessonItem::Card)
    return fmt::format("<article class=\"item\"><p class=\"kind\">card</p>\n{}</article>\n", card(item, number, paragraphs(item.back) + below));
  if (item.kind == LessonItem::Free) {
    std::string boxes;
    for (const std::string& text : item.concepts) boxes += fmt::format("<li><label><input type=\"checkbox\"> {}</label></li>\n", prose(text));
    const std::string back = fmt::format(
        "<p>Which of these did your answer name? <span class=\"named\" role=\"status\">0 of {} concepts</span></p>\n<ul "
        "class=\"concepts\">{}</ul>\n{}{}",
        item.concepts.size(), boxes, paragraphs(item.back), below);
    return fmt::format("<article class=\"item\" data-question data-free><p class=\"kind\">question: answer it aloud, then turn</p>\n{}</article>\n",
                       card(item, number, back));
  }
  std::string choices;
  for (const LessonChoice& c : item.choices)
    choices += fmt::format("<li><button type=\"button\" data-right=\"{}\">{}</button><p class=\"why\" role=\"status\" hidden><b>{}</b> {}</p></li>\n",
                           c.right ? "yes" : "no", prose(c.text), c.right ? "Right." : "Not that.", prose(c.why));
  return fmt::format(
      "<article class=\"item\" data-question data-choice><p class=\"kind\">question</p>\n<h3>{}</h3>\n<ul class=\"choices\">{}</ul>\n<div "
      "class=\"back\" hidden>{}{}</div></article>\n",
      prose(item.front), choices, paragraphs(item.back), below);
}

}  // namespace

std::string lesson_page(const Lesson& lesson, const std::vector<std::pair<std::string, LessonRun>>& runs) {
  std::string items, level;
  for (std::size_t i = 0; i < lesson.items.size(); ++i) {
    if (lesson.items[i].level != level) items += fmt::format("<h2>{}</h2>\n", ember::escaped(level = lesson.items[i].level));
    items += shown(lesson.items[i], i, runs);
  }
  std::string page = kLessonPage;
  const std::pair<const char*, std::string> parts[] = {
      {"{{TITLE}}", ember::escaped(lesson.title)}, {"{{INTRODUCTION}}", paragraphs(lesson.introduction)}, {"{{ITEMS}}", items}};
  for (const auto& [name, text] : parts)
    for (std::size_t at = page.find(name); at != std::string::npos; at = page.find(name, at + text.size()))
      page.replace(at, std::string(name).size(), text);
  return page;
}
