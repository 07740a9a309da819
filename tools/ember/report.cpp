// `ember report`: one page about a finished run, from what the run wrote into its folder (docs/seeing.md lists the files).
#include <ember/io/npy.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>
#include <ember/train/history.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "commands.h"
#include "io/file.h"
#include "report_page.h"
#include "train/png.h"

namespace {

using namespace ember;
namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw RuntimeError(fmt::format("cannot read {}", path.string()));
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Json> read_json_lines(const fs::path& path) {
  std::vector<Json> lines;
  std::istringstream text(read_text(path));
  int number = 1;
  for (std::string line; std::getline(text, line); ++number) {
    if (line.empty()) continue;
    Json value = Json::parse(line, nullptr, false);
    const bool cut_off = value.is_discarded() && text.eof();  // by a run that was killed
    if (cut_off) break;
    if (!value.is_object())
      throw RuntimeError(fmt::format("{}, line {}: expected one JSON object, got '{}'", path.string(), number, line.substr(0, 60)));
    lines.push_back(std::move(value));
  }
  return lines;
}

double number_in(const Json& line, const char* key) {
  const auto at = line.find(key);
  return at != line.end() && at->is_number() ? at->get<double>() : __builtin_nan("");
}
std::string text_in(const Json& line, const char* key) {
  const auto at = line.find(key);
  if (at == line.end() || at->is_null()) return "";
  return at->is_string() ? at->get<std::string>() : at->dump();
}

// --- confusion and mistakes

struct Confusion {
  std::vector<std::string> names;
  std::vector<std::vector<int64_t>> counts;
};

Confusion read_confusion(const fs::path& path) {
  std::istringstream text(read_text(path));
  Confusion result;
  int number = 1;
  for (std::string line; std::getline(text, line); ++number) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
    if (number == 1) {
      result.names.assign(cells.begin() + (cells.empty() ? 0 : 1), cells.end());
      continue;
    }
    std::vector<int64_t> counts;
    try {
      for (std::size_t i = 1; i < cells.size(); ++i) counts.push_back(std::stoll(cells[i]));
    } catch (const std::exception&) {
      counts.clear();
    }
    if (counts.size() != result.names.size())
      throw RuntimeError(fmt::format("{}, line {}: expected a name and {} counts, got '{}'", path.string(), number, result.names.size(), line));
    result.counts.push_back(counts);
  }
  if (result.names.empty() || result.counts.size() != result.names.size())
    throw RuntimeError(fmt::format("{}: expected as many rows as columns", path.string()));
  return result;
}

std::string confusion_html(const Confusion& confusion) {
  int64_t right = 0, all = 0;
  for (std::size_t r = 0; r < confusion.counts.size(); ++r)
    for (std::size_t c = 0; c < confusion.counts.size(); ++c) {
      all += confusion.counts[r][c];
      right += r == c ? confusion.counts[r][c] : 0;
    }
  std::string html = fmt::format(
      "<p>{} of {} right, accuracy {:.4f}. Rows are the classes, columns what they were taken for.</p>\n<div class=\"wide\"><table "
      "class=\"confusion\"><tr><td></td>",
      right, all, all ? double(right) / double(all) : 0.0);
  for (const std::string& name : confusion.names) html += "<th scope=\"col\">" + ember::escaped(name) + "</th>";
  html += "<th scope=\"col\">recall</th></tr>\n";
  for (std::size_t r = 0; r < confusion.counts.size(); ++r) {
    int64_t of_row = 0;
    for (const int64_t n : confusion.counts[r]) of_row += n;
    html += "<tr><th scope=\"row\">" + ember::escaped(confusion.names[r]) + "</th>";
    for (std::size_t c = 0; c < confusion.counts.size(); ++c) {
      const int64_t n = confusion.counts[r][c];
      const double share = of_row ? double(n) / double(of_row) : 0;
      html += fmt::format("<td class=\"{}\" style=\"--share:{:.3f}\">{}</td>", r == c ? "right" : "wrong", n == 0 ? 0 : std::max(0.08, share),
                          n ? std::to_string(n) : "");
    }
    html += fmt::format("<td>{}</td></tr>\n", of_row ? fmt::format("{:.3f}", double(confusion.counts[r][r]) / double(of_row)) : "");
  }
  return html + "</table></div>\n";
}

