// The tape: order, accumulation, teardown, what is freed, hooks, gradients of gradients.
#include <ember/ember.h>
#include <ember/function.h>
#include <ember/gradcheck.h>

#include <thread>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

TEST_CASE("a reused tensor gets the sum of its gradients") {
  const Tensor x = tensor({3.0}, {.requires_grad = true});
  (x * x + x).sum().backward();
  CHECK_THAT(x.grad(), is_close({7.0}));
}

TEST_CASE("a diamond: both ways of the gradient meet before they go on") {
  const Tensor x = tensor({2.0}, {.requires_grad = true});
  int calls = 0;
  const Tensor middle = x * 3;
  register_hook(middle, [&](const Tensor&) {
    ++calls;
    return Tensor();
  });
  const Tensor left = middle * middle, right = middle * 5;
  (left + right).sum().backward();
  CHECK(calls == 1);                       // the hook sees the complete gradient, once
  CHECK_THAT(x.grad(), is_close({51.0}));  // (2*6 + 5) * 3
}

TEST_CASE("a second backward adds to grad, and set_grad clears it") {
  const Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
  (x * 2).sum().backward();
  const Tensor held = x.grad();
  (x * 2).sum().backward();
  CHECK_THAT(x.grad(), is_close({4.0, 4.0}));
  CHECK_THAT(held, is_close({4.0, 4.0}));  // added in place, as PyTorch does
  x.set_grad({});
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("memory kept by zero_grad serves no parameter that has got another dtype or shape since") {
  nn::Linear layer(3, 1);
  const Tensor x = tensor({1.0f, 2.0f, 3.0f}).view({1, 3});
  layer(x).sum().backward();
  layer.zero_grad();
  layer.to(kFloat64);
  layer(x.to(kFloat64)).sum().backward();
  CHECK(layer.weight.grad().dtype() == kFloat64);
  CHECK_THAT(layer.weight.grad().flatten(), is_close({1.0, 2.0, 3.0}));

  for (const bool linear_writes : {false, true}) {
    const Tensor w = tensor({1.0f, 2.0f}, {.requires_grad = true});
    w.sum().backward();
    w.set_grad({});
    w.set_data(ones({3}));
    linear_writes ? linear(x, w.view({1, 3})).sum().backward() : (x * w).sum().backward();
    CHECK_THAT(w.grad(), is_close({1.0, 2.0, 3.0}));
  }
}

TEST_CASE("a chain of a million operations runs backward and dies without recursion") {
  const Tensor x = tensor({1.0}, {.requires_grad = true});
  Tensor y = x;
  for (int i = 0; i < 1'000'000; ++i) y = y + 1;
  y.backward();
  CHECK_THAT(x.grad(), is_close({1.0}));
  Tensor unused = x;
  for (int i = 0; i < 1'000'000; ++i) unused = unused * 1;
  unused = Tensor();  // teardown of a graph that never ran
}

TEST_CASE("a graph runs once unless it is retained") {
  const Tensor x = tensor({2.0}, {.requires_grad = true});
  const Tensor y = (x * x).sum();
  y.backward({}, /*retain_graph=*/true);
  y.backward();
  CHECK_THAT(x.grad(), is_close({8.0}));
  CHECK_THROWS_WITH(y.backward(), starts_with("Trying to backward through the graph a second time"));
  CHECK_THAT(x.grad(), is_close({8.0}));
}

TEST_CASE("a graph that saved nothing may run again, as in PyTorch") {
  const Tensor x = tensor({2.0}, {.requires_grad = true});
  const Tensor y = (x + x).sum();
  y.backward();
  y.backward();
  CHECK_THAT(x.grad(), is_close({4.0}));
}

TEST_CASE("gradients of gradients") {
  const Tensor x = tensor({2.0}, {.requires_grad = true});
  const Tensor y = (x * x * x).sum();
  const Tensor first = autograd::grad({y}, {x}, {}, {.create_graph = true})[0];
  const Tensor second = autograd::grad({first}, {x}, {}, {.create_graph = true})[0];
  const Tensor third = autograd::grad({second}, {x})[0];
  CHECK_THAT(first, is_close({12.0}));
  CHECK_THAT(second, is_close({12.0}));
  CHECK_THAT(third, is_close({6.0}));
  CHECK_FALSE(x.grad().defined());  // grad() touches no leaf
}

TEST_CASE("grad of a tensor in the middle stops there") {
  const Tensor x = tensor({2.0}, {.requires_grad = true});
  const Tensor middle = x * 4;
  const Tensor y = middle * middle;
  const std::vector<Tensor> g = autograd::grad({y}, {middle, x});
  CHECK_THAT(g[0], is_close({16.0}));
  CHECK_THAT(g[1], is_close({64.0}));
}

TEST_CASE("an input that the output does not depend on is refused unless allowed") {
  const Tensor x = tensor({2.0}, {.requires_grad = true}), z = tensor({1.0}, {.requires_grad = true});
  const Tensor y = x * 2;
  CHECK_THROWS_WITH(autograd::grad({y}, {z}, {}, {.retain_graph = true}),
                    starts_with("One of the differentiated Tensors appears to not have been used in the graph."));
  CHECK_FALSE(autograd::grad({y}, {z}, {}, {.allow_unused = true})[0].defined());
}

TEST_CASE("backward into chosen leaves: one that the output does not depend on stays without a gradient, the others keep theirs") {
  const Tensor x = tensor({2.0}, {.requires_grad = true}), w = tensor({3.0}, {.requires_grad = true}), z = tensor({1.0}, {.requires_grad = true});
  const auto y = [&] { return x * x * w; };
  autograd::backward({y()}, {}, false, false, {x, z});
  CHECK_THAT(x.grad(), is_close({12.0}));
  CHECK_FALSE(z.grad().defined());
  CHECK_FALSE(w.grad().defined());
  autograd::backward({y()}, {}, false, false, {x});
  CHECK_THAT(x.grad(), is_close({24.0}));
}

TEST_CASE("backward without a starting gradient needs a scalar that depends on something") {
  const Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
  CHECK_THROWS_WITH((x * 2).backward(), equals("grad can be implicitly created only for scalar outputs"));
  CHECK_THROWS_WITH(ones({}).backward(), equals("element 0 of tensors does not require grad and does not have a grad_fn"));
  CHECK_THROWS_WITH((x * 2).backward(ones({3})),
                    equals("Mismatch in shape: grad_output[0] has a shape of torch.Size([3]) and output[0] has a shape of "
                           "torch.Size([2])."));
}

TEST_CASE("retain_grad keeps the gradient of a tensor in the middle") {
  const Tensor x = tensor({3.0}, {.requires_grad = true});
  const Tensor middle = x * 2;
  middle.retain_grad();
  (middle * middle).backward();
  CHECK_THAT(middle.grad(), is_close({12.0}));
}

TEST_CASE("hooks on a leaf see its complete gradient and may replace it") {
  const Tensor x = tensor({3.0}, {.requires_grad = true});
  int calls = 0;
  const int64_t handle = register_hook(x, [&](const Tensor& g) {
    ++calls;
    return g * 10;
  });
  (x * 2 + x).backward();
  CHECK(calls == 1);
  CHECK_THAT(x.grad(), is_close({30.0}));
  remove_hook(x, handle);
  x.set_grad({});
  (x * 2).backward();
  CHECK_THAT(x.grad(), is_close({2.0}));
}

TEST_CASE("a value saved for backward must not be written in place before") {
  const Tensor x = tensor({1.0, 2.0, 3.0}, {.requires_grad = true});
  const Tensor y = x.exp();
  const Tensor z = (y * y).sum();
  y.zero_();
  CHECK_THROWS_WITH(z.backward(), starts_with("one of the variables needed for gradient computation has been modified by an inplace "
                                              "operation: [torch.FloatTensor [3]], which is output 0 of ExpBackward0, is at version 1; "
                                              "expected version 0 instead. Hint:"));
}

TEST_CASE("an error in the middle of backward leaves no half-walked graph behind") {
  const Tensor x = tensor({1.0}, {.requires_grad = true});
  const Tensor y = x * 2;
  register_hook(y, [](const Tensor&) -> Tensor { throw RuntimeError("from the hook"); });
  const Tensor z = y + x * 3;
  CHECK_THROWS_WITH(z.backward(), equals("from the hook"));
  const Tensor w = (x * 5).sum();
  x.set_grad({});
  w.backward();
  CHECK_THAT(x.grad(), is_close({5.0}));
}

TEST_CASE("nothing is recorded under NoGradGuard or after detach") {
  const Tensor x = tensor({1.0}, {.requires_grad = true});
  {
    const NoGradGuard quiet;
    CHECK_FALSE((x * 2).requires_grad());
    const EnableGradGuard again;
    CHECK((x * 2).requires_grad());
  }
  CHECK_FALSE(x.detach().requires_grad());
  CHECK(x.detach().shares_storage(x));
}

TEST_CASE("anomaly mode names the operation whose backward made the first NaN") {
  const Tensor x = tensor({0.0}, {.requires_grad = true});
  autograd::set_detect_anomaly(true);
  const Tensor y = (x.sqrt() * 0).sum();
  CHECK_THROWS_WITH(y.backward(), starts_with("Function 'SqrtBackward0' returned nan values in its 0th output."));
  autograd::set_detect_anomaly(false);
}

TEST_CASE("two threads build and run graphs of their own at once") {
  double results[2] = {};
  const auto work = [&](int id) {
    for (int round = 0; round < 200; ++round) {
      const Tensor x = full({8}, id + 1.0, {.requires_grad = true});
      (x * x).sum().backward();
      results[id] = x.grad().sum().item<double>();
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  CHECK(results[0] == 16.0);
  CHECK(results[1] == 32.0);
}

namespace {
struct SplitSquares : autograd::Function<SplitSquares> {
  static constexpr const char* name = "SplitSquares";
  static std::vector<Tensor> forward(Context& context, const std::vector<Tensor>& in) {
    context.save_for_backward({in[0], in[1]});
    return {in[0] * in[0], in[0] * in[1]};
  }
  static std::vector<Tensor> backward(Context& context, const std::vector<Tensor>& g) {
    const Tensor a = context.saved_tensors()[0], b = context.saved_tensors()[1];
    const Tensor first = g[0].defined() ? g[0] * 2 * a : Tensor(), second = g[1].defined() ? g[1] * b : Tensor();
    const Tensor da = !first.defined() ? second : !second.defined() ? first : first + second;
    return {da, g[1].defined() ? g[1] * a : Tensor()};
  }
};
struct Exponential : autograd::Function<Exponential> {  // saves its output
  static std::vector<Tensor> forward(Context& context, const std::vector<Tensor>& in) {
    const Tensor y = in[0].exp();
    context.save_for_backward({y});
    return {y};
  }
  static std::vector<Tensor> backward(Context& context, const std::vector<Tensor>& g) { return {g[0] * context.saved_tensors()[0]}; }
};
}  // namespace

TEST_CASE("operations of one's own pass gradcheck and gradgradcheck, with two outputs and with a saved output") {
  const Tensor a = tensor({0.3, -1.2}, {.dtype = kFloat64, .requires_grad = true});
  const Tensor b = tensor({0.7, 2.0}, {.dtype = kFloat64, .requires_grad = true});
  const auto squares = [](const std::vector<Tensor>& in) { return SplitSquares::apply(in); };
  const auto exponential = [](const std::vector<Tensor>& in) { return Exponential::apply(in); };
  CHECK(autograd::gradcheck(squares, {a, b}));
  CHECK(autograd::gradgradcheck(squares, {a, b}));
  CHECK(autograd::gradcheck(exponential, {a}));
  CHECK(autograd::gradgradcheck(exponential, {a}));
  // Only one of the outputs is used.
  SplitSquares::apply({a, b})[1].sum().backward();
  CHECK_THAT(a.grad(), is_close({0.7, 2.0}));
}

TEST_CASE("gradcheck finds a wrong gradient") {
  const Tensor x = tensor({1.5}, {.dtype = kFloat64, .requires_grad = true});
  const auto wrong = [](const std::vector<Tensor>& in) {
    Tensor y = in[0].detach() * 3;
    return std::vector<Tensor>{record("Wrong", {in[0]}, y, [](const Tensor& dy, Grads& grads) { grads.add(0, dy * 2); })};
  };
  CHECK_THROWS_WITH(autograd::gradcheck(wrong, {x}), starts_with("Jacobian mismatch for output 0 with respect to input 0"));
}
