// Special functions, the rarer reductions and rearrangements: PyTorch's values, conventions and errors where the comparison cases say little.
#include <ember/ember.h>

#include <cmath>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

TEST_CASE("digamma, polygamma, erfinv: values from PyTorch in float64, poles and ends") {
  CHECK_THAT(digamma(tensor({-1.5, 0.5, 3.0}, kFloat64)), is_close({0.7031566406452433, -1.9635100260214229, 0.922784335098467}, 1e-14));
  CHECK(digamma(scalar_tensor(0.0)).item<float>() == -INFINITY);
  CHECK(std::isnan(digamma(scalar_tensor(-2.0)).item<float>()));
  CHECK_THAT(polygamma(1, tensor({-1.5, 0.25, 3.0}, kFloat64)), is_close({9.37924664484954, 17.19732915341456, 0.39493406693194577}, 1e-13));
  CHECK_THAT(polygamma(3, tensor({0.25, 3.0}, kFloat64)), is_close({1538.782144009189, 0.11893940226682916}, 1e-12));
  CHECK_THAT(erfinv(tensor({-0.999999, 0.3, 0.9999999}, kFloat64)), is_close({-3.458910737275499, 0.2724627147267543, 3.7665625816384707}, 1e-9));
  CHECK(erfinv(scalar_tensor(1.0)).item<float>() == INFINITY);
  CHECK(std::isnan(erfinv(scalar_tensor(1.5)).item<float>()));
  CHECK_THROWS_WITH(polygamma(-1, zeros({1})), "polygamma(n, x) does not support negative n.");
}

TEST_CASE("signbit, copysign, heaviside, xlogy: zeros and their signs") {
  CHECK(equal(signbit(tensor({-0.0, 0.0, -1.0})), tensor({true, false, true})));
  CHECK(std::signbit(copysign(tensor({0.0}), -2).item<float>()));
  CHECK_THAT(heaviside(tensor({-1.0, 0.0, 2.0}), tensor({0.5})), is_close({0.0, 0.5, 1.0}));
  CHECK_THAT(xlogy(tensor({0.0, 2.0}), tensor({0.0, 1.0})), is_close({0.0, 0.0}));
  CHECK(equal(gcd(tensor({12, -18}), tensor({8})), tensor({4, 2})));
  CHECK(equal(lcm(tensor({4, 0}), tensor({6})), tensor({12, 0})));
  CHECK_THROWS_WITH(heaviside(zeros({1}), zeros({1}, kInt64)), "heaviside is not yet implemented for tensors with different dtypes.");
  CHECK_THROWS_WITH(gcd(zeros({1}), zeros({1})), "\"gcd_cpu\" not implemented for 'Float'");
}

TEST_CASE("mode, kthvalue, cummax: which of equals, where a NaN stands") {
  const ValuesIndices m = mode(tensor({{2.0, 1.0, 2.0, 1.0, 3.0}}));
  CHECK_THAT(m.values, is_close({1.0}));
  CHECK(equal(m.indices, tensor({3})));
  CHECK(kthvalue(tensor({3.0, 1.0, 2.0}), 2).indices.item<int64_t>() == 2);
  const ValuesIndices c = cummax(tensor({1.0, 3.0, 3.0, NAN, 9.0}), 0);
  CHECK(equal(c.indices, tensor({0, 1, 2, 3, 3})));
  CHECK(nanmedian(tensor({NAN, 5.0, 1.0, 3.0})).item<float>() == 3);
  CHECK_THAT(logcumsumexp(tensor({1000.0, 1000.0}), 0), is_close({1000.0, 1000.6931}));
  CHECK_THROWS_WITH(kthvalue(zeros({3}), 4), "kthvalue(): selected number k out of range for dimension 0");
}

TEST_CASE("cov and corrcoef: weights, and too few observations") {
  const Tensor x = tensor({{1.0, 2.0, 4.0}, {3.0, 1.0, 0.0}});
  CHECK_THAT(cov(x), is_close({{2.3333333, -2.1666667}, {-2.1666667, 2.3333333}}, 1e-5));
  CHECK_THAT(corrcoef(x), is_close({{1.0, -0.9285714}, {-0.9285714, 1.0}}, 1e-5));
  CHECK_THAT(cov(x, {.correction = 0, .fweights = tensor({2, 1, 1})}),
             is_close(cov(tensor({{1.0, 1.0, 2.0, 4.0}, {3.0, 3.0, 1.0, 0.0}}), {.correction = 0}), 1e-5));
  CHECK_THROWS_WITH(cov(x, {.fweights = tensor({-1, 1, 1})}), "cov(): fweights cannot be negative");
}

