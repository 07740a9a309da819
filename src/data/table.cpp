// What one does with a table: columns, parts, missing cells, a look at its head.
#include <ember/autograd.h>
#include <ember/data/table.h>
#include <ember/ops/index.h>
#include <ember/ops/shape.h>
#include <ember/random.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <ostream>

#include "data/table_read.h"
#include "error_format.h"

namespace ember::data {
namespace {

const char* kind_name(Kind kind) { return kind == Kind::Text ? "text" : kind == Kind::Whole ? "whole" : "number"; }

Tensor rows_of(const Tensor& cells, const std::vector<int64_t>& rows) {
  return index_select(cells, 0, from_blob(const_cast<int64_t*>(rows.data()), {int64_t(rows.size())}, kInt64));
}

/// Words that occur in no row any more go; the others get new codes.
void drop_unused_words(Column& column, const Tensor& codes) {
  std::vector<double> fresh(column.classes.size(), -1);
  for (int64_t i = 0; i < codes.numel(); ++i)
    if (const double v = codes.data<double>()[i * codes.stride(0)]; !std::isnan(v)) fresh[std::size_t(v)] = 0;
  std::vector<std::string> used;
  for (std::size_t k = 0; k < fresh.size(); ++k) {
    if (fresh[k] < 0) continue;
    fresh[k] = double(used.size());
    used.push_back(std::move(column.classes[k]));
  }
  column.classes = std::move(used);
  double* code = codes.data<double>();
  for (int64_t i = 0; i < codes.numel(); ++i, code += codes.stride(0))
    if (!std::isnan(*code)) *code = fresh[std::size_t(*code)];
}

/// What stands for a missing cell of a column: NaN where all are missing.
double replacement(const Tensor& column, Kind kind, Missing policy) {
  std::vector<double> there;
  for (int64_t i = 0; i < column.numel(); ++i)
    if (const double v = column.data<double>()[i]; !std::isnan(v)) there.push_back(v);
  if (there.empty()) return NAN;
  if (kind == Kind::Text) {  // the most frequent word; of several the first
    std::map<double, int64_t> count;
    for (double v : there) ++count[v];
    return std::max_element(count.begin(), count.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->first;
  }
  if (policy == Missing::Mean) {
    double sum = 0;
    for (double v : there) sum += v;
    return sum / double(there.size());
  }
  const auto middle = there.begin() + std::ptrdiff_t(there.size() / 2);
  std::nth_element(there.begin(), middle, there.end());
  return there.size() % 2 ? *middle : (*middle + *std::max_element(there.begin(), middle)) / 2;
}

}  // namespace

std::vector<std::string> missing_words() {
  return {"",     "?",    "NA",   "N/A",  "n/a", "NaN",      "nan",    "-NaN",    "-nan",    "NULL",
          "null", "None", "<NA>", "#N/A", "#NA", "#N/A N/A", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"};
}

Table::Table() = default;
Table::Table(std::vector<Column> columns, Tensor cells, int target) : columns_(std::move(columns)), cells_(std::move(cells)), target_(target) {
  check<ValueError>(cells_.defined() && cells_.dim() == 2 && cells_.dtype() == kFloat64 && cells_.size(1) == int64_t(columns_->size()),
                    "Table: expected float64 cells (rows, {}), one column for each name", columns_->size());
  check<ValueError>(target_ < int(columns_->size()), "Table: expected a target below {}, got {}", columns_->size(), target_);
  cells_ = cells_.contiguous();
}

const std::vector<Column>& Table::columns() const& { return *columns_; }
std::vector<Column> Table::columns() && { return std::move(*columns_); }
const Column& Table::column(const ColumnKey& key) const& { return columns_[std::size_t(index(key))]; }
Column Table::column(const ColumnKey& key) && { return columns_[std::size_t(index(key))]; }
int64_t Table::index(const ColumnKey& key) const {
  const int64_t n = int64_t(columns_->size());
  if (key.by == ColumnKey::By::Number) {
    check<ValueError>(key.number >= -n && key.number < n, "Table: no column {}: there are {}", key.number, n);
    return key.number < 0 ? key.number + n : key.number;
  }
  std::vector<std::string> names;
  for (const Column& c : *columns_) {
    if (c.name == key.name) return int64_t(names.size());
    names.push_back(c.name);
  }
  for (std::size_t i = 0; i < names.size(); ++i)
    if (trimmed(names[i]) == key.name) return int64_t(i);
  fail<ValueError>("Table: no column \"{}\": there are {}", key.name, fmt::join(names, ", "));
}

Tensor Table::values(const ColumnKey& key) const { return cells_.select(1, index(key)).contiguous(); }

std::string Table::word(int64_t row, const ColumnKey& key) const {
  const Column& c = columns_[std::size_t(index(key))];
  check<ValueError>(c.kind == Kind::Text, "Table: column \"{}\" holds numbers, not words", c.name);
  const double code = cells_.select(1, index(key)).select(0, row).item<double>();
  return std::isnan(code) ? "" : c.classes[std::size_t(code)];
}

Tensor Table::features(DType dtype) const {
  if (target_ < 0) return cells_.to(dtype, true);
  return cat({cells_.narrow(1, 0, target_), cells_.slice(1, target_ + 1)}, 1).to(dtype);
}

Tensor Table::target() const {
  check<ValueError>(target_ >= 0, "Table: no target column; read_table(path, {{.target = \"name\"}})");
  const Column& c = columns_[std::size_t(target_)];
  const Tensor column = values(target_);
  if (c.kind == Kind::Number) return column.to(kFloat32);
  for (int64_t i = 0; i < column.numel(); ++i)
    check<ValueError>(!std::isnan(column.data<double>()[i]),
                      "Table: row {} has no target \"{}\"; .missing = data::Missing::Drop leaves such rows out", i, c.name);
  return column.to(kInt64);
}

const std::vector<std::string>& Table::classes() const& {
  check<ValueError>(target_ >= 0, "Table: no target column; read_table(path, {{.target = \"name\"}})");
  return columns_[std::size_t(target_)].classes;
}
std::vector<std::string> Table::classes() && { return static_cast<const Table&>(*this).classes(); }

Table Table::select(const std::vector<int64_t>& rows) const {
  for (int64_t r : rows) check<IndexError>(r >= 0 && r < this->rows(), "Table: expected rows below {}, got {}", this->rows(), r);
  Table part(*columns_, rows_of(cells_, rows), target_);
  for (std::size_t c = 0; c < columns_->size(); ++c) {
    const Tensor column = part.cells_.select(1, int64_t(c)).contiguous();
    part.columns_[c].missing = std::count_if(column.data<double>(), column.data<double>() + column.numel(), [](double v) { return std::isnan(v); });
  }
  return part;
}

std::pair<Table, Table> Table::split(double fraction, Generator* generator) const {
  check<ValueError>(fraction >= 0 && fraction <= 1, "Table::split: expected a fraction between 0 and 1, got {}", fraction);
  const Tensor order = randperm(rows(), {}, generator);
  const int64_t *at = order.data<int64_t>(), *cut = at + int64_t(std::floor(double(rows()) * fraction));
  return {select({at, cut}), select({cut, at + rows()})};
}

Table Table::with_missing(Missing policy) const {
  if (policy == Missing::NaN) return *this;
  Table full = *this;
  full.cells_ = cells_.clone();
  double* cells = full.cells_.data<double>();
  const int64_t width = int64_t(columns_->size());
  if (policy == Missing::Drop) {
    std::vector<int64_t> whole;
    for (int64_t r = 0; r < rows(); ++r)
      if (std::none_of(cells + r * width, cells + (r + 1) * width, [](double v) { return std::isnan(v); })) whole.push_back(r);
    full.cells_ = rows_of(cells_, whole);
    for (int64_t c = 0; c < width; ++c)
      if (Column& column = full.columns_[std::size_t(c)]; column.kind == Kind::Text) drop_unused_words(column, full.cells_.select(1, c));
    return full;
  }
  for (int64_t c = 0; c < width; ++c) {
    double fill = NAN;
    bool known = false;
    for (int64_t r = 0; r < rows(); ++r) {
      if (!std::isnan(cells[r * width + c])) continue;
      const Column& column = columns_[std::size_t(c)];
      check<ValueError>(policy != Missing::Error, "Table: row {}, column {} ({}) is missing; .missing = data::Missing::Mean, Median or Drop", r,
                        c + 1, column.name);
      if (!std::exchange(known, true)) fill = replacement(values(c), column.kind, policy);
      check<ValueError>(!std::isnan(fill), "Table: all cells of column \"{}\" are missing", column.name);
      cells[r * width + c] = fill;
    }
  }
  return full;
}

std::string Table::head(int64_t count) const {
  const int64_t shown_rows = std::max<int64_t>(0, std::min(count, rows()));
  std::vector<std::string> lines(std::size_t(shown_rows + 2));
  for (std::size_t c = 0; c < columns_->size(); ++c) {
    const Column& column = columns_[c];
    std::vector<std::string> cells{column.name + (int(c) == target_ ? "*" : ""),
                                   kind_name(column.kind) + (column.missing ? fmt::format(", {} missing", column.missing) : std::string())};
    for (int64_t r = 0; r < shown_rows; ++r) {
      const double v = cells_.data<double>()[r * int64_t(columns_->size()) + int64_t(c)];
      cells.push_back(std::isnan(v) ? "-" : column.kind == Kind::Text ? column.classes[std::size_t(v)] : fmt::format("{:.6g}", v));
    }
    for (std::string& cell : cells)
      if (const std::string text = shown(cell); text.size() != cell.size() + 2) cell = text;  // long, or with control characters
    const auto width_of = [](const std::string& s) { return std::count_if(s.begin(), s.end(), [](char b) { return (b & 0xc0) != 0x80; }); };
    std::ptrdiff_t width = 0;
    for (const std::string& cell : cells) width = std::max(width, width_of(cell));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string blanks(std::size_t(width - width_of(cells[i])), ' ');
      lines[i] += (c ? "  " : "") + (column.kind == Kind::Text ? cells[i] + blanks : blanks + cells[i]);
    }
  }
  std::string text;
  for (std::string& line : lines) text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  if (shown_rows < rows()) text += "...\n";
  return text + fmt::format("{} rows, {} columns\n", rows(), columns_->size());
}

std::ostream& operator<<(std::ostream& out, const Table& table) { return out << table.head(); }

Table read_table(const std::string& path) { return read_table(path, {}); }
Table read_table(const std::string& path, const TableOptions& options) {
  Table table = read_cells(path, options);
  if (options.missing == Missing::Error || options.missing == Missing::NaN) return table;
  return table.with_missing(options.missing);
}

}  // namespace ember::data
