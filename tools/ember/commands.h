// The subcommands of `ember`. Each returns the exit status; what a file makes impossible is thrown and becomes status 2.
#pragma once

#include <string>
#include <vector>

int inspect(const std::string& path, bool json);
int convert(const std::string& from, const std::string& to);

struct DiffOptions {
  double rtol = -1, atol = -1;  ///< negative: the default of what is compared
  std::string html;             ///< of traces: a page to write
  std::vector<std::string> renames;  ///< of traces: "module of the second run=what the first one calls it"
};
int diff(const std::string& a, const std::string& b, const DiffOptions& options);

/// Writes one page about the run in that folder; to RUN/report.html when `out` is empty.
int report(const std::string& run, const std::string& out);

int completion(const std::string& shell);

/// A lesson (the one about batch norm when `path` is empty) in the terminal, as text when piped, or as a page.
int lesson(const std::string& path, const std::string& html, bool restart);
