// The report as one HTML page without anything from outside: what print_comparison says, and the errors over the steps as curves.
#include <ember/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "diff_page_style.h"
#include "diff_trace.h"

namespace {

std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

std::string file_name(const std::string& path) { return escape(path.substr(path.rfind('/') + 1)); }

/// Layers in the order of execution, from blue over green to yellow: neighbours look alike.
std::string colour(std::size_t layer, std::size_t layers) {
  const double t = layers < 2 ? 0 : double(layer) / double(layers - 1);
  return fmt::format("hsl({:.0f} {:.0f}% var(--curve-light))", 250 - 200 * t, 62 + 12 * t);
}

// Errors on a logarithmic scale from three decades below the tolerance, the left edge or the bottom, to five above.
constexpr double kBelow = 3, kAbove = 5;
double decades(double ratio) { return ratio > 0 ? std::clamp(std::log10(ratio), -kBelow, kAbove) : -kBelow; }
double portion(double ratio) { return (decades(ratio) + kBelow) / (kBelow + kAbove); }

std::string type_of(const Layer& layer) { return escape((layer.a ? layer.a : layer.b)->type); }

std::string header(const Comparison& c) {
  std::string runs;
  for (const auto& [name, run] : {std::pair("A", &c.a), std::pair("B", &c.b)})
    runs += fmt::format(R"(<div class="run"><b>{}</b><span class="mono">{}</span><span>{}</span><span>{} steps</span></div>)", name,
                        file_name(run->file), escape(run->framework), grouped(run->count));
  return fmt::format(R"(<header><p class="tool">ember diff</p><p class="kicker {}">{}</p><h1>{}</h1><div class="runs">{}</div></header>)",
                     c.first ? "bad" : "good", c.first ? "First divergence" : "Within tolerance",
                     c.first ? escape(headline(c)) : "No divergence", runs);
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
    text += (i > 1 ? ", " : "") + (differs ? "<mark>" + escape(own[i]) + "</mark>" : escape(own[i]));
  }
  return fmt::format(R"(<p class="mono built"><span>{}</span>{})</p>)", file_name(run.file), text);
}

std::string divergence(const Comparison& c) {
  if (!c.first) return "";
  const Finding& f = *c.first;
  std::string out = R"(<section class="card">)";
  if (f.kind == Finding::Values) {
    out += "<dl>";
    const auto fact = [&](const std::string& name, const std::string& value) {
      out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, value);
    };
    fact(fmt::format("A at [{}]", fmt::join(f.index, ", ")), fmt::format("{:.7g}", f.a));
    fact("B", fmt::format("{:.7g}", f.b));
    fact("apart", fmt::format("{:.2g}", f.error));
    fact("tolerance", fmt::format("{:.2g}", f.tolerance));
    fact("times the tolerance", ratio_text(f.ratio));
    fact("elements past it", fmt::format("{} of {}", grouped(f.past), grouped(f.count)));
    out += "</dl>";
  } else {
    out += fmt::format(R"(<p class="measure">{}</p>)", escape(measure(f)));
  }
  for (const std::string& line : explanation(c))
    if (!line.starts_with("  ")) out += fmt::format("<p>{}</p>", escape(line));
  if (built_differently(c)) {
    const TracedModule &a = *c.a.find(f.path), &b = *c.b.find(f.path);
    out += built(c.a, a, b) + built(c.b, b, a);
  }
  return out + "</section>";
}

std::string cell(const char* title, const std::string& when, double ratio) {
  const char* const kind = ratio > 1 ? "bad" : ratio > 0.5 ? "near" : ratio > 0 ? "good" : "equal";
  return fmt::format(R"(<td class="cell"><i class="{}" title="{} {}: {} times the tolerance"></i></td>)", kind, title, when,
                     ratio_text(ratio));
}

/// What the cells show: the step of the first divergence, before it has spread, or the worst of all steps.
Layer::Groups shown(const Comparison& c, const Layer& layer) {
  Layer::Groups worst;
  for (const auto& [step, groups] : layer.steps) {
    if (c.first && step != c.first->step) continue;
    worst.forward = std::max(worst.forward, groups.forward);
    worst.state = std::max(worst.state, groups.state);
    worst.backward = std::max(worst.backward, groups.backward);
  }
  return worst;
}

constexpr const char *kForward = "inputs and outputs", *kState = "parameters and buffers", *kBackward = "gradients";