std::string mistakes_html(const fs::path& path, const Confusion& confusion) {
  const nn::StateDict arrays = load_npz(path.string());
  const Tensor images = arrays.at("images").to(kFloat64), target = arrays.at("target").to(kInt64).contiguous(),
               prediction = arrays.at("prediction").to(kInt64).contiguous();
  const auto name = [&](int64_t c) { return c >= 0 && c < int64_t(confusion.names.size()) ? confusion.names[std::size_t(c)] : std::to_string(c); };
  if ((images.dim() != 3 && !(images.dim() == 4 && (images.size(1) == 1 || images.size(1) == 3))) || target.numel() != images.size(0) ||
      prediction.numel() != images.size(0))
    return "";  // no pictures: rows of a table, say
  std::string html = "<h3>What was taken for something else</h3>\n<div class=\"mistakes\">";
  for (int64_t i = 0; i < images.size(0); ++i) {
    const Tensor image = images.select(0, i), low = image.min(), range = (image.max() - low).clamp_min(1e-12);
    html += fmt::format(
        "<figure><img alt=\"{0}, taken for {1}\" src=\"data:image/png;base64,{2}\"><figcaption>{0} &rarr; {1}</figcaption></figure>\n",
        ember::escaped(name(target.data<int64_t>()[i])), ember::escaped(name(prediction.data<int64_t>()[i])),
        base64(train::png_bytes("report", ((image - low) / range).to(kFloat32))));
  }
  return html + "</div>\n";
}

// --- inside of the network

using Series = std::map<std::string, train::Curve>;  // by module

std::string layers_html(const fs::path& path) {
  std::vector<std::string> order;  // of modules, as they come
  std::map<std::string, Series> series;
  const auto add = [&](const char* kind, const Json& line, double value) {
    std::string module = text_in(line, "module").empty() ? "(root)" : text_in(line, "module");
    if (const std::string type = text_in(line, "type"); !type.empty()) module += " " + type;
    if (std::find(order.begin(), order.end(), module) == order.end()) order.push_back(module);
    train::Curve& curve = series[kind][module];
    curve.name = module;
    curve.x.push_back(number_in(line, "step"));
    curve.y.push_back(value);
  };
  std::map<std::string, std::vector<const Json*>> norms;
  const std::vector<Json> lines = read_json_lines(path);
  for (const Json& line : lines) {
    const std::string kind = text_in(line, "kind");
    if (kind == "activation") {
      add("std", line, number_in(line, "std"));
      add("mean", line, number_in(line, "mean"));
      add("zeros", line, number_in(line, "zeros"));
    } else if (kind == "gradient") {
      add("gradient", line, number_in(line, "norm"));
      add("ratio", line, number_in(line, "norm") / number_in(line, "weight_norm"));
    } else if (kind == "batch_norm") {
      norms[text_in(line, "module")].push_back(&line);
    }
  }
  std::string html;
  const auto draw = [&](const char* kind, const char* title, const char* label, bool log) {
    if (series[kind].empty()) return;
    train::Plot plot(title, {.label = "step"}, {.label = label, .log = log});
    for (const std::string& module : order)
      if (const auto at = series[kind].find(module); at != series[kind].end()) plot.add(at->second);
    html += "<figure>" + plot.svg(560, 380) + "</figure>\n";
  };
  draw("std", "Standard deviation of activations", "standard deviation", true);
  draw("mean", "Mean of activations", "mean", false);
  draw("zeros", "Share of exact zeros among activations", "share", false);
  draw("gradient", "Gradients", "norm", true);
  draw("ratio", "Gradients relative to weights", "norm of gradient / norm of weights", true);
  std::string page = html.empty() ? "" : section("layers", "Activations and gradients by layer", "<div class=\"plots\">" + html + "</div>");

  html.clear();
  for (const auto& [module, rows] : norms)
    for (const char* what : {"mean", "var"}) {
      std::vector<double> step, quartiles[5];
      for (const Json* row : rows) {
        const auto at = row->find(what);
        if (at == row->end() || !at->is_array() || at->size() != 5) throw RuntimeError(path.string() + ": expected five numbers for each batch norm");
        step.push_back(number_in(*row, "step"));
        for (std::size_t q = 0; q < 5; ++q) quartiles[q].push_back((*at)[q].is_number() ? (*at)[q].get<double>() : __builtin_nan(""));
      }
      const bool is_var = what[0] == 'v';
      train::Plot plot(fmt::format("{}: running_{}", module.empty() ? "(root)" : module, what), {.label = "step"},
                       {.label = is_var ? "variance" : "mean", .log = is_var});
      plot.band("all channels", step, quartiles[0], quartiles[4]).band("middle half", step, quartiles[1], quartiles[3]);
      plot.add({.name = "median", .x = step, .y = quartiles[2]});
      html += "<figure>" + plot.svg(420, 300) + "</figure>\n";
    }
  if (!html.empty()) page += section("batch-norm", "Running statistics of batch norms", "<div class=\"plots\">" + html + "</div>");
  return page;
}

