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

std::string ratio_text(double ratio) {
  if (ratio == 0) return "0";
  if (!std::isfinite(ratio)) return "∞";
  if (ratio < 0.01) return fmt::format("{:.1g}", ratio);
  return ratio < 10 ? fmt::format("{:.2f}", ratio) : ratio < 1e4 ? fmt::format("{:.0f}", ratio) : fmt::format("{:.0e}", ratio);
}

/// Layers in the order of execution, from blue over green to yellow: neighbours look alike.
std::string colour(std::size_t layer, std::size_t layers) {
  const double t = layers < 2 ? 0 : double(layer) / double(layers - 1);
  return fmt::format("hsl({:.0f} {:.0f}% var(--curve-light))", 250 - 200 * t, 62 + 12 * t);
}

// Errors on a logarithmic scale from three decades below the tolerance, the left edge or the bottom, to five above.
constexpr double kBelow = 3, kAbove = 5;
double decades(double ratio) { return ratio > 0 ? std::clamp(std::log10(ratio), -kBelow, kAbove) : -kBelow; }
double portion(double ratio) { return (decades(ratio) + kBelow) / (kBelow + kAbove); }

std::string header(const Comparison& c) {
  const auto run = [](const char* name, const TracedRun& r) {
    return fmt::format(R"(<div class="run"><b>{}</b><span class="mono">{}</span><span>{}</span><span>{} steps</span></div>)", name, file_name(r.file),
                       escape(r.framework), r.count);
  };
  const std::string verdict = c.first ? fmt::format(R"(<p class="kicker bad">First divergence</p><h1>{}</h1>)", escape(headline(c)))
                                      : R"(<p class="kicker good">Within tolerance</p><h1>No divergence</h1>)";
  return fmt::format(R"(<header><p class="tool">ember diff</p>{}<div class="runs">{}{}</div></header>)", verdict, run("A", c.a), run("B", c.b));
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
    const auto fact = [](const std::string& name, const std::string& value) { return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, value); };
    out += "<dl>" + fact("A at [" + fmt::format("{}", fmt::join(f.index, ", ")) + "]", fmt::format("{:.7g}", f.a)) + fact("B", fmt::format("{:.7g}", f.b)) +
           fact("apart", fmt::format("{:.2g}", f.error)) + fact("tolerance", fmt::format("{:.2g}", f.tolerance)) +
           fact("times the tolerance", ratio_text(f.ratio)) + fact("elements past it", fmt::format("{} of {}", f.past, f.count)) + "</dl>";
  } else {
    out += fmt::format(R"(<p class="measure">{}</p>)", escape(measure(f)));
  }
  for (const std::string& line : explanation(c))
    if (!line.starts_with("  ")) out += fmt::format("<p>{}</p>", escape(line));
  const TracedModule *a = c.a.find(f.path), *b = c.b.find(f.path);
  if (a && b && a->text() != b->text()) out += built(c.a, *a, *b) + built(c.b, *b, *a);
  return out + "</section>";
}

std::string cell(const char* title, const std::string& when, double ratio) {
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
  }
  return worst;
}

