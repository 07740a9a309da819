// Reads a table in pieces of about a megabyte, on all threads: numbers at once; columns in which words turn up are read a second time, for the
// words. Each cell is read by itself, so the number of threads changes nothing.
#include "data/table_read.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <unordered_map>

#include "data/bytes.h"
#include "error_format.h"
#include "runtime/parallel.h"

namespace ember::data {
namespace {

constexpr std::size_t kPieceBytes = std::size_t(1) << 20;

struct Piece {
  Piece(const char* begin, const char* end) : begin(begin), end(end) {}
  const char *begin, *end;
  int64_t rows = 0;
  std::vector<double> cells;                  // rows x wanted columns
  std::vector<char> words, fraction, number;  // by wanted column: whether there are any
  std::vector<char> marked;                   // likewise, of missing cells that are not empty
  std::vector<int64_t> missing;
  std::vector<const char*> first_missing;
  std::vector<std::unordered_map<std::string, int64_t>> codes;
  std::optional<Refused> error;
};

class Reader {
 public:
  Reader(const std::string& path, const TableOptions& options, Demand demand)
      : path_(path), o_(options), demand_(demand), numbers_only_(demand.must != Must::Anything), bytes_(path), layout_(path, options, demand.must) {}

  Table read() {
    try {
      return read_or_refuse();
    } catch (const Refused& refused) {
      refuse(refused);
    }
  }

 private:
  Table read_or_refuse() {
    layout_.find(bytes_.begin(), bytes_.end());
    if (layout_.columns.empty()) {
      if (!numbers_only_) throw Refused{layout_.data, 0, "expected a table, got an empty file"};
      return Table({}, empty({0, 0}, kFloat64));
    }
    cut();
    each_piece([this](Piece& piece) { read_piece(piece, false); });
    words_.assign(layout_.wanted.size(), 0);
    for (const Piece& p : pieces_)
      for (std::size_t c = 0; c < layout_.wanted.size(); ++c) words_[c] |= p.words[c];
    if (std::any_of(words_.begin(), words_.end(), [](char w) { return w != 0; })) each_piece([this](Piece& piece) { read_piece(piece, true); });
    return assembled();
  }

  /// Pieces end at line ends. Where there are quotes, a line end may stand inside of one: then all is one piece.
  void cut() {
    const char* const end = bytes_.end();
    const bool one = layout_.dialect.quote && std::memchr(layout_.data, layout_.dialect.quote, std::size_t(end - layout_.data)) != nullptr;
    for (const char* at = layout_.data; at != end;) {
      const char* stop = end;
      if (!one && std::size_t(end - at) > kPieceBytes) {
        const void* line_end = std::memchr(at + kPieceBytes, '\n', std::size_t(end - at) - kPieceBytes);
        if (line_end) stop = static_cast<const char*>(line_end) + 1;
      }
      pieces_.emplace_back(at, stop);
      at = stop;
    }
  }

  template <class Body>
  void each_piece(Body body) {
    kernels::parallel_slices(int64_t(pieces_.size()), [&](int64_t i) {
      Piece& piece = pieces_[std::size_t(i)];
      try {
        body(piece);
      } catch (const Refused& refused) {
        piece.error = refused;
      }
    });
    for (const Piece& piece : pieces_)
      if (piece.error) throw *piece.error;  // the first one in the file
  }

  void read_piece(Piece& piece, bool second) {
    const std::size_t width = layout_.wanted.size(), in_file = layout_.columns.size();
    if (second) {
      piece.codes.resize(width);
    } else {
      piece.words.assign(width, 0);
      for (const FileColumn& c : layout_.columns)
        if (c.to >= 0 && c.must == Must::Text) piece.words[std::size_t(c.to)] = 1;
      piece.fraction.assign(width, 0);
      piece.number.assign(width, 0);
      piece.marked.assign(width, 0);
      piece.missing.assign(width, 0);
      piece.first_missing.assign(width, nullptr);
    }
    Scanner scanner(layout_.dialect, piece.begin, piece.end);
    for (int64_t row = 0; scanner.next_row(); ++row) {
      const char* const row_begin = scanner.at();
      if (!second) {
        if (row == 1) piece.cells.reserve(std::size_t(double(piece.end - piece.begin) / double(row_begin - piece.begin) * 1.1 + 16) * width);
        piece.cells.resize(piece.cells.size() + width);
        ++piece.rows;
      }
      double* const cells = piece.cells.data() + std::size_t(row) * width;
      bool last = false;
      for (std::size_t i = 0; i < in_file; ++i) {
        if (last) {  // the row is short: right only where a separator at the end was left out
          if (!layout_.trailing || i + 1 < in_file) throw Refused{row_begin, int64_t(i), count_text(in_file, i)};
          if (const int64_t to = layout_.columns[i].to; to >= 0 && !second) set_missing(piece, std::size_t(to), cells[to], row_begin);
          break;
        }
        last = second ? read_word(piece, scanner, i, cells) : read_number(piece, scanner, i, cells);
      }
      if (!last) end_row(scanner, row_begin, in_file);
    }
  }

