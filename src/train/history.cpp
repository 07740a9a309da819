// The table of a run and its files: CSV as RFC 4180 has it, JSON lines.
#include <ember/train/history.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "error_format.h"
#include "io/file.h"

namespace ember::train {

namespace {

constexpr double kNaN = __builtin_nan("");

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string text = "\"";
  for (const char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

/// The cells of one line; a cell in quotes may hold separators, and quotes twice.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  bool inside = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && inside && i + 1 < line.size() && line[i + 1] == '"') cells.back() += line[i++];
    else if (line[i] == '"') inside = !inside;
    else if (line[i] == ',' && !inside) cells.emplace_back();
    else cells.back() += line[i];
  }
  return cells;
}

template <class T>
bool parse(const std::string& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  io::AtomicFile file(path.string());
  file.write(text);
  file.commit();
}

std::string last_word(const std::string& name) {
  const std::size_t space = name.find_last_of(" _/");
  return space == std::string::npos ? name : name.substr(space + 1);
}

}  // namespace

std::vector<double>& History::column(const std::string& name) {
  for (Column& c : columns_)
    if (c.name == name) return c.values;
  columns_.push_back({name, std::vector<double>(steps_.size(), kNaN)});
  return columns_.back().values;
}

void History::add(std::int64_t step, const Values& values) {
  for (const auto& [name, value] : values)
    check<ValueError>(!name.empty() && name.find_first_of("\r\n") == std::string::npos, "History: expected names of one line, got '{}'", name);
  auto row = std::size_t(std::find(steps_.begin(), steps_.end(), step) - steps_.begin());
  if (row == steps_.size()) {
    steps_.push_back(step);
    for (Column& c : columns_) c.values.push_back(kNaN);
  }
  for (const auto& [name, value] : values) column(name)[row] = value;
}

std::vector<std::string> History::names() const {
  std::vector<std::string> result;
  for (const Column& c : columns_) result.push_back(c.name);
  return result;
}

const std::vector<double>& History::operator[](const std::string& name) const {
  for (const Column& c : columns_)
    if (c.name == name) return c.values;
  std::string known;
  for (const Column& c : columns_) known += (known.empty() ? "'" : ", '") + c.name + "'";
  fail<ValueError>("History: there is no '{}', only {}", name, known.empty() ? "nothing" : known);
}

double History::last(const std::string& name) const {
  const std::vector<double>& values = (*this)[name];
  for (auto v = values.rbegin(); v != values.rend(); ++v)
    if (!std::isnan(*v)) return *v;
  return kNaN;
}

Plot History::plot(const std::string& title, const std::vector<std::string>& names, double smoothing, bool log) const {
  Plot plot(title, {.label = step_name_}, {.label = names.size() == 1 ? names[0] : "", .log = log});
  const std::vector<double> steps(steps_.begin(), steps_.end());
  for (const std::string& name : names.empty() ? this->names() : names) {
    std::vector<double> x, y;  // rows without a value are no gaps: some numbers come every tenth step
    const std::vector<double>& values = (*this)[name];
    for (std::size_t i = 0; i < steps.size(); ++i)
      if (!std::isnan(values[i])) x.push_back(steps[i]), y.push_back(values[i]);
    plot.add({.name = name, .x = std::move(x), .y = std::move(y), .smoothing = smoothing});
  }
  return plot;
}

std::vector<Plot> History::panels() const {
  std::vector<std::vector<std::string>> groups;
  for (const Column& c : columns_) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return last_word(g[0]) == last_word(c.name); });
    if (same == groups.end()) groups.push_back({c.name});
    else same->push_back(c.name);
  }
  std::vector<Plot> plots;
  for (const auto& names : groups) plots.push_back(plot(last_word(names[0]), names));
  return plots;
}

std::string History::csv() const {
  std::string text = quoted(step_name_);
  for (const Column& c : columns_) text += "," + quoted(c.name);
  text += "\n";
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    text += std::to_string(steps_[i]);
    for (const Column& c : columns_) text += std::isnan(c.values[i]) ? "," : fmt::format(",{}", c.values[i]);
    text += "\n";
  }
  return text;
}

std::string History::json_lines() const {
  std::string text;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    nlohmann::ordered_json row = {{step_name_, steps_[i]}};
    for (const Column& c : columns_) {
      if (std::isfinite(c.values[i])) row[c.name] = c.values[i];
      else row[c.name] = nullptr;
    }
    text += row.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  return text;
}

void History::save(const std::string& folder) const {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check<RuntimeError>(!error, "History: cannot make the folder {}: {}", folder, error.message());
  write_file(std::filesystem::path(folder) / "history.csv", csv());
  write_file(std::filesystem::path(folder) / "history.jsonl", json_lines());
  if (!columns_.empty()) write_file(std::filesystem::path(folder) / "history.svg", side_by_side(panels(), std::min(int(panels().size()), 2)));
}

History History::load(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  check<RuntimeError>(bool(file), "History: cannot open {}", path);
  check<RuntimeError>(bool(std::getline(file, line)), "History: {} is empty", path);
  const auto without_return = [](std::string text) { return !text.empty() && text.back() == '\r' ? text.substr(0, text.size() - 1) : text; };
  const std::vector<std::string> header = cells_of(without_return(line));
  History history(header[0]);
  for (std::size_t c = 1; c < header.size(); ++c) history.column(header[c]);
  for (int number = 2; std::getline(file, line); ++number) {
    const std::vector<std::string> cells = cells_of(without_return(line));
    std::int64_t step = 0;
    check<RuntimeError>(cells.size() == header.size() && parse(cells[0], step), "History: {}, line {}: expected a step and {} numbers, got '{}'",
                        path, number, header.size() - 1, line);
    history.add(step, {});
    for (std::size_t c = 1; c < cells.size(); ++c)
      check<RuntimeError>(cells[c].empty() || parse(cells[c], history.column(header[c]).back()), "History: {}, line {}: expected a number, got '{}'",
                          path, number, cells[c]);
  }
  return history;
}

}  // namespace ember::train