std::string table(const Comparison& c) {
  const std::string when = c.first ? fmt::format("in step {}", c.first->step) : "in the worst step";
  std::string out = R"(<section><h2>By layer</h2><div class="scroll"><table><thead><tr><th>layer<th>module)";
  for (const auto& [head, title] : {std::pair("fwd", "inputs and outputs"), std::pair("state", "parameters and buffers"), std::pair("bwd", "gradients")})
    out += fmt::format(R"(<th title="{} {}">{})", title, when, head);
  out += fmt::format(R"(<th class="bars">worst error <small>logarithmic; the line is the tolerance</small><th class="number">× tol.<th>{}</tr></thead><tbody>)", c.first ? "since" : "at");
  for (std::size_t i = 0; i < c.layers.size(); ++i) {
    const Layer& l = c.layers[i];
    const bool bad = l.worst.ratio > 1, first = c.first && c.first->path == l.path;
    const Layer::Groups groups = shown(c, l);
    out += fmt::format(R"(<tr{}><td class="mono"><i class="swatch" style="background:{}"></i>{}</td><td>{}</td>)", first ? R"( class="first")" : "",
                       colour(i, c.layers.size()), escape(l.path), escape((l.a ? l.a : l.b)->type));
    out += cell("inputs and outputs", when, groups.forward) + cell("parameters and buffers", when, groups.state) + cell("gradients", when, groups.backward);
    out += fmt::format(R"(<td class="bars"><div class="bar"><i class="{}" style="width:{:.1f}%"></i></div></td>)", bad ? "bad" : "good", 100 * portion(l.worst.ratio));
    const std::string at = l.since ? fmt::format("step {}, {}", l.since->step, escape(l.since->what))
                           : l.worst.ratio == 0 ? "equal" : fmt::format("step {}, {}", l.worst.step, escape(l.worst.what));
    out += fmt::format(R"(<td class="number">{}</td><td class="at">{}{}</td></tr>)", ratio_text(l.worst.ratio), at, first ? "<b>first</b>" : "");
  }
  return out + "</tbody></table></div></section>";
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
    std::string out = fmt::format(R"(<section><h2>Over the steps</h2><div class="scroll"><svg viewBox="0 0 {} {}" role="img" aria-label="error of each layer over the steps">)", kWidth, kHeight);
    for (double d = -kBelow; d <= above_; d += 1) out += grid(d);
    for (const int64_t step : ticks())
      out += fmt::format(R"(<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>)", x(step), kHeight - 16, step);
    out += fmt::format(R"(<text class="axis" x="{}" y="{}" text-anchor="end">step</text><text class="axis" x="{}" y="14">error, in tolerances</text>)", kWidth - 2, kHeight - 16, 2);
    for (std::size_t i = 0; i < c_.layers.size(); ++i)
      if (!is_first(i)) out += curve(i);
    for (std::size_t i = 0; i < c_.layers.size(); ++i)
      if (is_first(i)) out += curve(i);
    return out + labels() + "</svg></div></section>";
  }

 private:
  using int64_t = std::int64_t;
  static constexpr int kWidth = 960, kHeight = 380, kLeft = 52, kRight = 150, kTop = 26, kBottom = 40;

  bool is_first(std::size_t layer) const { return c_.first && c_.first->path == c_.layers[layer].path; }
  double x(int64_t step) const {
    const double span = double(std::max<int64_t>(c_.steps.back() - c_.steps.front(), 1));
    return kLeft + 12 + (kWidth - kLeft - kRight - 24) * double(step - c_.steps.front()) / span;
  }
  double y(double d) const { return kHeight - kBottom - (kHeight - kTop - kBottom) * (std::min(d, above_) + kBelow) / (above_ + kBelow); }

  std::vector<int64_t> ticks() const {
    std::vector<int64_t> chosen;
    const std::size_t stride = (c_.steps.size() + 9) / 10;
    for (std::size_t i = 0; i < c_.steps.size(); i += stride) chosen.push_back(c_.steps[i]);
    return chosen;
  }

  std::string grid(double d) const {
    const bool tolerance = d == 0;
    static constexpr const char* kNames[] = {"0.001", "0.01", "0.1", "1", "10", "100", "1,000", "10⁴", "10⁵"};
    return fmt::format(R"(<line class="{}" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>)",
                       tolerance ? "tolerance" : "grid", kLeft, kWidth - kRight, y(d), y(d), kLeft - 8, y(d) + 4, kNames[int(d + kBelow)]);
  }

  std::string curve(std::size_t i) const {
    const Layer& l = c_.layers[i];
    std::string points, dots;
    const std::string stroke = is_first(i) ? "var(--bad)" : colour(i, c_.layers.size());
    for (const auto& [step, groups] : l.steps) {
      const double ratio = groups.worst();
      points += fmt::format("{:.1f},{:.1f} ", x(step), y(decades(ratio)));
      if (l.steps.size() <= 40)
        dots += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{}" style="fill:{}"><title>{}, step {}: {} times the tolerance</title></circle>)", x(step),
                            y(decades(ratio)), is_first(i) ? 3.5 : 2.2, stroke, escape(l.path), step, ratio_text(ratio));
    }
    return fmt::format(R"(<polyline class="curve{}" style="stroke:{}" points="{}"><title>{}</title></polyline>)", is_first(i) ? " strong" : "", stroke, points, escape(l.path)) + dots;
  }

  /// Names at the right end, moved apart; those of the largest errors when there is no room for all.
  std::string labels() const {
    struct Label {
      double y;
      std::size_t layer;
    };
    std::vector<Label> all;
    for (std::size_t i = 0; i < c_.layers.size(); ++i)
      if (!c_.layers[i].steps.empty()) all.push_back({y(decades(c_.layers[i].steps.rbegin()->second.worst())), i});
    std::stable_sort(all.begin(), all.end(), [&](const Label& p, const Label& q) { return is_first(p.layer) != is_first(q.layer) ? is_first(p.layer) : p.y < q.y; });
    if (all.size() > 20) all.resize(20);
    std::stable_sort(all.begin(), all.end(), [](const Label& p, const Label& q) { return p.y < q.y; });
    double last = kTop - 14;
    for (Label& l : all) last = l.y = std::max(l.y, last + 14);
    double limit = kHeight - kBottom + 6;
    for (auto l = all.rbegin(); l != all.rend() && l->y > limit; ++l) l->y = limit, limit -= 14;
    std::string out;
    for (const Label& l : all) {
      const Layer& layer = c_.layers[l.layer];
      const std::string stroke = is_first(l.layer) ? "var(--bad)" : colour(l.layer, c_.layers.size());
      const double end = x(layer.steps.rbegin()->first);
      out += fmt::format(R"(<path class="leader" style="stroke:{0}" d="M{1:.1f} {2:.1f} L{3} {4:.1f}"/><text class="label{5}" x="{6}" y="{7:.1f}" style="fill:{0}">{8} <tspan class="type">{9}</tspan></text>)", stroke,
                         end, y(decades(layer.steps.rbegin()->second.worst())), kWidth - kRight + 14, l.y, is_first(l.layer) ? " strong" : "", kWidth - kRight + 18, l.y + 4,
                         escape(layer.path), escape((layer.a ? layer.a : layer.b)->type));
    }
    return out;
  }

  const Comparison& c_;
  double above_ = 1;
};

std::string notes(const Comparison& c) {
  std::string out = fmt::format(R"(<footer><p>Compared: {}. {} of {} arrays are past their tolerance.</p>)", escape(summary(c)), c.diverging, c.arrays);
  for (const std::string& note : c.notes) out += fmt::format("<p>{}.</p>", escape(note));
  return out + "</footer>";
}

}  // namespace

void write_page(const Comparison& c, const std::string& path) {
  std::string page = fmt::format("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
                                 "<title>ember diff {} {}</title><style>{}</style></head><body><main>",
                                 file_name(c.a.file), file_name(c.b.file), kPageStyle);
  page += header(c) + divergence(c) + table(c) + (c.steps.empty() ? "" : Chart(c).draw()) + notes(c) + "</main></body></html>\n";
  std::ofstream out(path, std::ios::binary);
  out << page;
  out.close();
  if (!out) throw ember::RuntimeError(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
}
