// The report as one HTML page without anything from outside: what print_comparison says, and the errors over the steps as curves.
#include <ember/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "diff_page.h"
#include "diff_page_style.h"
#include "diff_trace.h"

namespace {

std::string file_name(const std::string& path) { return ember::escaped(path.substr(path.rfind('/') + 1)); }

// Errors on a logarithmic scale from three decades below the tolerance, the left edge or the bottom, to five above.
constexpr double kBelow = 3, kAbove = 5;
double decades(double ratio) { return ratio > 0 ? std::clamp(std::log10(ratio), -kBelow, kAbove) : -kBelow; }
double portion(double ratio) { return (decades(ratio) + kBelow) / (kBelow + kAbove); }

std::string header(const Comparison& c) {
  std::string runs;
  for (const auto& [name, run] : {std::pair("A", &c.a), std::pair("B", &c.b)})
    runs += fmt::format(R"(<div class="run"><b>{}</b><span class="mono">{}</span><span>{}</span><span>{} steps</span></div>)", name,
                        file_name(run->file), ember::escaped(run->framework), grouped(run->count));
  return fmt::format(R"(<header><p class="tool">ember diff</p><p class="kicker {}">{}</p><h1>{}</h1><div class="runs">{}</div></header>)",
                     c.first ? "bad" : "good", c.first ? "First divergence" : "Within tolerance",
                     c.first ? ember::escaped(headline(c)) : "No divergence", runs);
}

/// How a layer is built, with what the other one has otherwise marked.
std::string built(const TracedRun& run, const TracedModule& module, const TracedModule& other) {
  const auto parts = [](const TracedModule& m) {
    std::vector<std::string> list{m.type + "("};
    for (std::size_t from = 0; from < m.extra.size();) {
      const std::size_t end = std::min(m.extra.find(", ", from), m.extra.size());
      list.push_back(m.extra.substr(from, end - from));
      from = end + 2;
    }
    return list;
  };
  const std::vector<std::string> own = parts(module), others = parts(other);
  std::string text;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const bool differs = std::find(others.begin(), others.end(), own[i]) == others.end();
    text += (i > 1 ? ", " : "") + (differs ? "<mark>" + ember::escaped(own[i]) + "</mark>" : ember::escaped(own[i]));
  }
  return fmt::format(R"(<p class="mono built"><span>{}</span>{})</p>)", file_name(run.file), text);
}

std::string divergence(const Comparison& c) {
  if (!c.first) {
    std::string lines;
    for (const std::string& line : explanation(c)) lines += fmt::format("<p>{}</p>", ember::escaped(line));
    return lines.empty() ? "" : R"(<section class="card calm">)" + lines + "</section>";
  }
  const Finding& f = *c.first;
  std::string out = R"(<section class="card">)";
  if (f.kind == Finding::Values || f.kind == Finding::Update) {
    out += "<dl>";
    const auto fact = [&](const std::string& name, const std::string& value) {
      out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, value);
    };
    fact(fmt::format("A at [{}]", fmt::join(f.index, ", ")), fmt::format("{:.7g}", f.a));
    fact("B", fmt::format("{:.7g}", f.b));
    fact("apart", fmt::format("{:.2g}", f.error));
    fact(f.kind == Finding::Update ? "of the update" : "of all values", std::isfinite(f.distance) ? fmt::format("{:.2g}", f.distance) : "∞");
    fact("explained", fmt::format("{:.1g}", f.tolerance));
    fact("times the tolerance", ratio_text(f.ratio));
    fact("elements past it", fmt::format("{} of {}", grouped(f.past), grouped(f.count)));
    out += "</dl>";
  } else {
    out += fmt::format(R"(<p class="measure">{}</p>)", ember::escaped(measure(f)));
  }
  for (const std::string& line : explanation(c))
    if (!line.starts_with("  ") || !built_differently(c))
      out += line.starts_with("  ") ? fmt::format(R"(<p class="mono listed">{}</p>)", ember::escaped(line))
                                    : fmt::format("<p>{}</p>", ember::escaped(line));
  if (built_differently(c)) {
    const TracedModule &a = *c.a.find(f.path), &b = *c.b.find(f.path);
    out += built(c.a, a, b) + built(c.b, b, a);
  }
  return out + "</section>";
}

/// Farther apart than the tolerance, close to it, within, equal, or not recorded in both.
std::string cell(const char* title, const std::string& when, bool there, double ratio) {
  if (!there) return fmt::format(R"(<td class="cell"><i class="none" title="{}: none in both runs"></i></td>)", title);
  const char* const kind = ratio > 1 ? "bad" : ratio > 0.5 ? "near" : ratio > 0 ? "good" : "equal";
  return fmt::format(R"(<td class="cell"><i class="{}" title="{} {}: {} times the tolerance"></i></td>)", kind, title, when, ratio_text(ratio));
}