  static std::string count_text(std::size_t expected, std::size_t got) {
    return fmt::format("expected {} columns as in the first row, got {}", expected, got);
  }

  /// A separator at the end of the row is allowed; more cells are not.
  void end_row(Scanner& scanner, const char* row_begin, std::size_t in_file) const {
    std::size_t count = in_file;
    while (true) {
      const Scanner::Cell cell = scanner.cell(int64_t(count));
      if (cell.last && count == in_file && cell.text.empty() && !cell.quoted) return;
      ++count;
      if (cell.last) throw Refused{row_begin, int64_t(in_file), count_text(in_file, count)};
    }
  }

  static void set_missing(Piece& piece, std::size_t to, double& cell, const char* at) {
    cell = NAN;
    if (piece.missing[to]++ == 0) piece.first_missing[to] = at;
  }

  /// Reads the cell; says whether the row ends behind it.
  bool read_number(Piece& piece, Scanner& scanner, std::size_t i, double* cells) const {
    const FileColumn& column = layout_.columns[i];
    if (column.to < 0) return scanner.cell(int64_t(i)).last;
    const std::size_t to = std::size_t(column.to);
    bool whole = true, last = false;
    if (!piece.words[to] && layout_.missing_numbers.empty() && scanner.plain_number(cells[to], whole, last)) {
      piece.number[to] = 1;
      if (column.must == Must::Whole) check_whole(cells[to], scanner.at(), i);
      else if (!whole) piece.fraction[to] = 1;
      return last;
    }
    const Scanner::Cell cell = scanner.cell(int64_t(i));
    double& value = cells[to];
    if (layout_.is_missing(cell.text)) {
      set_missing(piece, to, value, cell.at);
      piece.marked[to] |= cell.quoted || !cell.text.empty();
    } else if (column.must == Must::Text || piece.words[to]) {
      piece.words[to] = 1;
    } else if (parse_number(cell.text, layout_.dialect.decimal, value, whole)) {
      piece.number[to] = 1;
      if (column.must == Must::Whole) check_whole(value, cell.at, i, cell.text);
      else piece.fraction[to] |= !whole;
    } else if (column.must != Must::Anything) {
      const char* hint = numbers_only_ && cell.at < layout_.data + 4096 && piece.rows == 1 ? " (a header? .skip_rows = 1, or data::read_table)" : "";
      throw Refused{cell.at, int64_t(i),
                    fmt::format("expected a {}, got {}{}", column.must == Must::Whole ? "whole number" : "number", shown(cell.text), hint)};
    } else {
      piece.words[to] = 1;
    }
    return cell.last;
  }

  void check_whole(double value, const char* at, std::size_t column, std::string_view text = {}) const {
    if (value == std::floor(value) && std::isfinite(value) && value >= demand_.low && value <= demand_.high) return;
    if (text.empty()) at -= 1;  // behind the cell: its line and column are still those
    throw Refused{at, int64_t(column),
                  fmt::format("expected a whole number{}, got {}",
                              std::isfinite(demand_.low) ? fmt::format(" from {:.0f} to {:.0f}", demand_.low, demand_.high) : "",
                              text.empty() ? fmt::format("\"{}\"", value) : shown(text))};
  }

  bool read_word(Piece& piece, Scanner& scanner, std::size_t i, double* cells) const {
    const Scanner::Cell cell = scanner.cell(int64_t(i));
    const int64_t to = layout_.columns[i].to;
    if (to < 0 || !words_[std::size_t(to)]) return cell.last;
    if (layout_.is_missing(cell.text)) {
      cells[to] = NAN;
      return cell.last;
    }
    auto& codes = piece.codes[std::size_t(to)];
    const auto [place, fresh] = codes.try_emplace(std::string(cell.text), int64_t(codes.size()));
    if (fresh) check_characters(cell.text, cell.at, int64_t(i));
    cells[to] = double(place->second);
    return cell.last;
  }

