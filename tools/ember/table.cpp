// ember table: what a table of a text file holds.
#include <ember/data/table.h>
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "commands.h"

using namespace ember;

namespace {

struct Numbers {
  double mean = NAN, std = NAN, min = NAN, max = NAN;
};

/// Of the cells that are there; std with n - 1.
Numbers numbers_of(const Tensor& column) {
  Numbers n;
  double count = 0, sum = 0, squares = 0;
  const double *begin = column.data<double>(), *end = begin + column.numel();
  for (const double* v = begin; v != end; ++v) {
    if (std::isnan(*v)) continue;
    ++count;
    sum += *v;
    n.min = count == 1 ? *v : std::min(n.min, *v);
    n.max = count == 1 ? *v : std::max(n.max, *v);
  }
  if (count == 0) return n;
  n.mean = sum / count;
  for (const double* v = begin; v != end; ++v)
    if (!std::isnan(*v)) squares += (*v - n.mean) * (*v - n.mean);
  if (count > 1) n.std = std::sqrt(squares / (count - 1));
  return n;
}

void print_json(const data::Table& table) {
  using Json = nlohmann::ordered_json;
  const auto number = [](double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); };
  Json columns = Json::array();
  for (const data::Column& c : table.columns()) {
    const bool text = c.kind == data::Kind::Text;
    const Numbers n = text ? Numbers() : numbers_of(table.values(int64_t(columns.size())));
    columns.push_back({{"name", c.name},
                       {"kind", text                          ? "text"
                                : c.kind == data::Kind::Whole ? "whole"
                                                              : "number"},
                       {"missing", c.missing},
                       {"mean", number(n.mean)},
                       {"std", number(n.std)},
                       {"min", number(n.min)},
                       {"max", number(n.max)},
                       {"classes", c.classes}});
  }
  fmt::print("{}\n", Json{{"rows", table.rows()}, {"columns", columns}}.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void print_summary(const data::Table& table, std::int64_t rows) {
  fmt::print("{}", table.head(rows));
  for (const data::Column& c : table.columns()) {
    if (c.kind == data::Kind::Text) {
      std::string words;
      for (std::size_t i = 0; i < std::min<std::size_t>(c.classes.size(), 6); ++i) words += (i ? ", " : "") + c.classes[i];
      fmt::print("  {}: {} words: {}{}\n", c.name, c.classes.size(), words, c.classes.size() > 6 ? ", ..." : "");
    } else {
      const Numbers n = numbers_of(table.values(c.name));
      fmt::print("  {}: mean {:.6g}, std {:.6g}, {:.6g} .. {:.6g}\n", c.name, n.mean, n.std, n.min, n.max);
    }
  }
}

char character(const std::string& text, const char* flag) {
  if (text == "tab" || text == "\\t") return '\t';
  if (text == "none" || text.empty()) return 0;
  if (text.size() != 1) throw ValueError(fmt::format("{}: expected one character, got \"{}\"", flag, text));
  return text[0];
}

/// A number from 0 where the flag gives one, else a name.
std::vector<data::ColumnKey> keys(const std::vector<std::string>& texts) {
  std::vector<data::ColumnKey> out;
  for (const std::string& t : texts) {
    const bool number = !t.empty() && t.find_first_not_of("0123456789", t[0] == '-') == t.npos && t != "-" && t.size() < 10;
    if (number) out.emplace_back(std::stoll(t));
    else out.emplace_back(t);
  }
  return out;
}

template <class T>
T choice(const std::string& text, const std::unordered_map<std::string, T>& choices) {
  return choices.at(text);
}

}  // namespace

int table(const std::string& path, const TableFlags& f) {
  data::TableOptions o;
  o.delimiter = f.delimiter.empty() ? '\0' : character(f.delimiter, "--delimiter");
  o.header = choice<data::Header>(f.header, {{"auto", data::Header::Auto}, {"none", data::Header::None}, {"first", data::Header::First}});
  o.columns = keys(f.columns);
  if (!f.target.empty()) o.target = keys({f.target})[0];
  o.skip_rows = f.skip_rows;
  o.comment = character(f.comment, "--comment");
  o.quote = character(f.quote, "--quote");
  o.decimal = character(f.decimal, "--decimal");
  if (!f.missing_values.empty()) o.missing_values = f.missing_values;
  o.missing = choice<data::Missing>(f.missing, {{"error", data::Missing::Error},
                                                {"nan", data::Missing::NaN},
                                                {"mean", data::Missing::Mean},
                                                {"median", data::Missing::Median},
                                                {"drop", data::Missing::Drop}});
  o.whole = keys(f.whole);
  o.numbers = keys(f.numbers);
  o.text = keys(f.text);
  const data::Table table = data::read_table(path, o);
  if (f.json) print_json(table);
  else print_summary(table, f.rows);
  return 0;
}
