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
  ember lesson                             batch norm, card by card; --html FILE makes a page
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
  comparing->add_option("--rtol", tolerances.rtol, "relative tolerance; 1e-5 for weights, of traces by dtype and step")->check(CLI::NonNegativeNumber);
  comparing->add_option("--atol", tolerances.atol, "absolute tolerance; 1e-8 for weights, 0 for traces")->check(CLI::NonNegativeNumber);
  comparing->add_option("--html", tolerances.html, "of traces: write the report as one page");
  comparing->add_option("--rename", tolerances.renames, "of traces: B's name of a module = A's, for all below it as well; may be repeated")
      ->type_name("B=A")->take_all()->allow_extra_args(false);
  std::string out;
  CLI::App* reporting = app.add_subcommand("report", "one page about a finished run: curves, confusion, layers, batch norms, findings");
  reporting->add_option("RUN", a, "the folder that the run wrote")->required();
  reporting->add_option("--out", out, "the page; RUN/report.html when left out");
  std::string lesson_file, page;
  bool restart = false;
  CLI::App* teaching = app.add_subcommand("lesson", "the lesson on batch norm: cards, questions, and the programs that prove them");
  teaching->add_option("FILE", lesson_file, "another lesson; lessons/README.md has the format");
  teaching->add_option("--html", page, "write it as one page, with what its programs print and draw");
  teaching->add_flag("--restart", restart, "from the beginning, not from where you stopped");
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
