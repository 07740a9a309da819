// Finds rows, separator and columns of a table before any of its cells is read.
#include "data/table_layout.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "error_format.h"

namespace ember::data {
namespace {

static std::vector<std::string> row_of(Scanner& scanner) {
  std::vector<std::string> row;
  if (!scanner.next_row()) return row;
  while (true) {
    const Scanner::Cell cell = scanner.cell(int64_t(row.size()));
    row.emplace_back(cell.text);
    if (cell.last) return row;
  }
}

/// The length of the character of UTF-8 at p, 0 when there is none.
int character(const unsigned char* p, const unsigned char* end) {
  const int length = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : *p >= 0xe0 && *p < 0xf0 ? 3 : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;
  if (length == 0 || *p == 0 || end - p < length) return 0;
  // Longer than it need be, a surrogate, or beyond the last character.
  if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] >= 0xa0) || (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] >= 0x90)) return 0;
  for (int i = 1; i < length; ++i)
    if ((p[i] & 0xc0) != 0x80) return 0;
  return length;
}

}  // namespace

void check_characters(std::string_view text, const char* at, int64_t column) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  while (p != end) {
    const int length = character(p, end);
    if (length == 0)
      throw Refused{
          at, column,
          *p == 0 ? "a zero byte in " + shown(text) : "no UTF-8: the byte " + fmt::format("0x{:02x}", *p) + " (iconv -f latin1 -t utf8 converts)"};
    p += length;
  }
}

void Layout::find(const char* begin, const char* file_end) {
  data = begin;
  end = file_end;
  const std::size_t size = std::size_t(end - data);
  if (size >= 3 && std::memcmp(data, "\xef\xbb\xbf", 3) == 0) data += 3;
  const bool marked = size >= 2 && (std::memcmp(data, "\xff\xfe", 2) == 0 || std::memcmp(data, "\xfe\xff", 2) == 0);
  if (marked || (size >= 4 && ((data[0] == 0 && data[2] == 0) || (data[1] == 0 && data[3] == 0))))  // without the mark, too
    throw Refused{data, 0, "UTF-16 text; iconv -f utf16 -t utf8 converts"};
  if (size >= 4 && std::memcmp(data, "PK\x03\x04", 4) == 0)
    throw Refused{data, 0, "a zip archive, as .xlsx and .npz files are, and no text; from a spreadsheet, export the sheet as CSV"};
  for (int64_t i = 0; i < o_.skip_rows && data != end; ++i) skip_line();
  dialect = {.delimiter = o_.delimiter ? o_.delimiter : found_delimiter(), .comment = o_.comment, .quote = o_.quote, .decimal = o_.decimal};
  check<ValueError>(dialect.decimal != dialect.delimiter, "read_table: the decimal mark and the delimiter are both '{}'", dialect.decimal);
  for (const std::string& word : o_.missing_values) {
    double value;
    bool whole;
    if (parse_number(word, dialect.decimal, value, whole) && std::isfinite(value)) missing_numbers.push_back(value);
  }
  find_columns();
  if (!columns.empty()) choose_columns();
}

void Layout::skip_line() {
  while (data != end && *data != '\n' && *data != '\r') ++data;
  if (data != end && *data == '\r' && data + 1 != end && data[1] == '\n') ++data;
  if (data != end) ++data;
}

/// The first of , tab ; | that stands outside quotes in the first line that is no comment.
char Layout::found_delimiter() const {
  const Dialect probe{.delimiter = '\0', .comment = o_.comment, .quote = '\0'};
  Scanner scanner(probe, data, end);
  if (!scanner.next_row()) return ',';
  std::string line;
  bool quoted = false;
  for (char c : scanner.cell(0).text) {
    if (o_.quote && c == o_.quote) quoted = !quoted;
    else if (!quoted) line += c;
  }
  for (char candidate : {',', '\t', ';', '|'})
    if (candidate != o_.decimal && line.find(candidate) != line.npos) return candidate;
  return ',';
}

