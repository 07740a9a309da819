// Walks over the cells of a row: quotes, separators, numbers.
#include "data/table_scan.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "error_format.h"

namespace ember::data {
namespace {

constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

void Scanner::skip_line_end() {
  if (at_ != end_ && d_.comment && *at_ == d_.comment)
    while (at_ != end_ && *at_ != '\n' && *at_ != '\r') ++at_;
  if (at_ != end_ && *at_ == '\r') ++at_;
  else if (at_ != end_ && *at_ == '\n') {
    ++at_;
    return;
  }
  if (at_ != end_ && *at_ == '\n' && at_[-1] == '\r') ++at_;
}

bool Scanner::next_row() {
  while (at_ != end_) {
    const char* p = at_;
    while (p != end_ && is_blank(*p) && *p != d_.delimiter) ++p;
    if (blanks())
      while (p != end_ && is_blank(*p)) ++p;
    if (!at_end_of_row(p)) {
      if (blanks()) at_ = p;
      return true;
    }
    at_ = p;
    skip_line_end();
  }
  return false;
}

void Scanner::finish(Cell& cell, const char* p) {
  if (blanks())
    while (p != end_ && is_blank(*p)) ++p;
  cell.last = at_end_of_row(p);
  at_ = p;
  if (cell.last) skip_line_end();
  else if (!blanks()) ++at_;
}

Scanner::Cell Scanner::cell(int64_t column) {
  if (d_.quote && at_ != end_ && *at_ == d_.quote) return quoted_cell(column);
  const char* p = at_;
  if (blanks())
    while (!at_end_of_row(p) && !is_blank(*p)) ++p;
  else
    while (!at_end_of_row(p) && *p != d_.delimiter) ++p;
  Cell cell{std::string_view(at_, std::size_t(p - at_)), at_};
  finish(cell, p);
  return cell;
}

Scanner::Cell Scanner::quoted_cell(int64_t column) {
  const char* const begin = at_;
  const char* p = at_ + 1;
  unquoted_.clear();
  while (true) {
    const char* stop = p;
    while (stop != end_ && *stop != d_.quote) ++stop;
    if (stop == end_) throw Refused{begin, column, "the quote that opens here is never closed"};
    unquoted_.append(p, stop);
    p = stop + 1;
    if (p == end_ || *p != d_.quote) break;
    unquoted_ += d_.quote;  // a quote that is written twice
    ++p;
  }
  for (; p != end_ && is_blank(*p) && *p != d_.delimiter; ++p)
    if (!blanks()) unquoted_ += *p;  // as pandas: they belong to the cell
  if (!at_end_of_row(p) && *p != d_.delimiter && !(blanks() && is_blank(p[-1])))
    throw Refused{begin, column, "behind the closing quote stands " + shown(std::string_view(p, std::size_t(std::min<std::ptrdiff_t>(end_ - p, 1))))};
  Cell cell{unquoted_, begin, true};
  finish(cell, p);
  return cell;
}

// Up to 15 digits and 22 behind the point are exact by one division (Clinger 1990); everything else goes the long way.
bool Scanner::plain_number(double& value, bool& whole, bool& last) {
  const char* p = at_;
  const bool negative = p != end_ && *p == '-';
  p += negative;
  std::uint64_t mantissa = 0;
  const char* const digits = p;
  while (p != end_ && unsigned(*p - '0') < 10) mantissa = mantissa * 10 + std::uint64_t(*p++ - '0');
  std::ptrdiff_t count = p - digits, fraction = 0;
  if (p != end_ && *p == d_.decimal) {
    const char* const behind = ++p;
    while (p != end_ && unsigned(*p - '0') < 10) mantissa = mantissa * 10 + std::uint64_t(*p++ - '0');
    fraction = p - behind;
    count += fraction;
    whole = false;
  }
  if (count == 0 || count > 15) return false;
  double v = double(mantissa);
  if (fraction > 0) v /= kPowers[fraction];
  if (p != end_ && *p == d_.delimiter && !blanks()) {
    at_ = p + 1;
    last = false;
  } else if (p != end_ && *p == '\n') {
    at_ = p + 1;
    last = true;
  } else if (at_end_of_row(p) || (blanks() && is_blank(*p))) {
    Cell cell;
    finish(cell, p);
    last = cell.last;
  } else {
    return false;
  }
  value = negative ? -v : v;
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool parse_number(std::string_view text, char decimal, double& value, bool& whole) {
  text = trimmed(text);
  std::string with_point;
  if (decimal != '.') {
    if (text.find('.') != text.npos) return false;
    with_point = text;
    for (char& c : with_point)
      if (c == decimal) c = '.';
    text = with_point;
  }
  if (!text.empty() && text[0] == '+' && (text.size() < 2 || text[1] != '-')) text.remove_prefix(1);
  if (text.empty()) return false;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (stop != text.data() + text.size() || std::isnan(value)) return false;  // NAN is a word, unless it is one for a missing cell
  if (error == std::errc::result_out_of_range) value = std::strtod(std::string(text).c_str(), nullptr);  // 0 or infinity
  else if (error != std::errc()) return false;
  whole = text.find_first_not_of("-0123456789") == text.npos;
  return true;
}

std::string shown(std::string_view text) {
  std::string out;
  const std::size_t length = std::min<std::size_t>(text.size(), 40);
  for (char c : text.substr(0, length)) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out += c;
    else
      out += c == '\n'   ? std::string("\\n")
             : c == '\r' ? std::string("\\r")
             : c == '\t' ? std::string("\\t")
                         : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  if (length < text.size()) {
    while (!out.empty() && (out.back() & 0xc0) == 0x80) out.pop_back();  // no half character of UTF-8
    if (!out.empty() && (out.back() & 0x80)) out.pop_back();
    out += "...";
  }
  return "\"" + out + "\"";
}

}  // namespace ember::data