/// What the cells show: the step of the first divergence, before it has spread, or the worst of all steps.
Layer::Groups shown(const Comparison& c, const Layer& layer) {
  Layer::Groups worst;
  for (const auto& [step, groups] : layer.steps) {
    if (c.first && step != c.first->step) continue;
    worst.forward = std::max(worst.forward, groups.forward);
    worst.state = std::max(worst.state, groups.state);
    worst.backward = std::max(worst.backward, groups.backward);
    worst.has_forward |= groups.has_forward, worst.has_state |= groups.has_state, worst.has_backward |= groups.has_backward;
  }
  return worst;
}

constexpr const char *kForward = "inputs and outputs", *kState = "parameters and buffers", *kBackward = "gradients";

std::string table_head(const std::string& when) {
  std::string out = R"(<tr><th>layer<th class="type">module)";
  for (const auto& [head, title] : {std::pair("fwd", kForward), std::pair("state", kState), std::pair("bwd", kBackward)})
    out += fmt::format(R"(<th title="{} {}">{})", title, when, head);
  out += R"(<th class="number" title="the largest difference of all arrays and steps, relative to the values">apart<th class="bars">)";
  out += R"(<th class="number" title="in units of what came before it explains">× tol.)";
  return out + R"(<th class="at">where</tr>)";
}

std::string part_text(double distance) { return distance == 0 ? "0" : distance >= 10 ? "∞" : fmt::format("{:.0e}", distance); }

std::string table_row(const Comparison& c, std::size_t i, const std::string& when) {
  const Layer& l = c.layers[i];
  const bool first = c.first && c.first->path == l.path;
  const Layer::Groups groups = shown(c, l);
  std::string out = fmt::format(R"(<tr{}><td class="mono"><i class="swatch" style="background:{}"></i>{}</td><td class="type">{}</td>)",
                                first ? R"( class="first")" : "", colour(i, c.layers.size()), ember::escaped(l.path), type_of(l));
  out += cell(kForward, when, groups.has_forward, groups.forward) + cell(kState, when, groups.has_state, groups.state) +
         cell(kBackward, when, groups.has_backward, groups.backward);
  out += fmt::format(R"(<td class="number">{}</td>)", l.distance == 0 && !std::isfinite(l.worst.ratio) ? "—" : part_text(l.distance));
  out += fmt::format(R"(<td class="bars"><div class="bar"><i class="{}" style="width:{:.1f}%"></i></div></td>)", l.worst.ratio > 1 ? "bad" : "good",
                     100 * portion(l.worst.ratio));
  const Finding& f = l.since ? *l.since : l.worst;
  std::string what = ember::escaped(f.what);
  if (const std::size_t dot = what.find('.'); dot != std::string::npos) what.insert(dot + 1, "<wbr>");  // where a narrow column may break it
  const std::string at = f.ratio == 0 ? "equal" : fmt::format("{}step {}, {}", l.since ? "since " : "", f.step, what);
  return out + fmt::format(R"(<td class="number">{}</td><td class="at">{}{}</td></tr>)", ratio_text(l.worst.ratio), at, first ? "<b>first</b>" : "");
}

std::string legend(const Comparison& c, const std::string& when) {
  std::string out = fmt::format("<p class=\"legend\">fwd, state, bwd: inputs and outputs, parameters and buffers, gradients, {}: ", when);
  for (const auto& [kind, text] : {std::pair("equal", "equal"), std::pair("good", "within the tolerance"), std::pair("near", "more than half of it"),
                                   std::pair("bad", "past it"), std::pair("none", "not there")})
    out += fmt::format(R"(<span class="cell"><i class="{}"></i>{}</span> )", kind, text);
  out +=
      "<br>Bars: the worst array in units of its tolerance, × tol., from a thousandth to 100,000 times; the line in them is the tolerance, which is "
      "what all that came before explains. apart: the largest difference, relative to the values.";
  if (c.first) out += " After a divergence everything is apart, and explained by it: only what is not explained is past its tolerance.";
  return out + "</p>";
}

std::string table(const Comparison& c) {
  const std::string when = c.first ? fmt::format("in step {}", c.first->step) : "in the worst step";
  std::string rows;
  for (std::size_t i = 0; i < c.layers.size(); ++i) rows += table_row(c, i, when);
  return fmt::format(R"(<section><h2>By layer</h2><div class="scroll"><table><thead>{}</thead><tbody>{}</tbody></table></div>{}</section>)",
                     table_head(when), rows, legend(c, when));
}

std::string notes(const Comparison& c) {
  std::string out = fmt::format("<p>Compared: {}. {} of {} arrays are farther apart than what came before them explains.</p>",
                                ember::escaped(summary(c)), grouped(c.diverging), grouped(c.arrays));
  for (const std::string& note : c.notes) out += fmt::format("<p>{}.</p>", ember::escaped(note));
  return "<footer>" + out + "</footer>";
}

}  // namespace

void write_page(const Comparison& c, const std::string& path) {
  const std::string page = fmt::format(
      R"(<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">)"
      "<title>ember diff {} {}</title><style>{}</style></head><body><main>{}{}{}{}{}</main></body></html>\n",
      file_name(c.a.file), file_name(c.b.file), kPageStyle, header(c), divergence(c), table(c), c.steps.empty() ? "" : chart(c), notes(c));
  std::ofstream out(path, std::ios::binary);
  out << page;
  out.close();
  if (!out) throw ember::RuntimeError(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
}
