// Adds up the counts of all ranks.
#include <ember/distributed/metrics.h>
#include <ember/distributed/world.h>

#include "error_format.h"

namespace ember::distributed {

template <class Metric>
static void put_together(Metric& metric) {
  const std::vector<Tensor> states = all_gather(metric.state());
  for (std::size_t r = 1; r < states.size(); ++r)
    check<ValueError>(states[r].numel() == states[0].numel(), "[all_reduce] the metrics of rank {} and rank 0 differ in their number of classes", r);
  metric.load_state(states);
}

void all_reduce(train::Mean& metric) { put_together(metric); }
void all_reduce(train::Classification& metric) { put_together(metric); }
void all_reduce(train::Regression& metric) { put_together(metric); }

}  // namespace ember::distributed
