// Metrics against the values of scikit-learn 1.9.
#include <ember/error.h>
#include <ember/ops/elementwise.h>
#include <ember/random.h>
#include <ember/train/metrics.h>

#include <cmath>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {
const Tensor kTarget = tensor({0, 0, 1, 1, 1, 2, 2, 3, 3, 3});
const Tensor kCalled = tensor({0, 1, 1, 1, 2, 2, 2, 0, 3, 1});
}  // namespace

TEST_CASE("metrics: the confusion table and what follows from it are scikit-learn's") {
  train::Classification metrics(4, {"a", "b", "c", "d"});
  metrics.add(kCalled.narrow(0, 0, 4), kTarget.narrow(0, 0, 4));  // in two batches
  metrics.add(kCalled.narrow(0, 4, 6), kTarget.narrow(0, 4, 6));
  CHECK(metrics.count() == 10);
  CHECK(metrics.accuracy() == Approx(0.6));
  const double precision[] = {0.5, 0.5, 2.0 / 3, 1}, recall[] = {0.5, 2.0 / 3, 1, 1.0 / 3}, f1[] = {0.5, 0.5714285714, 0.8, 0.5};
  for (int64_t c = 0; c < 4; ++c) {
    CHECK(metrics.precision(c) == Approx(precision[c]));
    CHECK(metrics.recall(c) == Approx(recall[c]));
    CHECK(metrics.f1(c) == Approx(f1[c]));
  }
  CHECK(metrics.macro_precision() == Approx(0.6666666667));
  CHECK(metrics.macro_recall() == Approx(0.625));
  CHECK(metrics.macro_f1() == Approx(0.5928571429));
  CHECK(metrics.balanced_accuracy() == Approx(0.625));
  CHECK_THAT(metrics.confusion(), is_close({{1, 1, 0, 0}, {0, 2, 1, 0}, {0, 0, 2, 0}, {1, 1, 0, 1}}));
  const std::string table = metrics.table();
  for (const char* part : {"class  precision", "b         0.5000  0.6667  0.5714       3", "rows: the class"}) CHECK_THAT(table, contains(part));
  metrics.reset();
  CHECK(metrics.count() == 0);
  CHECK(std::isnan(metrics.accuracy()));
}

TEST_CASE("metrics: top-k counts the k largest scores, of equals the first, and takes strided float64 and a class that never occurs") {
  const Tensor scores = tensor({{.1, .5, .2, .2}, {.3, .3, .2, .2}, {.1, .2, .3, .4}, {.4, .3, .2, .1}, {.2, .1, .6, .1}}, kFloat64);
  const Tensor target = tensor({1, 1, 0, 1, 2});
  train::Classification metrics(4);
  metrics.add(scores.t().contiguous().t(), target);
  CHECK(metrics.accuracy() == Approx(0.4));  // scikit-learn breaks the tie of the second row the other way round, against argmax
  CHECK(metrics.top_k(1) == Approx(0.4));
  CHECK(metrics.top_k(2) == Approx(0.8));
  CHECK(metrics.top_k(3) == Approx(0.8));
  CHECK(metrics.top_k(4) == 1);
  CHECK(metrics.precision(3) == 0);
  CHECK(metrics.recall(3) == 0);
}

TEST_CASE("metrics: a copy counts for itself") {
  train::Classification first(2);
  first.add(tensor({0, 1}), tensor({0, 1}));
  train::Classification second = first;
  second.add(tensor({1}), tensor({0}));
  CHECK(first.count() == 2);
  CHECK(second.count() == 3);
  first.add(tensor({1}), tensor({1}));
  CHECK(first.accuracy() == 1);
  const train::Classification third = second;
  second.reset();
  CHECK(third.count() == 3);
  CHECK(second.count() == 0);
}