std::string table_head(const Comparison& c, const std::string& when) {
  std::string out = "<tr><th>layer<th>module";
  for (const auto& [head, title] : {std::pair("fwd", kForward), std::pair("state", kState), std::pair("bwd", kBackward)})
    out += fmt::format(R"(<th title="{} {}">{})", title, when, head);
  out += R"(<th class="bars">worst error <small>logarithmic; the line is the tolerance</small><th class="number">× tol.)";
  return out + (c.first ? "<th>since</tr>" : "<th>at</tr>");
}

std::string table_row(const Comparison& c, std::size_t i, const std::string& when) {
  const Layer& l = c.layers[i];
  const bool first = c.first && c.first->path == l.path;
  const Layer::Groups groups = shown(c, l);
  std::string out = fmt::format(R"(<tr{}><td class="mono"><i class="swatch" style="background:{}"></i>{}</td><td>{}</td>)",
                                first ? R"( class="first")" : "", colour(i, c.layers.size()), escape(l.path), type_of(l));
  out += cell(kForward, when, groups.forward) + cell(kState, when, groups.state) + cell(kBackward, when, groups.backward);
  out += fmt::format(R"(<td class="bars"><div class="bar"><i class="{}" style="width:{:.1f}%"></i></div></td>)",
                     l.worst.ratio > 1 ? "bad" : "good", 100 * portion(l.worst.ratio));
  const Finding& f = l.since ? *l.since : l.worst;
  const std::string at = f.ratio == 0 ? "equal" : fmt::format("step {}, {}", f.step, escape(f.what));
  return out + fmt::format(R"(<td class="number">{}</td><td class="at">{}{}</td></tr>)", ratio_text(l.worst.ratio), at,
                           first ? "<b>first</b>" : "");
}

std::string table(const Comparison& c) {
  const std::string when = c.first ? fmt::format("in step {}", c.first->step) : "in the worst step";
  std::string rows;
  for (std::size_t i = 0; i < c.layers.size(); ++i) rows += table_row(c, i, when);
  return fmt::format(R"(<section><h2>By layer</h2><div class="scroll"><table><thead>{}</thead><tbody>{}</tbody></table></div></section>)",
                     table_head(c, when), rows);
}

/// Errors over steps: one curve for each layer.
class Chart {
 public:
  explicit Chart(const Comparison& c) : c_(c) {
    double top = 1;
    for (const Layer& l : c.layers)
      for (const auto& [step, groups] : l.steps) top = std::max(top, decades(groups.worst()));
    above_ = std::ceil(top);
  }

  std::string draw() const {
    std::string out;
    for (double d = -kBelow; d <= above_; d += 1) out += grid(d);
    for (const int64_t step : ticks())
      out += fmt::format(R"(<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>)", x(step), kHeight - 16, step);
    out += fmt::format(R"(<text class="axis" x="{}" y="{}" text-anchor="end">step</text>)", kWidth - 2, kHeight - 16);
    out += R"(<text class="axis" x="2" y="14">error, in tolerances</text>)";
    for (std::size_t i = 0; i < c_.layers.size(); ++i)
      if (!is_first(i)) out += curve(i);
    for (std::size_t i = 0; i < c_.layers.size(); ++i)
      if (is_first(i)) out += curve(i);
    return fmt::format(R"(<section><h2>Over the steps</h2><div class="scroll"><svg viewBox="0 0 {} {}" role="img" )"
                       R"(aria-label="error of each layer over the steps">{}{}</svg></div></section>)", kWidth, kHeight, out, labels());
  }

 private:
  using int64_t = std::int64_t;
  static constexpr int kWidth = 960, kHeight = 380, kLeft = 52, kRight = 150, kTop = 26, kBottom = 40;

  bool is_first(std::size_t layer) const { return c_.first && c_.first->path == c_.layers[layer].path; }
  double x(int64_t step) const {
    const double span = double(std::max<int64_t>(c_.steps.back().a - c_.steps.front().a, 1));
    return kLeft + 12 + (kWidth - kLeft - kRight - 24) * double(step - c_.steps.front().a) / span;
  }
  double y(double d) const {
    return kHeight - kBottom - (kHeight - kTop - kBottom) * (std::min(d, above_) + kBelow) / (above_ + kBelow);
  }
  std::string stroke(std::size_t layer) const { return is_first(layer) ? "var(--bad)" : colour(layer, c_.layers.size()); }
  double last_y(const Layer& layer) const { return y(decades(layer.steps.rbegin()->second.worst())); }

