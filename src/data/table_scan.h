// Cells of a delimited text, one after the other.
#pragma once

#include <ember/data/table.h>

#include <string>
#include <string_view>
#include <vector>

namespace ember::data {

/// What makes a text refused: where it stands, in which column (from 0), and why.
struct Refused {
  const char* at;
  int64_t column;
  std::string why;
};

/// How cells are told from each other.
struct Dialect {
  char delimiter = ',', comment = 0, quote = '"', decimal = '.';
};

class Scanner {
 public:
  Scanner(const Dialect& dialect, const char* begin, const char* end) : d_(dialect), at_(begin), end_(end) {}

  /// Goes to the first cell of the next row, past blank lines and comments; false at the end.
  bool next_row();
  /// The next cell of the row. `text` lives until the next call. Throws Refused for a broken quote.
  struct Cell {
    std::string_view text;
    const char* at = nullptr;
    bool quoted = false, last = false;  ///< last: the row ends behind it
  };
  Cell cell(int64_t column);
  /// The same when it is a plain number like -12.75, at a fraction of the time; false when it is not, and nothing was read.
  bool plain_number(double& value, bool& whole, bool& last);
  const char* at() const { return at_; }

 private:
  bool at_end_of_row(const char* p) const { return p == end_ || *p == '\n' || *p == '\r' || (d_.comment && *p == d_.comment); }
  void skip_line_end();
  bool blanks() const { return d_.delimiter == ' '; }
  Cell quoted_cell(int64_t column);
  void finish(Cell& cell, const char* p);

  const Dialect& d_;
  const char *at_, *end_;
  std::string unquoted_;
};

/// The number that the text is, blanks around it allowed. `whole`: whether it has no fraction.
bool parse_number(std::string_view text, char decimal, double& value, bool& whole);

std::string_view trimmed(std::string_view text);

/// As an error shows it: quoted, cut when it is long, without control characters.
std::string shown(std::string_view text);

}  // namespace ember::data