bool Layout::is_missing(std::string_view text) const {
  const std::string_view word = trimmed(text);
  if (word.empty()) return true;
  for (const std::string& m : o_.missing_values)
    if (word == m) return true;
  double value;
  bool whole;
  return !missing_numbers.empty() && parse_number(word, dialect.decimal, value, whole) &&
         std::find(missing_numbers.begin(), missing_numbers.end(), value) != missing_numbers.end();
}

/// Names from the first line, or numbers. Sets data to the first row of data.
void Layout::find_columns() {
  Scanner scanner(dialect, data, end);
  const std::vector<std::string> first = row_of(scanner);
  const char* const behind = scanner.at();
  const auto is_number = [&](const std::string& text) {
    double value;
    bool whole;
    return parse_number(text, dialect.decimal, value, whole);
  };
  bool header = o_.header == Header::First;
  if (o_.header == Header::Auto && all_ == Must::Anything) {
    const auto is_word = [&](const std::string& text) { return !is_missing(text) && !is_number(text); };
    const bool words = std::any_of(first.begin(), first.end(), is_word);
    header = words && std::none_of(first.begin(), first.end(), is_number);
    if (words && !header) {
      const std::vector<std::string> second = row_of(scanner);
      for (std::size_t i = 0; i < std::min(first.size(), second.size()); ++i) header |= is_word(first[i]) && is_number(second[i]);
    }
  }
  trailing = first.size() > 1 && first.back().empty();
  for (std::size_t i = 0; i < first.size(); ++i) {
    std::string name = header ? first[i] : std::to_string(i);
    if (header) check_characters(name, data, int64_t(i));
    if (name.empty()) name = "Unnamed: " + std::to_string(i);
    columns.push_back({name});
  }
  tell_names_apart();
  named = header;
  if (header) data = behind;
}

/// a, a, a becomes a, a.1, a.2; a name that the file itself has is left to it, as pandas does.
void Layout::tell_names_apart() {
  std::set<std::string> in_file;
  for (const FileColumn& c : columns) in_file.insert(c.name);
  std::map<std::string, int64_t> next;  // by name: the number of its next copy
  for (FileColumn& c : columns) {
    const std::string name = c.name;
    while (next.count(c.name) || (c.name != name && in_file.count(c.name))) c.name = name + "." + std::to_string(next[name]++);
    next[c.name] = 1;
  }
}

std::size_t Layout::find_column(const ColumnKey& key) const {
  const int64_t n = int64_t(columns.size());
  if (key.by == ColumnKey::By::Number) {
    if (key.number < -n || key.number >= n) throw ValueError(fmt::format("{}: no column {}: there are {}", path_, key.number, n));
    return std::size_t(key.number < 0 ? key.number + n : key.number);
  }
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i].name == key.name) return i;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (trimmed(columns[i].name) == key.name) return i;
  std::vector<std::string> names;
  for (const FileColumn& c : columns) names.push_back(c.name);
  throw ValueError(fmt::format("{}: no column \"{}\": there are {}", path_, key.name, fmt::join(names, ", ")));
}

void Layout::choose_columns() {
  if (trailing && o_.columns.empty()) drop_last_if_empty = true;
  if (o_.columns.empty())
    for (std::size_t i = 0; i < columns.size(); ++i) wanted.push_back(i);
  for (const ColumnKey& key : o_.columns) wanted.push_back(find_column(key));
  if (o_.target)
    if (const std::size_t target = find_column(o_.target); std::find(wanted.begin(), wanted.end(), target) == wanted.end()) wanted.push_back(target);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    FileColumn& column = columns[wanted[i]];
    check<ValueError>(column.to < 0, "{}: column \"{}\" is asked for twice", path_, column.name);
    column.to = int64_t(i);
    column.must = all_;
  }
  const auto demand = [&](const std::vector<ColumnKey>& keys, Must must) {
    for (const ColumnKey& key : keys) columns[find_column(key)].must = must;
  };
  demand(o_.numbers, Must::Number);
  demand(o_.whole, Must::Whole);
  demand(o_.text, Must::Text);
}

}  // namespace ember::data