TEST_CASE("one number in braces is a list of places, not a number of parts") {
  const Tensor x = arange(12).reshape({2, 2, 3}), v = arange(6);
  CHECK(v.split({6}).size() == 1);
  CHECK_THROWS_WITH(split(v, {3}), starts_with("split_with_sizes expects split_sizes to sum exactly to 6"));
  for (const auto& parts : {v.tensor_split({1}), tensor_split(v, {1}), hsplit(v, {1}), v.hsplit({1})}) {
    REQUIRE(parts.size() == 2);
    CHECK(equal(parts[0], tensor({0})));
    CHECK(equal(parts[1], tensor({1, 2, 3, 4, 5})));
  }
  CHECK(x.vsplit({1}).at(1).sizes() == IntArrayRef({1, 2, 3}));
  CHECK(vsplit(x, {1}).size() == 2);
  CHECK(x.dsplit({1}).at(1).sizes() == IntArrayRef({2, 2, 2}));
  CHECK(dsplit(x, {1}).size() == 2);
}

TEST_CASE("splits, rotations, blocks: PyTorch's errors") {
  CHECK_THROWS_WITH(tensor_split(zeros({3}), 0), "number of sections must be larger than 0, got 0");
  CHECK_THROWS_WITH(hsplit(zeros({6}), 4),
                    "torch.hsplit attempted to split along dimension 0, but the size of the dimension 6 is not divisible by the split_size 4!");
  CHECK_THROWS_WITH(vsplit(zeros({6}), 2), "torch.vsplit requires a tensor with at least 2 dimension, but got a tensor with 1 dimensions!");
  CHECK_THROWS_WITH(fliplr(zeros({3})), "Input must be >= 2-d.");
  CHECK_THROWS_WITH(rot90(zeros({2, 2}), 1, {0, 0}), "expected rotation dims to be different, but got dim0 = 0 and dim1 = 0");
  CHECK_THROWS_WITH(combinations(zeros({2, 2})), "Expect a 1D vector, but got shape [2, 2]");
  CHECK(tensor_split(arange(7), 3)[0].numel() == 3);
  CHECK(equal(combinations(tensor({1, 2, 3}), 2), tensor({{1, 2}, {1, 3}, {2, 3}})));
  CHECK(equal(combinations(tensor({1, 2}), 2, true), tensor({{1, 1}, {1, 2}, {2, 2}})));
  CHECK(equal(tril_indices(2, 2), tensor({{0, 1, 1}, {0, 0, 1}})));
  CHECK(block_diag({}).sizes() == IntArrayRef({1, 0}));
}

TEST_CASE("writes at indices: negative ones, bounds, sources that are too short") {
  const Tensor x = arange(6.0);
  CHECK(index_fill(x, 0, tensor({-1}), 1)[5].item<float>() == 1);
  CHECK_THROWS_WITH(index_copy(x, 0, tensor({0, 9}), ones({2})), "index_copy_(): index 9 is out of bounds for dimension 0 with size 6");
  CHECK_THROWS_WITH(index_fill(x, 0, tensor({9}), 1), "index 9 is out of bounds for dimension 0 with size 6");
  CHECK_THROWS_WITH(masked_scatter(x, gt(x, 2), ones({1})), "Number of elements of source < number of ones in mask");
  CHECK_THROWS_WITH(take(x, tensor({9})), "out of range: tried to access index 9 on a tensor of 6 elements.");
  CHECK_THROWS_WITH(take(zeros({0}), tensor({0})), "take(): tried to take from an empty tensor");
  CHECK_THROWS_WITH(slice_scatter(ones({2, 3}), ones({2}), 0, 0),
                    "expected src to have a size equal to the slice of self. src size = [2], slice size = [2, 3]");
  CHECK_THAT(scatter_reduce(ones({2}), 0, tensor({1, 1}), tensor({2.0, 5.0}), IndexReduce::Mean, false), is_close({1.0, 3.5}));
}

