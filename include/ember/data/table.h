// Tables from text files: columns of numbers and of words, as they come from spreadsheets and data bases, and the way from them to tensors.
//
//   const data::Table people = data::read_table("people.csv", {.target = "income", .missing = data::Missing::NaN});
//   const auto [train, test] = people.split(0.8);
//   const data::TableEncoder encode(train, {.missing = data::Missing::Mean, .text = data::Text::OneHot, .standardize = true});
//   data::DataLoader loader(encode(train), {.batch_size = 32, .shuffle = true});
#pragma once

#include <ember/data/dataset.h>

namespace ember::data {

/// A column, by its name in the header or by its number from 0; negative numbers count from the end.
struct ColumnKey {
  std::string name;
  int64_t number = 0;
  enum class By : std::uint8_t { Nothing, Name, Number } by = By::Nothing;
  ColumnKey() = default;
  ColumnKey(const char* name) : name(name), by(By::Name) {}
  ColumnKey(std::string name) : name(std::move(name)), by(By::Name) {}
  template <class N>
    requires std::is_integral_v<N>
  ColumnKey(N number) : number(int64_t(number)), by(By::Number) {}
  explicit operator bool() const { return by != By::Nothing; }
};

enum class Header : std::uint8_t { Auto, None, First };
/// What becomes of a missing cell. Mean and Median are those of the column (of words the most frequent one); Drop leaves its row out.
enum class Missing : std::uint8_t { Error, NaN, Mean, Median, Drop };
enum class Kind : std::uint8_t { Number, Whole, Text };

/// "", ?, NA, N/A, n/a, NaN, nan, -NaN, -nan, NULL, null, None, <NA>, #N/A, #NA, #N/A N/A, 1.#IND, -1.#IND, 1.#QNAN, -1.#QNAN.
std::vector<std::string> missing_words();

struct TableOptions {
  char delimiter = 0;  ///< 0: the first of `,` tab `;` `|` that the first line has. ' ': any number of blanks and tabs
  /// Auto: the first line holds names when none of its cells is a number, or when a word there stands above a number.
  Header header = Header::Auto;
  std::vector<ColumnKey> columns = {};  ///< the ones to read, in this order; empty: all
  ColumnKey target = {};                ///< the column to be predicted: Table::target(), not among features()
  int64_t skip_rows = 0;                ///< lines before the table
  char comment = 0;                     ///< what follows it is left out
  char quote = '"';                     ///< around cells with separators, line breaks, and quotes that are written twice; 0: none
  char decimal = '.';                   ///< ',' with another delimiter
  /// Pandas' words for a missing cell, and `?`. Blank cells always are.
  std::vector<std::string> missing_values = missing_words();
  Missing missing = Missing::Error;
  std::vector<ColumnKey> whole = {};    ///< must hold whole numbers: 1.5 is refused
  std::vector<ColumnKey> numbers = {};  ///< must hold numbers: words are refused
  std::vector<ColumnKey> text = {};     ///< words, also where they look like numbers
};

struct Column {
  std::string name;
  Kind kind = Kind::Number;
  int64_t missing = 0;               ///< cells that were missing in the file
  std::vector<std::string> classes;  ///< of Text: the different words, sorted; their places are the codes
};

/// Rows of cells, float64 each: numbers, codes of words, NaN where a cell is missing. Whole numbers are exact up to 2^53.
class Table {
 public:
  Table();
  Table(std::vector<Column> columns, Tensor cells, int target = -1);

  int64_t rows() const { return cells_.defined() ? cells_.size(0) : 0; }
  const std::vector<Column>& columns() const&;
  std::vector<Column> columns() &&;
  /// Throws ValueError with the names that there are.
  int64_t index(const ColumnKey& key) const;
  const Column& column(const ColumnKey& key) const&;
  Column column(const ColumnKey& key) &&;
  Tensor cells() const { return cells_; }                     ///< (rows, columns) float64
  Tensor values(const ColumnKey& key) const;                  ///< (rows) float64
  std::string word(int64_t row, const ColumnKey& key) const;  ///< a cell of a Text column; "" where it is missing

  bool has_target() const { return target_ >= 0; }
  /// All columns but the target, (rows, columns - 1); words are their codes. TableEncoder makes more of them.
  Tensor features(DType dtype = kFloat32) const;
  /// (rows): int64 of words and whole numbers, as cross_entropy takes them, float32 of numbers. Throws ValueError without a target column.
  Tensor target() const;
  const std::vector<std::string>& classes() const&;  ///< of the target
  std::vector<std::string> classes() &&;

  Table select(const std::vector<int64_t>& rows) const;  ///< some rows, with all classes
  /// Two parts of the rows, drawn by one random permutation as random_split does: the first gets floor(fraction * rows).
  std::pair<Table, Table> split(double fraction, Generator* generator = nullptr) const;
  /// The same with missing cells filled or their rows dropped. Error throws for the first missing cell.
  Table with_missing(Missing policy) const;

  /// The first rows under their names, kinds and counts of missing cells.
  std::string head(int64_t rows = 5) const;

 private:
  friend class TableEncoder;
  Boxed<std::vector<Column>> columns_;
  Tensor cells_;
  int target_ = -1;
};
std::ostream& operator<<(std::ostream& out, const Table& table);  ///< table.head()

/// Reads a table; gzipped files as they are. Throws RuntimeError with file, line, column and what stood there.
Table read_table(const std::string& path);
Table read_table(const std::string& path, const TableOptions& options);

enum class Text : std::uint8_t { Codes, OneHot };
struct TableEncoderOptions {
  Missing missing = Missing::Error;  ///< Mean, Median: of the part it was fitted on; Drop is a matter of the table
  Text text = Text::OneHot;          ///< Codes: one number per column; OneHot: a column of 0 and 1 for each word
  bool standardize = false;          ///< numbers to mean 0 and standard deviation 1 (of n, as scikit-learn's) of the part it was fitted on
};

/// From a table to tensors, by what one part of it (that for training) says about the columns: nothing is learnt from the rest.
class TableEncoder {
 public:
  explicit TableEncoder(const Table& train, TableEncoderOptions options = {});
  Tensor features(const Table& table) const;  ///< (rows, size()) float32
  /// Features and, where there is one, the target. Throws ValueError for other columns than it was fitted on, and for words it does not know.
  TensorDataset operator()(const Table& table) const;
  int64_t size() const { return int64_t(names_.size()); }
  const std::vector<std::string>& names() const& { return names_; }  ///< of the features: "age", "city=Rome"

  Tensor mean, std;  ///< (size()) float64, of each feature; 0 and 1 for those that stay as they are
  Tensor fill;       ///< (columns) what stands for missing cells

 private:
  TableEncoderOptions o_;
  Boxed<std::vector<Column>> columns_;
  std::vector<std::string> names_;
  int target_;
};

}  // namespace ember::data
