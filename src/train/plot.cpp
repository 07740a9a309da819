// How a plot becomes an SVG: frame, grid, bands, curves, legend. Colours are classes, so that one file serves light, dark and paper.
#include <ember/train/plot.h>

#include <algorithm>
#include <cmath>

#include "error_format.h"
#include "io/file.h"
#include "train/plot_axis.h"
#include "train/markup.h"

namespace ember::train {

namespace {

constexpr int kColours = 8;
constexpr double kLetter = 6.6;  // mean width of a letter of 12 px

/// Okabe and Ito's palette (2008), told apart by people with any colour vision; lighter on dark screens.
constexpr const char* kOnLight[kColours] = {"#0072b2", "#d55e00", "#00875f", "#b5508a", "#c78500", "#3a9bdc", "#6b6b6b", "#7c4a3a"};
constexpr const char* kOnDark[kColours] = {"#5cb3ec", "#ff9357", "#35cfa2", "#eaa0ca", "#f4c04e", "#9bd6f8", "#bdbdbd", "#d3a292"};

std::string scheme(const char* paper, const char* ink, const char* grid, const char* const* colours) {
  std::string css = fmt::format(".ep-paper{{fill:{}}}.ep-ink{{fill:{}}}.ep-grid{{stroke:{}}}.ep-frame{{stroke:{}}}", paper, ink, grid, ink);
  for (int i = 0; i < kColours; ++i) css += fmt::format(".ep-l{0}{{stroke:{1}}}.ep-f{0}{{fill:{1}}}", i, colours[i]);
  return css;
}

std::string style() {
  const std::string light = scheme("#ffffff", "#1f2933", "#dde2e7", kOnLight);
  return "<style>.ep{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;font-size:12px}"
         ".ep-curve{fill:none;stroke-width:1.8;stroke-linejoin:round}.ep-faint{stroke-opacity:.28;stroke-width:1}"
         ".ep-band{fill-opacity:.18}.ep-grid{stroke-width:1}.ep-frame{stroke-width:1;fill:none;stroke-opacity:.55}"
         ".ep-title{font-size:14px;font-weight:600}" +
         light + "@media (prefers-color-scheme:dark){" + scheme("#12161b", "#dfe5ea", "#2c343c", kOnDark) + "}@media print{" + light + "}</style>";
}

/// Colours repeat after eight curves: then dots tell them apart.
std::string dashes(const std::string& style, int number) {
  if (style == "dashed") return R"( stroke-dasharray="6 4")";
  return number < kColours ? "" : R"( stroke-dasharray="2 3")";
}

/// Letters, not bytes, of UTF-8.
double text_width(const std::string& text) {
  return kLetter * double(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

/// One drawing of one plot, at one size.
class Drawing {
 public:
  Drawing(const Plot& plot, int width, int height);
  std::string inner() const { return out_; }  // without the <svg> around it

 private:
  struct Entry {  // of the legend
    std::string name;
    int number;
    std::string style;
  };
  std::vector<double> shown(bool x) const;
  void frame();
  void legend(double left, double right);
  void bands();
  void curves();
  void bars(const Curve& curve, int colour, int number, int count);
  void line(const std::vector<double>& x, const std::vector<double>& y, int colour, const char* more, const std::string& dashes);
  void points(const Curve& curve, const std::vector<double>& x, int colour);
  template <class... Args>
  void put(fmt::format_string<Args...> text, Args&&... args) {
    out_ += fmt::format(text, static_cast<Args&&>(args)...);
  }

  const Plot& plot_;
  const int width_, height_;
  std::string out_;
  Scale x_, y_;
  double left_ = 0, top_ = 0, right_ = 0, bottom_ = 0;
};

namespace {

std::vector<double> positions(const std::vector<double>& x, std::size_t count) {
  if (!x.empty()) return x;
  std::vector<double> result(count);
  for (std::size_t i = 0; i < count; ++i) result[i] = double(i);
  return result;
}

bool has_bars(const std::vector<Curve>& curves) {
  return std::any_of(curves.begin(), curves.end(), [](const Curve& c) { return c.style == "bars"; });
}

/// The least distance of neighbours: bars must not overlap.
double least_distance(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  double least = INFINITY;
  for (std::size_t i = 1; i < x.size(); ++i)
    if (x[i] > x[i - 1]) least = std::min(least, x[i] - x[i - 1]);
  return std::isfinite(least) ? least : 1;
}

}  // namespace

std::vector<double> Drawing::shown(bool x) const {
  std::vector<double> all;
  const auto take = [&](const std::vector<double>& values) { all.insert(all.end(), values.begin(), values.end()); };
  for (const Curve& c : plot_.curves_) {
    const std::vector<double> at = positions(c.x, c.y.size());
    if (!x) take(c.y);
    else take(at);
    if (x && c.style == "bars" && !at.empty() && plot_.x_.categories.empty() && !plot_.x_.log) {
      const double half = least_distance(at) / 2;
      take({*std::min_element(at.begin(), at.end()) - half, *std::max_element(at.begin(), at.end()) + half});
    }
  }
  for (const Plot::Band& b : plot_.bands_) {
    if (x) take(positions(b.x, b.low.size()));
    else take(b.low), take(b.high);
  }
  return all;
}

Drawing::Drawing(const Plot& plot, int width, int height)
    : plot_(plot), width_(width), height_(height), x_(plot.x_, shown(true), false), y_(plot.y_, shown(false), has_bars(plot.curves_)) {
  put(R"(<rect class="ep-paper" width="{}" height="{}"/>)", width, height);
  put(R"(<text class="ep-ink ep-title" x="{:.1f}" y="22" text-anchor="middle">{}</text>)", width / 2.0, escaped(plot.title_));
  frame();
  // What lies outside of the axes is cut off by a picture in the picture.
  put(R"(<svg x="{0:.1f}" y="{1:.1f}" width="{2:.1f}" height="{3:.1f}" viewBox="{0:.1f} {1:.1f} {2:.1f} {3:.1f}">)", left_, top_,
      std::max(1.0, right_ - left_), std::max(1.0, bottom_ - top_));
  bands();
  curves();
  out_ += "</svg>";
}

void Drawing::frame() {
  double widest = 0;
  for (const Scale::Tick& tick : y_.ticks(std::max(2, height_ / 60))) widest = std::max(widest, text_width(tick.text));
  left_ = 16 + widest + (plot_.y_.label.empty() ? 0 : 22);
  right_ = width_ - 18;
  bottom_ = height_ - (plot_.x_.label.empty() ? 28 : 48);
  legend(left_, right_);
  x_.place(left_, right_);
  y_.place(bottom_, top_);

  double widest_x = 40;
  for (const std::string& name : plot_.x_.categories) widest_x = std::max(widest_x, text_width(name) + 12);
  for (const Scale::Tick& tick : x_.ticks(std::max(2, int((right_ - left_) / std::max(widest_x, 60.0))))) {
    const double at = x_(tick.value);
    put(R"(<line class="ep-grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/>)", at, top_, bottom_);
    if (!tick.text.empty()) put(R"(<text class="ep-ink" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", at, bottom_ + 17, escaped(tick.text));
  }
  for (const Scale::Tick& tick : y_.ticks(std::max(2, height_ / 60))) {
    const double at = y_(tick.value);
    put(R"(<line class="ep-grid" x1="{0:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{2:.1f}"/>)", left_, right_, at);
    if (!tick.text.empty()) put(R"(<text class="ep-ink" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", left_ - 7, at + 4, escaped(tick.text));
  }
  put(R"(<rect class="ep-frame" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)", left_, top_, std::max(0.0, right_ - left_),
      std::max(0.0, bottom_ - top_));
  if (!plot_.x_.label.empty())
    put(R"(<text class="ep-ink" x="{:.1f}" y="{}" text-anchor="middle">{}</text>)", (left_ + right_) / 2, height_ - 12, escaped(plot_.x_.label));
  if (!plot_.y_.label.empty())
    put(R"-(<text class="ep-ink" transform="translate(18 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>)-", (top_ + bottom_) / 2,
        escaped(plot_.y_.label));
}

/// Above the axes, as many rows as it takes; what stands below begins at top_.
void Drawing::legend(double left, double right) {
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < plot_.curves_.size(); ++i)
    if (const Curve& c = plot_.curves_[i]; !c.name.empty()) entries.push_back({c.name, int(i), c.style});
  for (std::size_t i = 0; i < plot_.bands_.size(); ++i)
    if (!plot_.bands_[i].name.empty()) entries.push_back({plot_.bands_[i].name, int(i), "band"});
  double x = left, y = 42;
  for (const Entry& entry : entries) {
    const double wide = 30 + text_width(entry.name) + 14;
    if (x > left && x + wide > right) x = left, y += 18;
    if (entry.style == "points") {
      put(R"(<circle class="ep-f{}" cx="{:.1f}" cy="{:.1f}" r="3.5"/>)", entry.number % kColours, x + 12, y - 4);
    } else if (entry.style == "bars" || entry.style == "band") {
      put(R"(<rect class="ep-f{}{}" x="{:.1f}" y="{:.1f}" width="20" height="10"/>)", entry.number % kColours,
          entry.style == "band" ? " ep-band" : "", x + 2, y - 9);
    } else {
      put(R"(<line class="ep-curve ep-l{0}" x1="{1:.1f}" x2="{2:.1f}" y1="{3:.1f}" y2="{3:.1f}"{4}/>)", entry.number % kColours, x + 2, x + 22, y - 4,
          dashes(entry.style, entry.number));
    }
    put(R"(<text class="ep-ink" x="{:.1f}" y="{:.1f}">{}</text>)", x + 28, y, escaped(entry.name));
    x += wide;
  }
  top_ = entries.empty() ? 36 : y + 12;
}

void Drawing::bands() {
  for (std::size_t i = 0; i < plot_.bands_.size(); ++i) {
    const Plot::Band& band = plot_.bands_[i];
    const std::vector<double> x = positions(band.x, band.low.size());
    std::string there, back;
    for (std::size_t k = 0; k < x.size();) {
      const double at = x_(x[k]);
      double low = band.low[k], high = band.high[k];
      if (!x_.shows(x[k]) || !y_.shows(low) || !y_.shows(high)) {
        ++k;
        continue;
      }
      for (++k; k < x.size() && std::abs(x_(x[k]) - at) < 0.5; ++k) low = std::fmin(low, band.low[k]), high = std::fmax(high, band.high[k]);
      there += fmt::format("{:.1f},{:.1f} ", at, y_(high));
      back.insert(0, fmt::format("{:.1f},{:.1f} ", at, y_(low)));
    }
    put(R"(<polygon class="ep-f{} ep-band" points="{}{}"/>)", int(i) % kColours, there, back);
  }
}

void Drawing::curves() {
  const int bar_count = int(std::count_if(plot_.curves_.begin(), plot_.curves_.end(), [](const Curve& c) { return c.style == "bars"; }));
  int bar = 0;
  for (std::size_t i = 0; i < plot_.curves_.size(); ++i) {
    const Curve& c = plot_.curves_[i];
    const int colour = int(i) % kColours;
    const std::vector<double> x = positions(c.x, c.y.size());
    if (c.style == "bars") {
      bars(c, colour, bar++, bar_count);
    } else if (c.style == "points") {
      points(c, x, colour);
    } else {
      if (c.smoothing > 0) line(x, c.y, colour, " ep-faint", "");
      line(x, c.smoothing > 0 ? smooth(c.y, c.smoothing) : c.y, colour, "", dashes(c.style, int(i)));
    }
  }
}

void Drawing::bars(const Curve& curve, int colour, int number, int count) {
  const std::vector<double> x = positions(curve.x, curve.y.size());
  const double slot = plot_.x_.log ? 0 : (plot_.x_.categories.empty() ? least_distance(x) : 1) * (count > 1 ? 0.84 : 0.9);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!x_.shows(x[i]) || !y_.shows(curve.y[i])) continue;
    double from = x_(x[i] - slot / 2 + slot * number / count), to = x_(x[i] - slot / 2 + slot * (number + 1) / count);
    if (to - from < 1) to = from + 1;
    const double base = plot_.y_.log ? bottom_ : y_(std::max(0.0, y_.low())), value = y_(curve.y[i]);
    put(R"(<rect class="ep-f{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)", colour, from, std::min(base, value), to - from,
        std::abs(base - value));
  }
}

void Drawing::points(const Curve& curve, const std::vector<double>& x, int colour) {
  const double radius = x.size() > 500 ? 1.5 : 3;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x_.shows(x[i]) && y_.shows(curve.y[i]))
      put(R"(<circle class="ep-f{}" cx="{:.1f}" cy="{:.1f}" r="{}"/>)", colour, x_(x[i]), y_(curve.y[i]), radius);
}

/// Where many points fall into one column of pixels, its first, lowest, highest and last are what one sees.
void Drawing::line(const std::vector<double>& x, const std::vector<double>& y, int colour, const char* more, const std::string& dashes) {
  std::string path;
  bool pen_down = false;
  std::size_t i = 0;
  const auto to = [&](std::size_t k) {
    path += fmt::format("{}{:.1f} {:.1f}", pen_down ? 'L' : 'M', x_(x[k]), y_(y[k]));
    pen_down = true;
  };
  const auto is_shown = [&](std::size_t k) { return x_.shows(x[k]) && y_.shows(y[k]); };
  while (i < x.size()) {
    if (!is_shown(i)) {
      pen_down = false;
      ++i;
      continue;
    }
    const double column = std::floor(x_(x[i]));
    std::size_t end = i + 1, low = i, high = i;
    for (; end < x.size() && is_shown(end) && std::floor(x_(x[end])) == column; ++end) {
      if (y[end] < y[low]) low = end;
      if (y[end] > y[high]) high = end;
    }
    if (!pen_down && end - i == 1 && (end == x.size() || !is_shown(end)))  // a point between two gaps
      put(R"(<circle class="ep-f{}" cx="{:.1f}" cy="{:.1f}" r="2.5"/>)", colour, x_(x[i]), y_(y[i]));
    to(i);
    for (const std::size_t k : {std::min(low, high), std::max(low, high)})
      if (k > i && k + 1 < end) to(k);
    if (end - 1 > i) to(end - 1);
    i = end;
  }
  if (!path.empty()) put(R"(<path class="ep-curve ep-l{}{}" d="{}"{}/>)", colour, more, path, dashes);
}

namespace {

std::string document(int width, int height, const std::string& name, const std::string& inner) {
  return fmt::format(R"(<svg xmlns="http://www.w3.org/2000/svg" class="ep" role="img" width="{0}" height="{1}" viewBox="0 0 {0} {1}">)"
                     "<title>{2}</title>{3}{4}</svg>\n",
                     width, height, escaped(name), style(), inner);
}

void check_size(int width, int height) {
  check<ValueError>(width >= 160 && height >= 120 && width <= 20000 && height <= 20000,
                    "Plot: expected a width of 160 to 20000 and a height of 120 to 20000 pixels, got {} x {}", width, height);
}

}  // namespace

Plot::Plot(std::string title, Axis x, Axis y) : title_(std::move(title)), x_(std::move(x)), y_(std::move(y)) {}

Plot& Plot::add(Curve curve) {
  check<ValueError>(curve.x.empty() || curve.x.size() == curve.y.size(), "Plot: expected x and y of the same length, got {} and {} for '{}'",
                    curve.x.size(), curve.y.size(), curve.name);
  check<ValueError>(curve.style == "line" || curve.style == "dashed" || curve.style == "points" || curve.style == "bars",
                    "Plot: expected the style line, dashed, points or bars, got '{}'", curve.style);
  check<ValueError>(curve.smoothing >= 0 && curve.smoothing < 1, "Plot: expected a smoothing of at least 0 and below 1, got {}", curve.smoothing);
  curves_.push_back(std::move(curve));
  return *this;
}

Plot& Plot::band(std::string name, std::vector<double> x, std::vector<double> low, std::vector<double> high) {
  check<ValueError>(low.size() == high.size() && (x.empty() || x.size() == low.size()),
                    "Plot: expected x, low and high of the same length, got {}, {} and {} for '{}'", x.size(), low.size(), high.size(), name);
  bands_.push_back({std::move(name), std::move(x), std::move(low), std::move(high)});
  return *this;
}

std::string Plot::svg(int width, int height) const {
  check_size(width, height);
  return document(width, height, title_, Drawing(*this, width, height).inner());
}

void Plot::save(const std::string& path, int width, int height) const { save_svg(path, svg(width, height)); }

void save_svg(const std::string& path, const std::string& svg) {
  io::AtomicFile file(path);
  file.write(svg);
  file.commit();
}

std::string side_by_side(const std::vector<Plot>& plots, int columns, int width, int height) {
  check<ValueError>(!plots.empty(), "side_by_side: expected at least one plot");
  check<ValueError>(columns >= 0, "side_by_side: expected columns to be 0 or more, got {}", columns);
  check_size(width, height);
  const int across = columns == 0 ? int(plots.size()) : std::min(columns, int(plots.size()));
  const int down = (int(plots.size()) + across - 1) / across;
  std::string inner;
  for (std::size_t i = 0; i < plots.size(); ++i)
    inner += fmt::format(R"(<svg x="{}" y="{}" width="{}" height="{}">{}</svg>)", int(i) % across * width, int(i) / across * height, width, height,
                         Drawing(plots[i], width, height).inner());
  return document(across * width, down * height, fmt::format("{} plots", plots.size()), inner);
}

std::vector<double> smooth(const std::vector<double>& y, double weight) {
  std::vector<double> result = y;
  double sum = 0, total = 0;  // total = 1 - weight^n: what the weights seen so far add up to
  for (double& value : result) {
    if (!std::isfinite(value)) continue;
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    value = sum / total;
  }
  return result;
}

}  // namespace ember::train
