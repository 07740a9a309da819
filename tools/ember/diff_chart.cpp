// The curves of the page: how far each layer is apart in each step.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "diff_page.h"

std::string colour(std::size_t layer, std::size_t layers) {
  const double t = layers < 2 ? 0 : double(layer) / double(layers - 1);
  return fmt::format("hsl({:.0f} {:.0f}% var(--curve-light))", 250 - 200 * t, 62 + 12 * t);
}

std::string type_of(const Layer& layer) { return ember::escaped((layer.a ? layer.a : layer.b)->type); }

namespace {

using std::int64_t;

/// One drawing of a width in pixels: text keeps its size on narrow screens.
class Chart {
 public:
  Chart(const Comparison& c, int width) : c_(c), width_(width), right_(width > 600 ? 190 : 8) {
    for (const Layer& l : c.layers)
      for (const auto& [step, groups] : l.steps) {
        if (groups.distance == 0 || !drawn(step)) continue;
        low_ = std::min(low_, std::floor(std::log10(groups.distance)));
        high_ = std::max(high_, std::ceil(std::min(std::log10(groups.distance), 1.0)));
      }
    low_ = std::max(low_, -16.0), high_ = std::max(high_, low_ + 2);
  }

  std::string draw(const char* kind) const {
    std::string out;
    const double stride = high_ - low_ > 9 ? 2 : 1;
    for (double d = low_; d <= high_; d += stride) out += grid(d);
    for (const int64_t step : ticks())
      out += fmt::format(R"(<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>)", x(step), kHeight - 22, step);
    out += fmt::format(R"(<text class="axis" x="{}" y="{}" text-anchor="middle">step</text>)", (kLeft + width_ - right_) / 2, kHeight - 4);
    if (c_.first)
      out += fmt::format(
          R"(<line class="when" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/><text class="axis bad" x="{3:.1f}" y="{4}" text-anchor="{5}">)"
          "first divergence</text>",
          x(c_.first->step), kTop, kHeight - kBottom, x(c_.first->step) + (late() ? 4 : -4), kTop - 5, late() ? "end" : "start");
    for (std::size_t i = 0; i < c_.layers.size(); ++i)
      if (!is_first(i)) out += curve(i);
    for (std::size_t i = 0; i < c_.layers.size(); ++i)
      if (is_first(i)) out += curve(i);
    return fmt::format(R"(<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="how far each layer is apart over the steps">{}{}</svg>)", kind,
                       width_, kHeight, out, right_ > 100 ? labels() : "");
  }

 private:
  static constexpr int kHeight = 380, kLeft = 52, kTop = 18, kBottom = 44;

  bool is_first(std::size_t layer) const { return c_.first && c_.first->path == c_.layers[layer].path; }
  bool late() const { return x(c_.first->step) > kLeft + (width_ - kLeft - right_) * 0.6; }
  double x(int64_t step) const {
    const auto last = std::find_if(c_.steps.rbegin(), c_.steps.rend(), [this](const StepPair& p) { return drawn(p.a); });
    const double span = double(std::max<int64_t>((last == c_.steps.rend() ? c_.steps.back() : *last).a - c_.steps.front().a, 1));
    return kLeft + 12 + (width_ - kLeft - right_ - 24) * double(step - c_.steps.front().a) / span;
  }
  double y(double distance) const {
    const double d = distance > 0 ? std::clamp(std::log10(distance), low_, high_) : low_;
    return kHeight - kBottom - (kHeight - kTop - kBottom) * (d - low_) / (high_ - low_);
  }
  std::string stroke(std::size_t layer) const { return is_first(layer) ? "var(--bad)" : colour(layer, c_.layers.size()); }
  /// Behind the last step there are only the parameters: it is drawn when the divergence is there.
  bool drawn(int64_t step) const { return step < c_.a.count || (c_.first && c_.first->step >= c_.a.count); }
  auto last(const Layer& layer) const {
    return *std::find_if(layer.steps.rbegin(), std::prev(layer.steps.rend()), [this](const auto& entry) { return drawn(entry.first); });
  }
  double last_y(const Layer& layer) const { return y(last(layer).second.distance); }

  std::vector<int64_t> ticks() const {
    std::vector<int64_t> chosen;
    const std::size_t stride = (c_.steps.size() + 7) / 8;
    for (std::size_t i = 0; i < c_.steps.size(); i += stride)
      if (drawn(c_.steps[i].a)) chosen.push_back(c_.steps[i].a);
    return chosen;
  }