TEST_CASE("products by index: a zero among the sources has the product of the others as its gradient, two zeros have none") {
  const Tensor index = tensor({0, 0, 1, 1, 2, 3}), dy = tensor({1.0, 2.0, 3.0, 4.0}, kFloat64);
  const auto check_gradients = [&](const auto& reduce) {
    const Tensor x = tensor({2.0, 3.0, 0.0, 5.0}, kFloat64).requires_grad_(), src = tensor({0.0, 4.0, 0.0, 0.0, 7.0, 0.5}, kFloat64).requires_grad_();
    const Tensor y = reduce(x, src);
    CHECK_THAT(y.detach(), is_close({0.0, 0.0, 0.0, 2.5}));
    y.backward(dy);
    CHECK_THAT(x.grad(), is_close({0.0, 0.0, 21.0, 2.0}));  // PyTorch's
    CHECK_THAT(src.grad(), is_close({8.0, 0.0, 0.0, 0.0, 0.0, 20.0}));
  };
  check_gradients([&](const Tensor& x, const Tensor& src) { return scatter_reduce(x, 0, index, src, IndexReduce::Prod); });
  check_gradients([&](const Tensor& x, const Tensor& src) { return index_reduce(x, 0, index, src, IndexReduce::Prod); });
}

TEST_CASE("searchsorted, bucketize, isin: sides, rows, numbers") {
  const Tensor edges = tensor({1.0, 3.0, 5.0});
  CHECK(equal(searchsorted(edges, tensor({3.0, 6.0, NAN})), tensor({1, 3, 3})));
  CHECK(equal(bucketize(tensor({3.0}), edges, true), tensor({2})));
  CHECK(searchsorted(edges, 2.5).item<int64_t>() == 1);
  CHECK(equal(searchsorted(tensor({5.0, 1.0}), tensor({2.0}), {.sorter = tensor({1, 0})}), tensor({1})));
  CHECK(equal(isin(tensor({1, 2, 3}), tensor({2}), false, true), tensor({true, false, true})));
  CHECK_THROWS_WITH(searchsorted(zeros({2, 2}), zeros({3, 1})),
                    contains("the first N-1 dimensions of boundaries tensor and input value tensor must match"));
}

TEST_CASE("distances: 0 has no gradient, many rows by products agree with few") {
  const Tensor x = tensor({{1.0, 2.0}, {1.0, 2.0}}, {.requires_grad = true});
  cdist(x, x).sum().backward();
  CHECK_THAT(x.grad(), is_close({{0.0, 0.0}, {0.0, 0.0}}));
  manual_seed(4);
  const Tensor many = randn({30, 5}, {.dtype = kFloat64}), few = many.narrow(0, 0, 4);
  CHECK_THAT(cdist(many, few).narrow(0, 0, 4), is_close(cdist(few, few), 1e-7));
  CHECK_THAT(pdist(few), is_close(cdist(few, few).index({triu_indices(4, 4, 1)[0], triu_indices(4, 4, 1)[1]}), 1e-9));
  CHECK_THROWS_WITH(cdist(zeros({2, 3}), zeros({2, 4})), "X1 and X2 must have the same number of columns. X1: 3 X2: 4");
}

TEST_CASE("activations that draw: PyTorch's numbers for the same seed") {
  manual_seed(0);
  CHECK_THAT(gumbel_softmax(tensor({{1.0, 2.0, 3.0}}), {.tau = 0.5}), is_close({{0.00054419471, 0.032693498, 0.9667623}}, 1e-5));
  manual_seed(0);
  CHECK_THAT(gumbel_softmax(tensor({{1.0, 2.0, 3.0}}), {.hard = true}), is_close({{0.0, 0.0, 1.0}}));
  manual_seed(0);
  CHECK_THAT(rrelu(tensor({-1.0, 2.0, -3.0, 0.0}), {.training = true}), is_close({-0.32709438, 2.0, -0.81738746, 0.0}));
  CHECK_THAT(rrelu(tensor({-1.0})), is_close({-0.22916667}));
}

TEST_CASE("losses by margins: values from PyTorch") {
  CHECK_THAT(multi_margin_loss(tensor({{0.1, 0.2, 0.4, 0.8}}), tensor({3})), is_close(scalar_tensor(0.325)));
  CHECK_THAT(multilabel_margin_loss(tensor({{0.1, 0.2, 0.4, 0.8}}), tensor({{3, 0, -1, 1}})), is_close(scalar_tensor(0.85)));
  CHECK_THROWS_WITH(multi_margin_loss(zeros({1, 2}), tensor({2})), "target out of range");
  CHECK_THROWS_WITH(multi_margin_loss(zeros({1, 2}), tensor({0}), {.p = 3}), "only p == 1 and p == 2 supported");
}

