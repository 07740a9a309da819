// Metrics of each rank's share of the samples, put together: those of one process that sees them all.
#include <ember/train.h>

#include "ranks.h"

using namespace ember;

TEST_CASE("metrics over ranks are those of one process with all samples, also when ranks have different numbers of samples, and none") {
  Generator source(3);
  const auto draw = [&](IntArrayRef sizes) { return empty(sizes, kFloat64).normal_(0, 1, &source); };
  const Tensor scores = draw({60, 7}), classes = zeros({60}, kInt64).random_(7, &source), guesses = draw({60}) + 1e4, targets = guesses + draw({60});
  for (const bool even : {true, false}) {
    train::Classification whole(7), share(7);
    train::Regression line, part_of_line;
    train::Mean mean, part_of_mean;
    whole.add(scores, classes);
    line.add(guesses, targets);
    for (int64_t i = 0; i < 60; ++i) mean.add(guesses[i].item<double>(), 1 + double(i % 3));
    const std::vector<int64_t> sizes = part_sizes(60, even);
    share.add(part_of(scores, sizes), part_of(classes, sizes));
    part_of_line.add(part_of(guesses, sizes), part_of(targets, sizes));
    const Tensor mine = part_of(arange(60), sizes);
    for (int64_t i = 0; i < mine.numel(); ++i) {
      const int64_t sample = mine[i].item<int64_t>();
      part_of_mean.add(guesses[sample].item<double>(), 1 + double(sample % 3));
    }

    distributed::all_reduce(share);
    distributed::all_reduce(part_of_line);
    distributed::all_reduce(part_of_mean);

    CHECK(everywhere(share.confusion().equal(whole.confusion()) && share.count() == 60));
    for (int64_t k = 1; k <= 5; ++k) CHECK(everywhere(share.top_k(k) == whole.top_k(k)));
    CHECK(everywhere(share.macro_f1() == whole.macro_f1()));
    CHECK(everywhere(part_of_line.count() == 60 && close(part_of_line.state(), line.state(), 1e-12, 0)));
    CHECK(everywhere(close(part_of_mean.state(), mean.state(), 1e-12, 0)));
    CHECK(same_everywhere(part_of_line.state()));
    CHECK(same_everywhere(part_of_mean.state()));
  }
}

TEST_CASE("metrics with different classes are refused on every rank, and keep what they have") {
  if (distributed::world_size() == 1) return;
  train::Classification metrics(distributed::rank() == 1 ? 4 : 3);
  metrics.add(tensor({0, 1}), tensor({0, 2}));
  CHECK(everywhere(has(text_of([&] { distributed::all_reduce(metrics); }), "the metrics of rank 1 and rank 0 differ in their number of classes")));
  CHECK(metrics.count() == 2);
}
