// parity_runner DIR [--strict]: runs a suite of comparison cases and says what differs from PyTorch.
// --json FILE writes the table as {"kinds": {...}, "names": {...}}, with the tolerances that are wider than the default.
#include "runner/workers.h"

#include "error_format.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <thread>

namespace ember::parity {
namespace {

struct Row {
  int64_t passed = 0, failed = 0, skipped = 0;
  double worst = 0;
};

std::string case_id(const Suite& suite, std::size_t i) {
  try {
    return Json::parse(suite.line(i)).at("id");
  } catch (const std::exception&) {
    return fmt::format("line {}", i + 1);
  }
}

std::string kind_of(const Json& json) {
  if (json.contains("raises")) return "raises";
  for (const char* kind : {"call", "module", "optimizer", "scheduler", "rng", "train"})
    if (json.contains(kind)) return kind;
  return "unknown";
}

void count(Json& row, const Outcome& outcome) {
  const char* key = outcome.kind == Outcome::Passed ? "passed" : outcome.kind == Outcome::Failed ? "failed" : "skipped";
  if (row.is_null()) row = {{"passed", 0}, {"failed", 0}, {"skipped", 0}, {"worst", 0.0}};
  row[key] = row[key].get<int64_t>() + 1;
  if (outcome.kind == Outcome::Passed) row["worst"] = std::max(row["worst"].get<double>(), outcome.worst);
}

/// The table as JSON, by kind of case and by name. "wider" tells how many cases of a name bring a tolerance of their own, and the largest.
void write_json(const std::string& path, const Suite& suite, const std::vector<Outcome>& outcomes) {
  Json table = {{"kinds", Json::object()}, {"names", Json::object()}};
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Json json = Json::parse(suite.line(i), nullptr, false);
    if (json.is_discarded()) continue;
    count(table["kinds"][kind_of(json)], outcomes[i]);
    Json& row = table["names"][outcomes[i].name];
    count(row, outcomes[i]);
    if (!json.contains("rtol") && !json.contains("atol")) continue;
    Json& wider = row["wider"];
    if (wider.is_null()) wider = {{"cases", 0}, {"rtol", 0.0}, {"atol", 0.0}};
    wider["cases"] = wider["cases"].get<int64_t>() + 1;
    for (const char* key : {"rtol", "atol"}) wider[key] = std::max(wider[key].get<double>(), json.value(key, 0.0));
  }
  std::ofstream(path) << table.dump(1) << "\n";
}

int report(const Suite& suite, const std::vector<Outcome>& outcomes, bool strict) {
  std::map<std::string, Row> table;
  Row total;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Outcome& outcome = outcomes[i];
    for (Row* row : {&table[outcome.name], &total}) {
      (outcome.kind == Outcome::Passed ? row->passed : outcome.kind == Outcome::Failed ? row->failed : row->skipped)++;
      if (outcome.kind == Outcome::Passed) row->worst = std::max(row->worst, outcome.worst);
    }
    if (outcome.kind == Outcome::Passed) continue;
    std::string text;
    for (const std::string& message : outcome.messages) text += (text.empty() ? "" : "; ") + message;
    for (char& c : text)
      if (c == '\n') c = ' ';
    fmt::print("{}{}: {}\n", outcome.kind == Outcome::Skipped ? "unsupported: " : "FAILED ",
               outcome.kind == Outcome::Skipped ? text : case_id(suite, i), outcome.kind == Outcome::Skipped ? case_id(suite, i) : text);
  }
  fmt::print("\n{:44} {:>7} {:>7} {:>7} {:>17}\n", "name", "passed", "failed", "skipped", "error / tolerance");
  for (const auto& [name, row] : table) fmt::print("{:44} {:>7} {:>7} {:>7} {:>17.3g}\n", name, row.passed, row.failed, row.skipped, row.worst);
  fmt::print("\n{} passed, {} failed, {} skipped\n", total.passed, total.failed, total.skipped);
  return total.failed || (strict && total.skipped) ? 1 : 0;
}

int run(int argc, char** argv) {
  std::string folder, json_file;
  bool strict = false;
  int workers = std::max(1, int(std::thread::hardware_concurrency()));
  double seconds = 60;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--strict")) strict = true;
    else if (!std::strcmp(argv[i], "--names")) {
      for (const std::vector<std::string>& names : {bound_names(), bound_modules()})
        for (const std::string& name : names) fmt::print("{}\n", name);
      return 0;
    } else if (!std::strcmp(argv[i], "--signatures")) {
      for (const std::string& line : signatures()) fmt::print("{}\n", line);
      return 0;
    } else if (!std::strcmp(argv[i], "--workers") && i + 1 < argc) workers = std::max(1, std::atoi(argv[++i]));
    else if (!std::strcmp(argv[i], "--seconds") && i + 1 < argc) seconds = std::atof(argv[++i]);
    else if (!std::strcmp(argv[i], "--json") && i + 1 < argc) json_file = argv[++i];
    else if (argv[i][0] != '-' && folder.empty()) folder = argv[i];
    else folder.clear(), i = argc;
  }
  if (folder.empty()) {
    fmt::print(stderr, "usage: parity_runner DIR [--strict] [--json FILE] [--workers N] [--seconds PER_CASE] | --names | --signatures\n");
    return 2;
  }
  const Suite suite(folder);
  bound_names();  // builds the tables once, before the workers are forked
  const std::vector<Outcome> outcomes = run_all(suite, workers, seconds);
  if (!json_file.empty()) write_json(json_file, suite, outcomes);
  return report(suite, outcomes, strict);
}

}  // namespace
}  // namespace ember::parity

int main(int argc, char** argv) {
  try {
    return ember::parity::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "parity_runner: {}\n", error.what());
    return 2;
  }
}
