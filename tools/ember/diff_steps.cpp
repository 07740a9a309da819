// Which step of one run belongs to which of the other, and which arrays of theirs.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "diff_trace.h"

using std::int64_t;

namespace {

/// A step by what went before it: training steps, and steps without a backward since the last one of them.
struct Place {
  int64_t trained, others;
  bool trains, ended;  // ended: the state behind the last step
  auto operator<=>(const Place&) const = default;
};

std::map<Place, int64_t> places(const TracedRun& run) {
  std::map<Place, int64_t> all;
  int64_t trained = 0, others = 0;
  for (int64_t step = 0; step <= run.count; ++step) {
    const bool ended = step == run.count, trains = !ended && run.trains(step);
    if (run.steps.count(step)) all[{trained, ended ? 0 : others, trains, ended}] = step;
    if (trains) ++trained, others = 0;
    else ++others;
  }
  return all;
}

using Order = std::vector<const TracedArray*>;

std::string key(const TracedArray& array) { return array.call + "/" + array.what; }

/// Parameters; forward as recorded; then backward: gradients of outputs as they arrived, and behind the last one of a module those of
/// its parameters.
Order ordered(const std::vector<TracedArray>& arrays) {
  Order order;
  std::unordered_map<std::string, std::size_t> last_gradient;
  for (std::size_t i = 0; i < arrays.size(); ++i)
    if (arrays[i].is_output_gradient()) last_gradient[arrays[i].path] = i;
  for (const TracedArray& array : arrays)
    if (array.is_parameter()) order.push_back(&array);
  for (const TracedArray& array : arrays)
    if (!array.is_backward() && !array.is_parameter()) order.push_back(&array);
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    if (!arrays[i].is_output_gradient()) continue;
    order.push_back(&arrays[i]);
    if (last_gradient[arrays[i].path] != i) continue;
    for (const TracedArray& array : arrays)
      if (array.is_parameter_gradient() && array.path == arrays[i].path) order.push_back(&array);
  }
  for (const TracedArray& array : arrays)
    if (array.is_parameter_gradient() && !last_gradient.count(array.path)) order.push_back(&array);
  return order;
}

}  // namespace

std::vector<StepPair> pair_steps(const TracedRun& a, const TracedRun& b) {
  std::vector<StepPair> pairs;
  const std::map<Place, int64_t> of_b = places(b);
  for (const auto& [place, step] : places(a))
    if (const auto partner = of_b.find(place); partner != of_b.end()) pairs.push_back({step, partner->second, place.trained});
  std::sort(pairs.begin(), pairs.end(), [](const StepPair& p, const StepPair& q) { return p.a < q.a; });
  return pairs;
}

/// In A's order; what only B has stands behind what came before it there.
std::vector<ArrayPair> pair_arrays(const std::vector<TracedArray>& arrays_a, const std::vector<TracedArray>& arrays_b) {
  const Order a = ordered(arrays_a), b = ordered(arrays_b);
  std::unordered_map<std::string, std::size_t> place_in_a;
  for (std::size_t i = 0; i < a.size(); ++i) place_in_a.emplace(key(*a[i]), i + 1);
  std::vector<std::vector<ArrayPair>> slots(a.size() + 1);  // slot i + 1 begins with a[i]
  for (std::size_t i = 0; i < a.size(); ++i) slots[i + 1].emplace_back(a[i], nullptr);
  std::size_t slot = 0;
  for (const TracedArray* array : b) {
    const auto found = place_in_a.find(key(*array));
    if (found == place_in_a.end()) {
      slots[slot].emplace_back(nullptr, array);
    } else {
      slot = found->second;
      slots[slot].front().second = array;
    }
  }
  std::vector<ArrayPair> pairs;
  for (const auto& s : slots) pairs.insert(pairs.end(), s.begin(), s.end());
  return pairs;
}

std::vector<std::string> calls_of(const TracedRun& run, int64_t step) {
  std::vector<std::string> calls;
  std::set<std::string> seen;
  for (const TracedArray& array : run.steps.at(step))
    if (!array.is_backward() && seen.insert(array.call).second) calls.push_back(array.call);
  return calls;
}
