// The subcommands of `ember`. Each returns the exit status; what a file makes impossible is thrown and becomes status 2.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct InspectOptions {
  bool json = false;
  bool skip_unreadable = false;  ///< what Ember cannot read is left out and named
};
int inspect(const std::string& path, const InspectOptions& options);
int convert(const std::string& from, const std::string& to, bool skip_unreadable);
int info();

struct DiffRequest {
  double rtol = -1, atol = -1;       ///< negative: the default of what is compared
  std::string html;                  ///< of traces: a page to write
  std::vector<std::string> renames;  ///< of traces: "module of the second run=what the first one calls it"
};
int diff(const std::string& a, const std::string& b, const DiffRequest& options);

/// Writes one page about the run in that folder; to RUN/report.html when `out` is empty.
int report(const std::string& run, const std::string& out);

/// The options of data::read_table as flags.
struct TableFlags {
  bool json = false;
  std::int64_t rows = 5, skip_rows = 0;
  std::string delimiter, header = "auto", target, comment, quote = "\"", decimal = ".", missing = "nan";
  std::vector<std::string> columns, missing_values, whole, numbers, text;
};
int table(const std::string& path, const TableFlags& flags);

/// Of `ember export`.
struct ExportFlags {
  std::int64_t classes = 0;         ///< 0: as many as the weights have
  std::vector<std::int64_t> image;  ///< channels, height, width; empty: the network's own
};
/// A network of ember::models with the weights of a file ("-": random ones) as an ONNX file.
int export_model(const std::string& name, const std::string& checkpoint, const std::string& out, const ExportFlags& flags);

int completion(const std::string& shell);

/// A lesson (the one about batch norm when `path` is empty) in the terminal, as text when piped, or as a page.
int lesson(const std::string& path, const std::string& html, bool restart);