TEST_CASE("kthvalue, median, mode of ties: the index that PyTorch's selection ends at") {
  struct Row {
    Tensor x;
    std::vector<int64_t> kth;
    int64_t median, nanmedian, mode;
  };
  for (const Row& row : {Row{tensor({2.f, 1, 2, 1, 2}), {1, 3, 2, 0, 4}, 0, 0, 4}, Row{tensor({1.f, 1, 1, 1}), {1, 0, 2, 3}, 1, 1, 3},
                         Row{tensor({3.f, 3, 1, 1, 2, 2, 3, 1, 2}), {3, 7, 2, 4, 8, 5, 1, 6, 0}, 5, 5, 7},
                         Row{tensor({0.f, 0, 0, 1, 1, 1, 0, 0}), {6, 7, 0, 1, 2, 5, 4, 3}, 6, 6, 7},
                         Row{tensor({2.f, 1, 2, 1, 2, NAN, NAN}), {3, 1, 4, 0, 2, 5, 6}, 5, 0, 4}}) {
    INFO(row.x.sizes()[0]);
    for (std::size_t k = 0; k < row.kth.size(); ++k) CHECK(kthvalue(row.x, int64_t(k) + 1).indices.item<int64_t>() == row.kth[k]);
    CHECK(median(row.x, 0).indices.item<int64_t>() == row.median);
    CHECK(nanmedian(row.x, 0).indices.item<int64_t>() == row.nanmedian);
    CHECK(mode(row.x, 0).indices.item<int64_t>() == row.mode);
  }
}

TEST_CASE("scatter with numbers without dimensions among its arguments, movedim of one") {
  const Tensor number = scalar_tensor(2.0), one = tensor({2.f});
  for (const Tensor& source : {scalar_tensor(2.f), one})
    for (const Tensor& index : {full({}, 1, kInt64), tensor({1})}) CHECK(scatter(zeros({3}), 0, index, source).equal(tensor({0.f, 2, 0})));
  CHECK(scatter(zeros({}), 0, tensor({0}), one).equal(scalar_tensor(2.f)));
  CHECK(number.movedim({0}, {-1}).dim() == 0);
  CHECK_THROWS_WITH(number.movedim({1}, {0}), starts_with("Dimension out of range"));
}

TEST_CASE("ParameterList and ParameterDict: in the state, trained, copied") {
  struct Net : nn::Module {
    nn::ParameterList& weights = add("weights", nn::ParameterList{ones({2}), zeros({1})});
    nn::ParameterDict& named = add("named", nn::ParameterDict{{"scale", ones({1})}});
  };
  const Net net;
  CHECK(net.named_parameters().size() == 3);
  CHECK(net.named_parameters()[0].first == "weights.0");
  CHECK(net.get_parameter("named.scale").requires_grad());
  CHECK(net.weights[-1].numel() == 1);
  const auto copy = nn::deep_copy(net.weights);
  CHECK(!copy[0].shares_storage(net.weights[0]));
  CHECK_THAT(copy[0], is_close({1.0, 1.0}));
  CHECK_THROWS_WITH(net.weights[2], "index 2 is out of range");
  CHECK_THROWS_WITH(net.named["other"], "ParameterDict has no parameter 'other'");
}

TEST_CASE("whole numbers, places named twice and numbers that are NaN: as PyTorch takes them") {
  const Tensor a = arange(12).view({2, 2, 3}), b = arange(12).view({2, 3, 2});
  CHECK(addbmm(full({2, 2}, 5, kInt64), a, b, {.beta = 0.6}).equal(tensor({{182, 206}, {272, 314}})));
  CHECK(addbmm(full({2, 2}, 5, kInt64), a, b, {.beta = 1.5, .alpha = 1.7}).equal(tensor({{187, 211}, {277, 319}})));
  CHECK(logspace(-2.7, 1.2, 4, 10, {.dtype = kInt64}).equal(tensor({0, 0, 1, 10})));
  const Tensor value = scalar_tensor(2.0).requires_grad_();
  index_fill(zeros({3}), 0, tensor({1, 1}), value).sum().backward();
  CHECK(value.grad().item<double>() == 1);
  const Tensor x = tensor({0.f, 1.f}).requires_grad_();
  xlogy(x, NAN).sum().backward();
  CHECK(x.grad()[0].item<float>() == 0);
  CHECK(std::isnan(x.grad()[1].item<float>()));
}