  std::vector<int64_t> ticks() const {
    std::vector<int64_t> chosen;
    const std::size_t stride = (c_.steps.size() + 9) / 10;
    for (std::size_t i = 0; i < c_.steps.size(); i += stride) chosen.push_back(c_.steps[i].a);
    return chosen;
  }

  std::string grid(double d) const {
    static constexpr const char* kNames[] = {"0.001", "0.01", "0.1", "1", "10", "100", "1,000", "10⁴", "10⁵"};
    return fmt::format(R"(<line class="{}" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)", d == 0 ? "tolerance" : "grid", kLeft,
                       kWidth - kRight, y(d), y(d)) +
           fmt::format(R"(<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 8, y(d) + 4, kNames[int(d + kBelow)]);
  }

  std::string curve(std::size_t i) const {
    const Layer& l = c_.layers[i];
    std::string points, dots;
    for (const auto& [step, groups] : l.steps) {
      const double ratio = groups.worst();
      points += fmt::format("{:.1f},{:.1f} ", x(step), y(decades(ratio)));
      if (l.steps.size() > 40) continue;
      dots += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{}" style="fill:{}">)", x(step), y(decades(ratio)), is_first(i) ? 3.5 : 2.2,
                          stroke(i));
      dots += fmt::format("<title>{}, step {}: {} times the tolerance</title></circle>", escape(l.path), step, ratio_text(ratio));
    }
    return fmt::format(R"(<polyline class="curve{}" style="stroke:{}" points="{}"><title>{}</title></polyline>)",
                       is_first(i) ? " strong" : "", stroke(i), points, escape(l.path)) + dots;
  }

  struct Label {
    double y;
    std::size_t layer;
  };

  /// Names at the right end, moved apart; those of the largest errors when there is no room for all.
  std::string labels() const {
    std::vector<Label> all;
    for (std::size_t i = 0; i < c_.layers.size(); ++i)
      if (!c_.layers[i].steps.empty()) all.push_back({last_y(c_.layers[i]), i});
    const auto higher = [](const Label& p, const Label& q) { return p.y < q.y; };
    const auto more_important = [&](const Label& p, const Label& q) {
      return is_first(p.layer) != is_first(q.layer) ? is_first(p.layer) : higher(p, q);
    };
    std::stable_sort(all.begin(), all.end(), more_important);
    if (all.size() > 20) all.resize(20);
    std::stable_sort(all.begin(), all.end(), higher);
    constexpr double kLine = 14;
    double above = kTop - kLine, below = kHeight - kBottom + 6;
    for (Label& l : all) above = l.y = std::max(l.y, above + kLine);
    for (auto l = all.rbegin(); l != all.rend() && l->y > below; ++l, below -= kLine) l->y = below;
    std::string out;
    for (const Label& l : all) out += label(l);
    return out;
  }

  std::string label(const Label& l) const {
    const Layer& layer = c_.layers[l.layer];
    const int left = kWidth - kRight + 14;
    return fmt::format(R"(<path class="leader" style="stroke:{}" d="M{:.1f} {:.1f} L{} {:.1f}"/>)", stroke(l.layer),
                       x(layer.steps.rbegin()->first), last_y(layer), left, l.y) +
           fmt::format(R"(<text class="label{}" x="{}" y="{:.1f}" style="fill:{}">{} <tspan class="type">{}</tspan></text>)",
                       is_first(l.layer) ? " strong" : "", left + 4, l.y + 4, stroke(l.layer), escape(layer.path), type_of(layer));
  }

  const Comparison& c_;
  double above_ = 1;
};

std::string notes(const Comparison& c) {
  std::string out = fmt::format("<p>Compared: {}. {} of {} arrays are past their tolerance.</p>", escape(summary(c)), grouped(c.diverging),
                                grouped(c.arrays));
  for (const std::string& note : c.notes) out += fmt::format("<p>{}.</p>", escape(note));
  return "<footer>" + out + "</footer>";
}

}  // namespace

void write_page(const Comparison& c, const std::string& path) {
  const std::string page =
      fmt::format(R"(<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">)"
                  "<title>ember diff {} {}</title><style>{}</style></head><body><main>{}{}{}{}{}</main></body></html>\n",
                  file_name(c.a.file), file_name(c.b.file), kPageStyle, header(c), divergence(c), table(c),
                  c.steps.empty() ? "" : Chart(c).draw(), notes(c));
  std::ofstream out(path, std::ios::binary);
  out << page;
  out.close();
  if (!out) throw ember::RuntimeError(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
}
