// History: the numbers of a run by step, as a table that grows, on disk and as curves.
//
//   train::History history;
//   history.add(epoch, {{"train loss", loss}, {"accuracy", accuracy}});
//   history.save("run");   // run/history.csv, run/history.jsonl, run/history.svg
#pragma once

#include <ember/train/plot.h>

#include <cstdint>
#include <utility>

namespace ember::train {

class History {
 public:
  using Values = std::vector<std::pair<std::string, double>>;

  /// The name of the first column: what steps are.
  explicit History(std::string step_name = "epoch") : step_name_(std::move(step_name)) {}

  /// A row; one that has the step already gets the values added. A name that is new gets a column, NaN in the rows before.
  void add(std::int64_t step, const Values& values);

  std::int64_t size() const { return std::int64_t(steps_.size()); }
  const std::vector<std::int64_t>& steps() const { return steps_; }
  std::vector<std::string> names() const;
  /// A column, NaN where a row has no value. Throws ValueError naming the columns that there are.
  const std::vector<double>& operator[](const std::string& name) const;
  double last(const std::string& name) const;  ///< the last value that is a number

  /// Curves of these columns (all when none is named) over the steps.
  Plot plot(const std::string& title, const std::vector<std::string>& names = {}, double smoothing = 0, bool log = false) const;

  /// One plot for each kind of number: names with the same last word ("train loss", "test loss") share one.
  std::vector<Plot> panels() const;

  std::string csv() const;         ///< a header, then a row for each step; numbers that read back as they were, empty where there is none
  std::string json_lines() const;  ///< one object a line; null where a value is not finite
  /// Writes history.csv, history.jsonl and history.svg into the folder, which is made where it does not exist; each file whole or not at
  /// all. The picture is that of panels().
  void save(const std::string& folder) const;
  /// Reads a history.csv, to go on with it. Throws RuntimeError with file and line for what save() does not write.
  static History load(const std::string& csv_path);

 private:
  struct Column {
    std::string name;
    std::vector<double> values;
  };
  std::vector<double>& column(const std::string& name);

  std::string step_name_;
  std::vector<std::int64_t> steps_;
  std::vector<Column> columns_;
};

}  // namespace ember::train
