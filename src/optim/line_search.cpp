// The line search of Nocedal and Wright 2006, algorithms 3.5 (bracketing) and 3.6 (zoom), with the choices of torch.optim.LBFGS.
#include "optim/line_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ember::optim {

namespace {

constexpr double kDecrease = 1e-4, kCurvature = 0.9;  // c1 and c2

/// The minimum of the cubic through two points with slopes, kept within [low, high]; their middle where the cubic has no minimum.
double cubic_minimum(const LinePoint& a, const LinePoint& b, double low, double high) {
  const auto& [left, right] = a.at <= b.at ? std::pair<const LinePoint&, const LinePoint&>(a, b)
                                           : std::pair<const LinePoint&, const LinePoint&>(b, a);
  const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.at - b.at), square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const double d2 = std::sqrt(square);
  const double minimum = right.at - (right.at - left.at) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return std::min(std::max(minimum, low), high);
}

struct Bracket {
  LinePoint ends[2];
  double low() const { return std::min(ends[0].at, ends[1].at); }
  double high() const { return std::max(ends[0].at, ends[1].at); }
};

/// Moves a trial that comes too close to an end of the bracket a tenth inwards, at the second such trial or at the very end.
double away_from_ends(double t, const Bracket& bracket, bool& was_close) {
  const double low = bracket.low(), high = bracket.high(), margin = 0.1 * (high - low);
  const bool is_close = std::min(high - t, t - low) < margin;
  const bool moves = is_close && (was_close || t >= high || t <= low);
  was_close = is_close && !moves;
  if (!moves) return t;
  return std::fabs(t - high) < std::fabs(t - low) ? high - margin : low + margin;
}

}  // namespace

LineSearch strong_wolfe(const LinePoint& start, double first, double reach, double tolerance, int64_t most,
                        const Callback<LinePoint(double)>& evaluate) {
  const auto too_high = [&](const LinePoint& p) { return p.loss > start.loss + kDecrease * p.at * start.slope; };
  const auto is_flat = [&](const LinePoint& p) { return std::fabs(p.slope) <= -kCurvature * start.slope; };

  LinePoint previous = start, current = evaluate(first);
  LineSearch search{current, 1};
  Bracket bracket;
  int64_t rounds = 0;
  for (; rounds < most; ++rounds) {
    if (too_high(current) || (rounds > 1 && current.loss >= previous.loss)) {
      bracket = {{previous, current}};
      break;
    }
    if (is_flat(current)) return {current, search.evaluations};
    if (current.slope >= 0) {
      bracket = {{previous, current}};
      break;
    }
    const double next = cubic_minimum(previous, current, current.at + 0.01 * (current.at - previous.at), current.at * 10);
    previous = std::exchange(current, evaluate(next));
    ++search.evaluations;
  }
  if (rounds == most) bracket = {{start, current}};

  bool was_close = false;
  int low = bracket.ends[0].loss <= bracket.ends[1].loss ? 0 : 1;
  while (rounds < most && !(std::fabs(bracket.ends[1].at - bracket.ends[0].at) * reach < tolerance)) {
    const double t = away_from_ends(cubic_minimum(bracket.ends[0], bracket.ends[1], bracket.low(), bracket.high()), bracket, was_close);
    current = evaluate(t);
    ++search.evaluations;
    ++rounds;
    LinePoint &best = bracket.ends[low], &other = bracket.ends[1 - low];
    if (too_high(current) || current.loss >= best.loss) {
      other = current;
      low = bracket.ends[0].loss <= bracket.ends[1].loss ? 0 : 1;
      continue;
    }
    const bool done = is_flat(current);
    if (!done && current.slope * (other.at - best.at) >= 0) other = best;
    best = current;
    if (done) break;
  }
  search.found = bracket.ends[low];
  return search;
}

}  // namespace ember::optim
