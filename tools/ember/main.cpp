// The ember command: looks into files, converts and compares them.
#include <ember/error.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <new>

#include "commands.h"
#include "tensors.h"

namespace {

constexpr int kRefused = 2, kWrongArguments = 3;

constexpr const char* kExamples = R"(Examples:
  ember inspect model.pt                   names, shapes, statistics; batch norms at a glance
  ember inspect --json model.safetensors   one JSON object with a SHA-256 of each tensor
  ember convert model.pt model.safetensors
  ember diff before.pt after.pt --rtol 1e-5
  ember diff run.npz torch.npz             two traces: which layer differs, and since when
  ember report runs/mnist_cnn              one page: curves, confusion, layers, batch norms
  ember table people.csv --missing mean    head, kinds, words and missing cells of a table
  source <(ember completion bash)          or zsh

Exit status:
  0  done
  1  diff: there are differences
  2  a file was refused or could not be written; one line on standard error says why
  3  wrong arguments)";

/// One line, whatever the text.
int refuse(const std::string& text) {
  fmt::print(stderr, "ember: {}\n", printable(text));
  return kRefused;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Looks into files of weights and checkpoints, converts and compares them.", "ember");
  app.footer(kExamples);
  app.set_version_flag("--version", "ember 0.1.0");
  std::string a, b;
  bool json = false;
  DiffOptions tolerances;
  CLI::App* inspecting = app.add_subcommand("inspect", "what a .pt, .safetensors, .npy or .npz holds");
  inspecting->add_option("FILE", a, "the file; its kind is found from its content")->required();
  inspecting->add_flag("--json", json, "one JSON object with name, dtype, shape and SHA-256 of each tensor");
  CLI::App* converting = app.add_subcommand("convert", "from any format to the one that the second name ends in");
  converting->add_option("FROM", a)->required();
  converting->add_option("TO", b)->required();
  CLI::App* comparing = app.add_subcommand("diff", "where two files differ: weights of any format, or two traces of training runs");
  comparing->add_option("A", a)->required();
  comparing->add_option("B", b)->required();
  comparing->add_option("--rtol", tolerances.rtol, "relative tolerance; 1e-5 for weights, of traces what came before explains")->check(CLI::NonNegativeNumber);
  comparing->add_option("--atol", tolerances.atol, "absolute tolerance; 1e-8 for weights, 0 for traces")->check(CLI::NonNegativeNumber);
  comparing->add_option("--html", tolerances.html, "of traces: write the report as one page");
  comparing->add_option("--rename", tolerances.renames, "of traces: B's name of a module = A's, for all below it as well; may be repeated")
      ->type_name("B=A")->take_all()->allow_extra_args(false);
  std::string out;
  CLI::App* reporting = app.add_subcommand("report", "one page about a finished run: curves, confusion, layers, batch norms, findings");
  reporting->add_option("RUN", a, "the folder that the run wrote")->required();
  reporting->add_option("--out", out, "the page; RUN/report.html when left out");
  TableFlags flags;
  CLI::App* tabling = app.add_subcommand("table", "a table of a text file as data::read_table reads it: its head, columns, missing cells");
  tabling->add_option("FILE", a)->required();
  tabling->add_flag("--json", flags.json, "one JSON object: rows, and of each column name, kind, missing, mean, std, min, max, classes");
  tabling->add_option("--rows", flags.rows, "how many rows to show")->check(CLI::NonNegativeNumber);
  tabling->add_option("--delimiter,--sep", flags.delimiter, "between cells: a character, or tab; of itself the first of , tab ; | in the first line");
  tabling->add_option("--header", flags.header, "whether the first line holds names")->check(CLI::IsMember({"auto", "none", "first"}));
  tabling->add_option("--columns", flags.columns, "the ones to read: names, or numbers from 0")->delimiter(',');
  tabling->add_option("--target", flags.target, "the column to be predicted");
  tabling->add_option("--skip-rows", flags.skip_rows, "lines before the table")->check(CLI::NonNegativeNumber);
  tabling->add_option("--comment", flags.comment, "what follows this character is left out");
  tabling->add_option("--quote", flags.quote, "around cells; none: quotes are characters like others");
  tabling->add_option("--decimal", flags.decimal, "decimal mark");
  tabling->add_option("--missing-values", flags.missing_values, "words for a missing cell, instead of NA, ?, ...")->delimiter(',');
  tabling->add_option("--missing", flags.missing, "what becomes of missing cells")->check(CLI::IsMember({"nan", "error", "mean", "median", "drop"}));
  tabling->add_option("--whole", flags.whole, "columns that must hold whole numbers")->delimiter(',');
  tabling->add_option("--numbers", flags.numbers, "columns that must hold numbers")->delimiter(',');
  tabling->add_option("--text", flags.text, "columns of words, also where they look like numbers")->delimiter(',');
  CLI::App* completing = app.add_subcommand("completion", "print the completion for a shell");
  completing->add_option("SHELL", a)->required()->check(CLI::IsMember({"bash", "zsh"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongArguments;
  }

  try {
    if (*inspecting) return inspect(a, json);
    if (*converting) return convert(a, b);
    if (*comparing) return diff(a, b, tolerances);
    if (*reporting) return report(a, out);
    if (*tabling) return table(a, flags);
    if (*completing) return completion(a);
    fmt::print("{}", app.help());
    return 0;
  } catch (const std::bad_alloc&) {
    return refuse(a + ": not enough memory");
  } catch (const std::exception& error) {
    return refuse(error.what());
  }
}
