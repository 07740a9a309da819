// Tables to tensors, by what the part for training says.
#include <ember/autograd.h>
#include <ember/data/table.h>

#include <algorithm>
#include <cmath>

#include "error_format.h"

namespace ember::data {
namespace {

bool is_one_hot(const Column& column, const TableEncoderOptions& o) { return column.kind == Kind::Text && o.text == Text::OneHot; }

}  // namespace

TableEncoder::TableEncoder(const Table& train, TableEncoderOptions options) : o_(options), columns_(train.columns_), target_(train.target_) {
  check<ValueError>(o_.missing != Missing::Drop,
                    "TableEncoder: rows are dropped from the table: read_table(path, {{.missing = data::Missing::Drop}}) or with_missing");
  const int64_t columns = int64_t(columns_->size());
  fill = full({columns}, NAN, kFloat64);
  std::vector<double> means, deviations;
  for (int64_t c = 0; c < columns; ++c) {
    if (c == target_) continue;
    const Column& column = columns_[std::size_t(c)];
    Tensor values = train.values(c);
    if (o_.missing == Missing::Mean || o_.missing == Missing::Median) {
      const Table one = Table({column}, values.unsqueeze(1)).with_missing(o_.missing);
      // A column without holes says what would fill one as well: a row with one is added for the purpose.
      const Table with_hole = Table({column}, full({values.numel() + 1, 1}, NAN, kFloat64));
      with_hole.cells().narrow(0, 0, values.numel()).copy_(values.unsqueeze(1));
      const Table filled = with_hole.with_missing(o_.missing);
      fill.data<double>()[c] = filled.cells().data<double>()[values.numel()];
      values = one.values(0);
    }
    if (is_one_hot(column, o_)) {
      for (const std::string& word : column.classes) {
        names_.push_back(column.name + "=" + word);
        means.push_back(0);
        deviations.push_back(1);
      }
      continue;
    }
    names_.push_back(column.name);
    double sum = 0, squares = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < values.numel(); ++i)
      if (const double v = values.data<double>()[i]; !std::isnan(v)) {
        sum += v;
        ++n;
      }
    const double mean = n ? sum / double(n) : 0;
    for (int64_t i = 0; i < values.numel(); ++i)
      if (const double v = values.data<double>()[i]; !std::isnan(v)) squares += (v - mean) * (v - mean);
    const double deviation = n ? std::sqrt(squares / double(n)) : 1;
    const bool scaled = o_.standardize && column.kind != Kind::Text;
    means.push_back(scaled ? mean : 0);
    deviations.push_back(scaled && deviation > 0 ? deviation : 1);  // a constant column becomes 0, as in scikit-learn
  }
  mean = from_blob(means.data(), {size()}, kFloat64).clone();
  std = from_blob(deviations.data(), {size()}, kFloat64).clone();
}

Tensor TableEncoder::features(const Table& table) const {
  check<ValueError>(table.columns_->size() == columns_->size(), "TableEncoder: expected the {} columns it was fitted on, got {}", columns_->size(),
                    table.columns_->size());
  const int64_t rows = table.rows(), width = int64_t(columns_->size()), out_width = size();
  Tensor out = zeros({rows, out_width}, kFloat32);
  const double *cells = table.cells_.data<double>(), *means = mean.data<double>(), *deviations = std.data<double>();
  int64_t at = 0;
  for (int64_t c = 0; c < width; ++c) {
    const Column &known = columns_[std::size_t(c)], &column = table.columns_[std::size_t(c)];
    check<ValueError>(column.name == known.name && (column.kind == Kind::Text) == (known.kind == Kind::Text),
                      "TableEncoder: expected column {} to be \"{}\" as in the table it was fitted on, got \"{}\"{}", c + 1, known.name, column.name,
                      column.name == known.name ? " of another kind" : "");
    if (c == target_) continue;
    std::vector<double> codes;  // from this table's codes to those of the table it was fitted on
    for (const std::string& word : column.classes) {
      const auto place = std::lower_bound(known.classes.begin(), known.classes.end(), word);
      codes.push_back(place != known.classes.end() && *place == word ? double(place - known.classes.begin()) : -1);
    }
    const bool one_hot = is_one_hot(known, o_);
    for (int64_t r = 0; r < rows; ++r) {
      double v = cells[r * width + c];
      if (std::isnan(v)) {
        check<ValueError>(o_.missing != Missing::Error,
                          "TableEncoder: row {}, column {} ({}) is missing; .missing = data::Missing::Mean, Median or NaN", r, c + 1, known.name);
        v = fill.data<double>()[c];
      } else if (known.kind == Kind::Text) {
        const double code = codes[std::size_t(v)];
        check<ValueError>(code >= 0, "TableEncoder: row {}, column {} ({}): the word \"{}\" did not occur in the table it was fitted on", r, c + 1,
                          known.name, column.classes[std::size_t(v)]);
        v = code;
      }
      float* row = out.data<float>() + r * out_width + at;
      if (!one_hot) *row = float((v - means[at]) / deviations[at]);
      else if (!std::isnan(v)) row[int64_t(v)] = 1;
    }
    at += one_hot ? int64_t(known.classes.size()) : 1;
  }
  return out;
}

TensorDataset TableEncoder::operator()(const Table& table) const {
  if (target_ < 0) return TensorDataset(features(table));
  const Column &known = columns_[std::size_t(target_)], &column = table.columns_[std::size_t(target_)];
  check<ValueError>(table.target_ == target_ && known.classes == column.classes,
                    "TableEncoder: expected the target \"{}\" with the classes it was fitted on", known.name);
  return TensorDataset(features(table), table.target());
}

}  // namespace ember::data