std::string doctor_html(const fs::path& path) {
  const std::vector<Json> lines = read_json_lines(path);
  if (lines.empty()) return "<p>Nothing was found.</p>\n";
  std::string html =
      "<div class=\"wide\"><table><tr><th scope=\"col\">step</th><th scope=\"col\">module</th><th scope=\"col\">what</th><th "
      "scope=\"col\">cure</th></tr>\n";
  for (const Json& line : lines)
    html += fmt::format("<tr class=\"{}\"><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}</td></tr>\n",
                        text_in(line, "kind") == "note" ? "note" : "fault", ember::escaped(text_in(line, "step")),
                        ember::escaped(text_in(line, "module")), ember::escaped(text_in(line, "text")), ember::escaped(text_in(line, "cure")));
  return html + "</table></div>\n";
}

}  // namespace

int report(const std::string& run, const std::string& out) {
  const fs::path folder(run);
  if (!fs::is_directory(folder)) throw RuntimeError(fmt::format("{} is no folder of a run", run));
  std::string body;
  if (fs::exists(folder / "history.csv")) {
    const train::History history = train::History::load((folder / "history.csv").string());
    std::string figures;
    for (const train::Plot& plot : history.panels()) figures += "<figure>" + plot.svg(560, 380) + "</figure>\n";
    std::string last;
    for (const std::string& name : history.names())
      last += fmt::format("<tr><th scope=\"row\">{}</th><td>{:.6g}</td></tr>", ember::escaped(name), history.last(name));
    body += section("curves", "Curves", "<div class=\"plots\">" + figures + "</div>\n<h3>At the end</h3>\n<table>" + last + "</table>");
  }
  if (fs::exists(folder / "doctor.jsonl")) body += section("doctor", "The doctor's findings", doctor_html(folder / "doctor.jsonl"));
  Confusion confusion;
  if (fs::exists(folder / "confusion.csv")) {
    confusion = read_confusion(folder / "confusion.csv");
    std::string html = confusion_html(confusion);
    if (fs::exists(folder / "mistakes.npz")) html += mistakes_html(folder / "mistakes.npz", confusion);
    body += section("confusion", "Confusion", html);
  }
  if (fs::exists(folder / "layers.jsonl")) body += layers_html(folder / "layers.jsonl");
  if (fs::exists(folder / "model.txt"))
    body += section("model", "The model", "<div class=\"wide\"><pre>" + ember::escaped(read_text(folder / "model.txt")) + "</pre></div>");
  if (body.empty())
    throw RuntimeError(fmt::format("{} holds nothing to report: none of history.csv, confusion.csv, layers.jsonl, doctor.jsonl, model.txt", run));

  const std::string path = out.empty() ? (folder / "report.html").string() : out;
  io::AtomicFile file(path);
  file.write(page(fs::weakly_canonical(folder).filename().string(), body));
  file.commit();
  fmt::print("{}\n", path);
  return 0;
}