TEST_CASE("metrics: what cannot be counted is refused before anything is counted") {
  CHECK_THROWS_AS(train::Classification(1), ValueError);
  CHECK_THROWS_AS(train::Classification(3, {"a"}), ValueError);
  train::Classification metrics(3);
  CHECK_THROWS_WITH(metrics.add(zeros({2, 3}), tensor({0, 3})), "Target 3 is out of bounds.");
  CHECK_THROWS_WITH(metrics.add(tensor({0, -1}), tensor({0, 1})), "Prediction -1 is out of bounds.");
  CHECK_THROWS_WITH(metrics.add(zeros({2, 4}), tensor({0, 1})),
                    "Classification: expected scores of shape (N, 3) or int64 classes of shape (N), got float32 [2, 4]");
  CHECK_THROWS_WITH(metrics.add(zeros({2, 3}), tensor({0, 1, 2})), "Expected input batch_size (2) to match target batch_size (3).");
  CHECK_THROWS_AS(metrics.add(zeros({2, 3}), zeros({2})), ValueError);
  CHECK_THROWS_AS(metrics.add(Tensor(), tensor({0, 1})), ValueError);
  CHECK_THROWS_AS(metrics.add(zeros({2, 3}), Tensor()), ValueError);
  CHECK_THROWS_AS(metrics.top_k(6), ValueError);
  CHECK(metrics.count() == 0);
  metrics.add(zeros({0, 3}), zeros({0}, kInt64));
  CHECK(metrics.count() == 0);
}

TEST_CASE("metrics: R2 and errors of numbers with a large offset are scikit-learn's") {
  train::Regression metrics;
  metrics.add(tensor({1000001.5, 1000002.0}, kFloat64), tensor({1000001.0, 1000002.0}, kFloat64));
  metrics.add(tensor({1000003.0, 1000004.0}, kFloat64), tensor({1000004.0, 1000003.5}, kFloat64));
  CHECK(metrics.r2() == Approx(0.7362637363).epsilon(1e-9));
  CHECK(metrics.mae() == Approx(0.5));
  CHECK(metrics.mse() == Approx(0.375));
  CHECK(metrics.rmse() == Approx(std::sqrt(0.375)));
  CHECK(std::isnan(train::Regression().r2()));
  train::Regression constant;
  constant.add(ones({3}), ones({3}));
  CHECK(constant.r2() == 1);
  CHECK_THROWS_WITH(constant.add(ones({3, 1}), ones({3})), "Regression: expected predictions and targets of the same shape, got [3, 1] and [3]");
}

TEST_CASE("metrics: a running mean weighs by the size of the batch") {
  train::Mean mean;
  CHECK(std::isnan(mean.value()));
  mean.add(1, 64);
  mean.add(4, 32);
  CHECK(mean.value() == Approx(2));
}

TEST_CASE("metrics: the states of two metrics, loaded together, are the one that has seen everything") {
  const Tensor scores = randn({40, 4}, {.dtype = kFloat64}), classes = randint(0, 4, {40});
  const Tensor guesses = randn({40}, {.dtype = kFloat64}) + 1e6, targets = guesses + randn({40}, {.dtype = kFloat64});
  train::Classification whole(4), together(4), classified[2] = {train::Classification(4), train::Classification(4)};
  train::Regression line, lines[3];
  train::Mean mean, means[2];
  whole.add(scores, classes);
  line.add(guesses, targets);
  const int64_t sizes[] = {27, 13};
  for (int part = 0; part < 2; ++part) {
    const int64_t from = part * 27, n = sizes[part];
    classified[part].add(scores.narrow(0, from, n), classes.narrow(0, from, n));
    lines[part].add(guesses.narrow(0, from, n), targets.narrow(0, from, n));
    means[part].add(double(part), double(n));
    mean.add(double(part), double(n));
  }
  together.add(scores, classes);  // what was there goes
  together.load_state({classified[0].state(), classified[1].state()});
  CHECK(together.confusion().equal(whole.confusion()));
  for (int64_t k = 1; k <= 3; ++k) CHECK(together.top_k(k) == whole.top_k(k));
  lines[2].load_state({lines[1].state(), train::Regression().state(), lines[0].state()});
  CHECK(lines[2].count() == 40);
  CHECK(lines[2].r2() == Approx(line.r2()).epsilon(1e-9));
  CHECK(lines[2].mse() == Approx(line.mse()).epsilon(1e-9));
  CHECK(lines[2].mae() == Approx(line.mae()).epsilon(1e-9));
  means[0].load_state({means[0].state(), means[1].state()});
  CHECK(means[0].value() == mean.value());
  CHECK_THROWS_WITH(together.load_state({whole.state(), train::Classification(3).state()}), contains("float64 of shape [22], got float64 [15]"));
  CHECK_THROWS_WITH(mean.load_state({Tensor()}), contains("Mean"));
  CHECK(together.confusion().equal(whole.confusion()));
}