  Table assembled() {
    std::vector<Column> columns(layout_.wanted.size());
    int64_t rows = 0;
    for (const Piece& p : pieces_) rows += p.rows;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      columns[c].name = layout_.columns[layout_.wanted[c]].name;
      bool number = false, fraction = false;
      for (const Piece& p : pieces_) {
        columns[c].missing += p.missing[c];
        number |= p.number[c] != 0;
        fraction |= p.fraction[c] != 0;
      }
      // Whole numbers with holes are numbers, as in pandas, unless they were asked for.
      const bool whole = number && !fraction && (columns[c].missing == 0 || layout_.columns[layout_.wanted[c]].must == Must::Whole);
      columns[c].kind = words_[c] ? Kind::Text : whole ? Kind::Whole : Kind::Number;
      if (words_[c]) share_codes(columns[c], c);
    }
    const std::size_t width = columns.size();
    const bool marked = std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& p) { return p.marked.back() != 0; });
    if (layout_.drop_last_if_empty && columns.back().missing == rows && !marked) columns.pop_back();
    refuse_missing(columns);
    Tensor cells = empty({rows, int64_t(columns.size())}, kFloat64);
    std::vector<int64_t> first(pieces_.size());
    for (std::size_t p = 1; p < pieces_.size(); ++p) first[p] = first[p - 1] + pieces_[p - 1].rows;
    kernels::parallel_slices(int64_t(pieces_.size()), [&](int64_t i) {
      Piece& piece = pieces_[std::size_t(i)];
      double* to = cells.data<double>() + first[std::size_t(i)] * int64_t(columns.size());
      for (int64_t r = 0; r < piece.rows && !columns.empty(); ++r, to += columns.size()) {
        std::memcpy(to, piece.cells.data() + std::size_t(r) * width, columns.size() * sizeof(double));
      }
      piece.cells = {};
    });
    int target = -1;
    if (o_.target) target = int(layout_.columns[layout_.find_column(o_.target)].to);
    return Table(std::move(columns), cells, target);
  }

  /// From each piece's codes to places among the sorted words of all.
  void share_codes(Column& column, std::size_t c) {
    std::map<std::string, double> all;
    for (const Piece& p : pieces_)
      for (const auto& word : p.codes[c]) all.emplace(word.first, 0);
    for (auto& [word, code] : all) {
      code = double(column.classes.size());
      column.classes.push_back(word);
    }
    for (Piece& p : pieces_) {
      std::vector<double> shared(p.codes[c].size());
      for (const auto& [word, code] : p.codes[c]) shared[std::size_t(code)] = all[word];
      double* cell = p.cells.data() + c;
      for (int64_t r = 0; r < p.rows; ++r, cell += layout_.wanted.size())
        if (!std::isnan(*cell)) *cell = shared[std::size_t(*cell)];
    }
  }

  void refuse_missing(const std::vector<Column>& columns) const {
    if (o_.missing != Missing::Error) return;
    const char* first = nullptr;
    std::size_t which = 0;
    for (const Piece& p : pieces_)
      for (std::size_t c = 0; c < columns.size(); ++c)
        if (p.first_missing[c] && (!first || p.first_missing[c] < first)) {
          first = p.first_missing[c];
          which = c;
        }
    if (!first) return;
    const char* cure = numbers_only_ ? "data::read_table has .missing" : ".missing = data::Missing::NaN, Mean, Median or Drop";
    throw Refused{first, int64_t(layout_.wanted[which]), fmt::format("a missing value; {}", cure)};
  }

  [[noreturn]] void refuse(const Refused& refused) const {
    int64_t line = 1;
    for (const char* p = bytes_.begin(); p < refused.at; ++p) line += *p == '\n' || (*p == '\r' && p + 1 != bytes_.end() && p[1] != '\n');
    const std::size_t column = std::size_t(refused.column);
    const std::string name = layout_.named && column < layout_.columns.size() ? " (" + layout_.columns[column].name + ")" : "";
    fail<RuntimeError>("{}, line {}, column {}{}: {}", path_, line, column + 1, name, refused.why);
  }

  const std::string& path_;
  const TableOptions& o_;
  Demand demand_;
  bool numbers_only_;
  FileBytes bytes_;
  Layout layout_;
  std::vector<Piece> pieces_;
  std::vector<char> words_;
};

}  // namespace

Table read_cells(const std::string& path, const TableOptions& options, Demand demand) { return Reader(path, options, demand).read(); }

}  // namespace ember::data
