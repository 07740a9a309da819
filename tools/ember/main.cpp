// The ember command: looks into files, converts and compares them.
#include <ember/error.h>
#include <ember/version.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <new>
#include <vector>

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
  ember export resnet18 checkpoint.pt net.onnx
  ember info                               what this build is
  ember lesson                             batch norm, card by card; --html FILE makes a page
  source <(ember completion bash)          or zsh

Exit status:
  0  done
  1  diff: there are differences
  2  a file was refused or could not be written; one line on standard error says why
  3  wrong arguments)";

constexpr const char* kInspectExamples = R"(Examples:
  ember inspect model.pt
  ember inspect --json model.safetensors | python3 -m json.tool
  ember inspect --skip-unreadable labels.npz   strings and objects are named and left out)";
constexpr const char* kConvertExamples = R"(Examples:
  ember convert model.pt model.safetensors
  ember convert run.npz run.pt
  ember convert --skip-unreadable whole_module.pt weights.safetensors)";
constexpr const char* kDiffExamples = R"(Examples:
  ember diff before.pt after.pt --rtol 1e-5
  ember diff run.npz torch.npz --html report.html   two traces)";
constexpr const char* kExportExamples = R"(Examples:
  ember export resnet18 checkpoint.pt net.onnx
  ember export resnet18 weights.safetensors small.onnx --image 3,64,64
  ember export lenet - lenet.onnx           random weights)";
constexpr const char* kCompletionExamples = R"(Examples:
  source <(ember completion bash)
  ember completion zsh >~/.zfunc/_ember)";

/// How many letters have to be inserted, left out or replaced.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t before = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, before + (a[i - 1] != b[j - 1])});
      before = above;
    }
  }
  return row[b.size()];
}

/// "ember: there is no command inspekt; did you mean inspect?"
int unknown_command(const CLI::App& app, const std::string& word) {
  std::string nearest;
  std::size_t least = 3;  // letters that may differ, and one more
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (const std::size_t d = command->get_name().starts_with(word) ? 0 : distance(word, command->get_name()); d < least)
      least = d, nearest = command->get_name();
  fmt::print(stderr, "ember: there is no command {}{}; ember --help lists them\n", printable(word),
             nearest.empty() ? "" : " (did you mean " + nearest + "?)");
  return kWrongArguments;
}

/// One line, whatever the text.
int refuse(const std::string& text) {
  fmt::print(stderr, "ember: {}\n", printable(text));
  return kRefused;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Looks into files of weights and checkpoints, converts and compares them.", "ember");
  app.footer(kExamples);
  app.set_version_flag("--version", "ember " EMBER_VERSION);
  std::string a, b;
  InspectOptions inspect_options;
  bool skip_unreadable = false;
  DiffRequest tolerances;
  CLI::App* inspecting = app.add_subcommand("inspect", "what a .pt, .safetensors, .npy or .npz holds");
  inspecting->add_option("FILE", a, "the file; its kind is found from its content")->required();
  inspecting->add_flag("--json", inspect_options.json, "one JSON object with name, dtype, shape and SHA-256 of each tensor");
  inspecting->add_flag("--skip-unreadable", inspect_options.skip_unreadable, "leave out what Ember cannot read, and name it");
  inspecting->footer(kInspectExamples);
  CLI::App* converting = app.add_subcommand("convert", "from any format to the one that the second name ends in");
  converting->add_option("FROM", a)->required();
  converting->add_option("TO", b)->required();
  converting->add_flag("--skip-unreadable", skip_unreadable, "leave out what Ember cannot read, and name it");
  converting->footer(kConvertExamples);
  CLI::App* comparing = app.add_subcommand("diff", "where two files differ: weights of any format, or two traces of training runs");
  comparing->add_option("A", a)->required();
  comparing->add_option("B", b)->required();
  comparing->add_option("--rtol", tolerances.rtol, "relative tolerance; 1e-5 for weights, of traces what came before explains")
      ->check(CLI::NonNegativeNumber);
  comparing->add_option("--atol", tolerances.atol, "absolute tolerance; 1e-8 for weights, 0 for traces")->check(CLI::NonNegativeNumber);
  comparing->add_option("--html", tolerances.html, "of traces: write the report as one page");
  comparing->add_option("--rename", tolerances.renames, "of traces: B's name of a module = A's, for all below it as well; may be repeated")
      ->type_name("B=A")
      ->take_all()
      ->allow_extra_args(false);
  std::string out, model;
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
  comparing->footer(kDiffExamples);
  CLI::App* informing = app.add_subcommand("info", "version, instruction set, threads and components of this build");
  ExportFlags exports;
  CLI::App* exporting = app.add_subcommand("export", "a network with the weights of a checkpoint as an ONNX file");
  exporting->add_option("MODEL", model, "lenet, resnet18, mobilenet_v2, ...: a name of ember::models")->required();
  exporting->add_option("CHECKPOINT", a, "weights of any format; -: random ones")->required();
  exporting->add_option("OUT", out, "the file to write")->required();
  exporting->add_option("--classes", exports.classes, "outputs of the network; as many as the weights have when left out")
      ->check(CLI::PositiveNumber);
  exporting->add_option("--image", exports.image, "channels,height,width of the input")->delimiter(',')->expected(3)->check(CLI::PositiveNumber);
  exporting->footer(kExportExamples);
  std::string lesson_file, page;
  bool restart = false;
  CLI::App* teaching = app.add_subcommand("lesson", "the lesson on batch norm: cards, questions, and the programs that prove them");
  teaching->add_option("FILE", lesson_file, "another lesson; lessons/README.md has the format");
  teaching->add_option("--html", page, "write it as one page, with what its programs print and draw");
  teaching->add_flag("--restart", restart, "from the beginning, not from where you stopped");
  CLI::App* completing = app.add_subcommand("completion", "print the completion for a shell");
  completing->add_option("SHELL", a)->required()->check(CLI::IsMember({"bash", "zsh"}));
  completing->footer(kCompletionExamples);
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommands([&](const CLI::App* command) { return command->get_name() == argv[1]; }).empty())
    return unknown_command(app, argv[1]);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongArguments;
  }

  try {
    if (*inspecting) return inspect(a, inspect_options);
    if (*converting) return convert(a, b, skip_unreadable);
    if (*comparing) return diff(a, b, tolerances);
    if (*reporting) return report(a, out);
    if (*tabling) return table(a, flags);
    if (*exporting) return export_model(model, a, out, exports);
    if (*informing) return info();
    if (*teaching) return lesson(lesson_file, page, restart);
    if (*completing) return completion(a);
    fmt::print("{}", app.help());
    return 0;
  } catch (const std::bad_alloc&) {
    return refuse(a + ": not enough memory");
  } catch (const std::exception& error) {
    return refuse(error.what());
  }
}
