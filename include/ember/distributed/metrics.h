// Metrics of all ranks together.
//
//   train::Classification metrics(10);
//   for (const auto& [x, y] : loader) metrics.add(model(x), y);  // this rank's share: DistributedSampler with {.shuffle = false, .pad = false}
//   distributed::all_reduce(metrics);
//   if (distributed::is_main()) fmt::print("{}", metrics.table());
#pragma once

#include <ember/train/metrics.h>

namespace ember::distributed {

/// Every rank's metric becomes that of the samples of all ranks, put together in the order of ranks: the same bits everywhere. Once, after the last
/// batch: a second call would count every rank's samples as often as there are ranks. The images of mistakes stay those of the rank.
/// Throws ValueError on every rank when their metrics differ in the number of classes.
void all_reduce(train::Mean& metric);
void all_reduce(train::Classification& metric);
void all_reduce(train::Regression& metric);

}  // namespace ember::distributed