  std::string grid(double d) const {
    const double at = y(std::pow(10, d));
    const std::string name = d == 0 ? "1" : d == -1 ? "0.1" : d == -2 ? "0.01" : d == 1 ? "≥ 10" : fmt::format("1e{:.0f}", d);
    return fmt::format(R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)", kLeft, width_ - right_, at, at) +
           fmt::format(R"(<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 8, at + 4, name);
  }

  std::string curve(std::size_t i) const {
    const Layer& l = c_.layers[i];
    std::string points, dots;
    for (const auto& [step, groups] : l.steps) {
      if (!drawn(step)) continue;
      points += fmt::format("{:.1f},{:.1f} ", x(step), y(groups.distance));
      if (l.steps.size() > 40) continue;
      dots += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{}" style="fill:{}">)", x(step), y(groups.distance), is_first(i) ? 3.5 : 2.2,
                          stroke(i));
      dots += fmt::format("<title>{}, step {}: {:.1e} of its size apart</title></circle>", ember::escaped(l.path), step, groups.distance);
    }
    return fmt::format(R"(<polyline class="curve{}" style="stroke:{}" points="{}"><title>{}</title></polyline>)", is_first(i) ? " strong" : "",
                       stroke(i), points, ember::escaped(l.path)) +
           dots;
  }

  struct Label {
    double y;
    std::size_t layer;
  };

  /// Names at the right end, moved apart; those that are farthest apart when there is no room for all.
  std::string labels() const {
    std::vector<Label> all;
    for (std::size_t i = 0; i < c_.layers.size(); ++i)
      if (!c_.layers[i].steps.empty()) all.push_back({last_y(c_.layers[i]), i});
    const auto higher = [](const Label& p, const Label& q) { return p.y < q.y; };
    const auto more_important = [&](const Label& p, const Label& q) {
      return is_first(p.layer) != is_first(q.layer) ? is_first(p.layer) : higher(p, q);
    };
    std::stable_sort(all.begin(), all.end(), more_important);
    const std::size_t left_out = all.size() > 20 ? all.size() - 20 : 0;
    all.resize(all.size() - left_out);
    std::stable_sort(all.begin(), all.end(), higher);
    constexpr double kLine = 15;
    double above = kTop - kLine, below = kHeight - kBottom + 6;
    for (Label& l : all) above = l.y = std::max(l.y, above + kLine);
    for (auto l = all.rbegin(); l != all.rend() && l->y > below; ++l, below -= kLine) l->y = below;
    std::string out;
    for (const Label& l : all) out += label(l);
    if (left_out > 0)
      out += fmt::format(R"(<text class="tick" x="{}" y="{}">and {} layers below</text>)", width_ - right_ + 18, kHeight - 4, left_out);
    return out;
  }

  /// What does not fit ends in "...": the whole name is in the table.
  static std::string shortened(const std::string& text, std::size_t most) {
    return text.size() <= most ? text : "…" + text.substr(text.size() - most + 1);
  }

  std::string label(const Label& l) const {
    const Layer& layer = c_.layers[l.layer];
    const int left = width_ - right_ + 14;
    const std::string path = shortened(layer.path, 24), type = (layer.a ? layer.a : layer.b)->type;
    const std::string kind = path.size() + type.size() < 24 ? fmt::format(R"( <tspan class="type">{}</tspan>)", ember::escaped(type)) : "";
    return fmt::format(R"(<path class="leader" style="stroke:{}" d="M{:.1f} {:.1f} L{} {:.1f}"/>)", stroke(l.layer), x(last(layer).first),
                       last_y(layer), left, l.y) +
           fmt::format(R"(<text class="label{}" x="{}" y="{:.1f}" style="fill:{}">{}{}</text>)", is_first(l.layer) ? " strong" : "", left + 4,
                       l.y + 4, stroke(l.layer), ember::escaped(path), kind);
  }

  const Comparison& c_;
  const int width_, right_;
  double low_ = -7, high_ = -5;
};

}  // namespace

std::string chart(const Comparison& c) {
  return fmt::format(R"(<section><h2>Over the steps</h2><p class="legend">How far the worst array of each layer is apart, relative to its values; )"
                     R"(colours as in the table, from the first layer to the last{}.</p>{}{}</section>)",
                     c.first ? ", the layer of the first divergence in red" : "", Chart(c, 960).draw("wide"), Chart(c, 420).draw("narrow"));
}
