// Where the rows of a table begin, how cells are told from each other, and which columns there are and are wanted.
#pragma once

#include "data/table_scan.h"

namespace ember::data {

enum class Must : std::uint8_t { Anything, Number, Whole, Text };

/// A column of the file.
struct FileColumn {
  std::string name;
  int64_t to = -1;  ///< its place among the columns that are wanted
  Must must = Must::Anything;
};

struct Layout {
  Dialect dialect;
  const char *data = nullptr, *end = nullptr;  ///< the rows, behind the header
  std::vector<FileColumn> columns;             ///< as the first row has them; none in an empty file
  std::vector<std::size_t> wanted;
  bool named = false;                   ///< there was a header
  bool trailing = false;                ///< the first row ends in a separator, others may not
  std::vector<double> missing_numbers;  ///< -999 or the like stands for a missing cell, also as -999.0
  bool drop_last_if_empty = false;      ///< the column behind it is none

  Layout(const std::string& path, const TableOptions& options, Must all) : path_(path), o_(options), all_(all) {}
  /// Looks at the first lines. Throws Refused, and ValueError for columns that there are not.
  void find(const char* begin, const char* end);
  std::size_t find_column(const ColumnKey& key) const;
  bool is_missing(std::string_view text) const;

 private:
  void skip_line();
  char found_delimiter() const;
  void find_columns();
  void tell_names_apart();
  void choose_columns();

  const std::string& path_;
  const TableOptions& o_;
  Must all_;  // of tables of numbers
};

/// Throws Refused for text that is no UTF-8 or has a zero byte.
void check_characters(std::string_view text, const char* at, int64_t column);

}  // namespace ember::data
