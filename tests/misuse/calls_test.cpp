// What a call of a module throws says where; what is refused leaves everything as it was; hooks may do what they want to hooks.
#include "misuse/misuse.h"

namespace ember {
namespace {

struct Net : nn::Module {
  nn::Sequential& features = add("features", nn::Sequential{nn::Linear(4, 6), nn::ReLU(), nn::BatchNorm1d(6), nn::Linear(4, 2)});
  Tensor forward(const Tensor& x) override { return features(x); }
};
struct Doubles : nn::Module {
  Tensor forward(const Tensor& x) override { return matmul(x, ones({3, 3})); }
};

int lines_with(const std::string& text, const std::string& words) {
  int count = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
  return count;
}
template <class Program>
std::string error_of(Program&& program) {
  try {
    program();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("misuse: an error inside of a forward names path, class and input on its second line, once") {
  Net net;
  const Tensor x = ones({48, 4});
  const std::string text = error_of([&] { net(x); });
  CHECK_THAT(text, contains("\nin Net.features.3 (Linear), input [48, 6] float32"));
  CHECK(text.find("\nin ") == text.find('\n'));
  CHECK(lines_with(text, "\nin ") == 1);

  CHECK_THAT(error_of([&] { nn::Linear(3, 2)(ones({2, 5})); }), contains("\nin Linear, input [2, 5] float32"));
  CHECK_THAT(error_of([&] { nn::Sequential{Doubles()}(ones({2, 5})); }), contains("\nin Sequential.0 (Doubles), input [2, 5] float32"));
  CHECK_THAT(error_of([&] { nn::Sequential{nn::Conv2d(3, 2, 3), nn::BatchNorm2d(2), nn::ReLU()}(ones({1, 4, 8, 8})); }),
             contains("\nin Sequential.0 (Conv2d), input [1, 4, 8, 8] float32"));
  CHECK_THAT(error_of([&] { nn::Sequential{nn::Conv2d(3, 2, 3), nn::BatchNorm2d(5), nn::ReLU()}.train(); }), equals(""));
  nn::Sequential fused{nn::Conv2d(3, 2, 3), nn::BatchNorm2d(5), nn::ReLU()};
  CHECK_THAT(error_of([&] { fused(ones({1, 3, 8, 8})); }), contains("\nin Sequential.1 (BatchNorm2d), input [1, 2, 6, 6] float32"));
  fused.eval();
  CHECK_THAT(error_of([&] { fused(ones({1, 3, 8, 8})); }), contains("\nin Sequential.1 (BatchNorm2d), input [1, 2, 6, 6] float32"));
  CHECK_THAT(error_of([&] { nn::CrossEntropyLoss()(ones({4, 3}), ones({5}, kInt64)); }),
             contains("\nin CrossEntropyLoss, inputs [4, 3] float32, [5] int64"));
  CHECK_THAT(error_of([&] { net.features[3](x.to(kFloat64)); }), contains("\nin Net.features.3 (Linear), input [48, 4] float64"));
}

TEST_CASE("misuse: an error in the backward of a module names it") {
  struct Throws : nn::Module {
    Tensor forward(const Tensor& x) override {
      return record("Strange", {x}, x.detach().clone(), [](const Tensor&, Grads&) { throw ValueError("no gradient today"); });
    }
  };
  nn::Sequential net{nn::Linear(3, 2), Throws(), nn::Linear(2, 1)};
  const Tensor y = net(ones({4, 3})).sum();
  CHECK_THAT(error_of([&] { y.backward(); }),
             contains("no gradient today\nin Sequential.1 (Throws), input [4, 2] float32, in the backward of strange"));

  nn::Sequential twice{nn::Linear(3, 2), nn::Sigmoid()};
  const Tensor loss = twice(ones({4, 3})).sum();
  loss.backward();
  CHECK_THAT(error_of([&] { loss.backward(); }), contains("Trying to backward through the graph a second time"));
  CHECK_THAT(error_of([&] { twice(ones({4, 3})).backward(); }), contains("grad can be implicitly created only for scalar outputs"));

  nn::Sequential exps{nn::Linear(3, 2), nn::Sigmoid()};
  const Tensor h = exps(ones({4, 3}));
  const Tensor after = h.exp().sum();
  {
    const NoGradGuard quiet;
    h.mul_(2);
  }
  const std::string text = error_of([&] { after.backward(); });
  CHECK_THAT(text, contains("has been modified by an inplace operation"));
  CHECK_THAT(text, contains("\nin Sequential.1 (Sigmoid), input [4, 2] float32, in the backward of sigmoid"));

  Tensor outside;
  {
    nn::Sequential dies{nn::Linear(3, 2), Throws()};
    outside = dies(ones({4, 3})).sum();
  }
  CHECK(error_of([&] { outside.backward(); }) == "no gradient today");  // the module is gone
}

TEST_CASE("anomaly mode names the call of the forward in C++ words") {
  struct Root : nn::Module {
    nn::Linear& l = add("l", nn::Linear(3, 2));
    Tensor forward(const Tensor& x) override { return sqrt(l(x) * 0.0); }
  };
  Root net;
  autograd::set_detect_anomaly(true);
  const std::string text = error_of([&] { (net(ones({4, 3})) * 0.0).sum().backward(); });
  autograd::set_detect_anomaly(false);
  CHECK_THAT(
      text, starts_with("Function 'SqrtBackward0' returned nan values in its 0th output.\nin Root, input [4, 2] float32, in the backward of sqrt\n"));
  CHECK_THAT(text, contains("It is the backward of the call sqrt(float32 [4, 2])."));
}

TEST_CASE("misuse: a refused call moves no state") {
  nn::Sequential pooled{nn::BatchNorm2d(2), nn::ReLU(), nn::MaxPool2d(2)};
  nn::BatchNorm2d& norm = pooled[0].as<nn::BatchNorm2d>();
  const Tensor small = randn({4, 2, 1, 1});
  const std::vector<Tensor> state = {norm.running_mean, norm.running_var, norm.num_batches_tracked};
  refused<RuntimeError>("pooled(1 x 1 map)", "Output size is too small", state, [&] { pooled(small); });
  refused<RuntimeError>("in one pass", "Output size is too small", state, [&] { norm.forward_then(small, {.relu = true, .max_pool = true}); });
  nn::Sequential mismatched{nn::BatchNorm2d(3), nn::ReLU()};
  const nn::BatchNorm2d& three = mismatched[0].as<nn::BatchNorm2d>();
  refused<RuntimeError>("channels", "running_mean should contain 2 elements not 3",
                        {three.running_mean, three.running_var, three.num_batches_tracked}, [&] { mismatched(small); });
}

TEST_CASE("misuse: state of batch norm that cannot be counted or moved") {
  nn::BatchNorm1d norm(3);
  norm.num_batches_tracked = zeros({}, kFloat32);
  const Tensor x = ones({4, 3});
  refused<RuntimeError>("float num_batches_tracked", "expected num_batches_tracked to be one int64 number, got float32 of shape []",
                        {norm.running_mean, norm.running_var, norm.num_batches_tracked}, [&] { norm(x); });
  nn::BatchNorm1d single(3);
  refused<ValueError>("one value per channel", "Expected more than 1 value per channel when training",
                      {single.running_mean, single.num_batches_tracked}, [&] { single(ones({1, 3})); });
  nn::BatchNorm1d other(4);
  refused<RuntimeError>("other number of channels", "running_mean should contain 3 elements not 4", {other.running_mean, other.num_batches_tracked},
                        [&] { other(x); });
  nn::Linear average(3, 2), model(3, 4), without_bias(3, 2, {.bias = false});
  optim::swa_utils::AveragedModel<nn::Linear> swa(std::move(average), nn::Linear(3, 2));
  refused<ValueError>("update_parameters(another model)",
                      "AveragedModel: the model has weight of shape [4, 3], the average has weight of shape [2, 3]", swa.parameters(),
                      [&] { swa.update_parameters(model); });
  refused<ValueError>("update_parameters(fewer parameters)", "AveragedModel", swa.parameters(), [&] { swa.update_parameters(without_bias); });
}

TEST_CASE("forward hooks may add and remove hooks while they run") {
  nn::Linear l(2, 2);
  int first = 0, second = 0;
  int64_t own = 0;
  own = l.register_forward_hook([&](nn::Module& m, const Tensor&, const Tensor&) {
    ++first;
    m.remove_hook(own);
    m.register_forward_hook([&](nn::Module&, const Tensor&, const Tensor&) { ++second; });
    for (int i = 0; i < 20; ++i) m.register_forward_pre_hook([](nn::Module&, const Tensor&) {});
  });
  l(ones({1, 2}));
  l(ones({1, 2}));
  CHECK(first == 1);
  CHECK(second == 1);
}

// Values: PyTorch 2.13 with the same module and hooks.
TEST_CASE("backward hooks see the gradients of output and input, and may replace them") {
  nn::Linear l(2, 1);
  {
    const NoGradGuard quiet;
    l.weight.copy_(tensor({{2.0f, 3.0f}}));
  }
  Tensor x = ones({1, 2}, {.requires_grad = true}), seen_in, seen_out;
  const int64_t hook = l.register_full_backward_hook([&](nn::Module& m, const Tensor& grad_input, const Tensor& grad_output) {
    CHECK(&m == &l);
    seen_in = grad_input;
    seen_out = grad_output;
    return grad_input * 10;
  });
  const int64_t pre = l.register_full_backward_pre_hook([](nn::Module&, const Tensor& grad_output) { return grad_output * 2; });
  (l(x) * 5).sum().backward();
  CHECK(seen_out.item<float>() == 10);  // 5, doubled by the pre-hook
  CHECK(seen_in.equal(tensor({{20.0f, 30.0f}})));
  CHECK(x.grad().equal(tensor({{200.0f, 300.0f}})));
  CHECK(l.weight.grad().equal(tensor({{10.0f, 10.0f}})));
  l.remove_hook(hook);
  l.remove_hook(pre);
  x.set_grad({});
  l(x).sum().backward();
  CHECK(x.grad().equal(tensor({{2.0f, 3.0f}})));
}

static std::string last_warning;

TEST_CASE("a backward hook without an input that requires grad gets none, and may not return one") {
  nn::Linear l(2, 1);
  const auto handler = set_warning_handler([](const char* text) { last_warning = text; });
  bool undefined = false;
  const int64_t looks = l.register_full_backward_hook(
      [&](nn::Module&, const Tensor& grad_input, const Tensor&) { undefined = !grad_input.defined(); });
  l(ones({1, 2})).sum().backward();
  CHECK(undefined);
  CHECK_THAT(last_warning, starts_with("Full backward hook is firing when gradients are computed with respect to module outputs"));
  l.remove_hook(looks);
  l.register_full_backward_hook([](nn::Module&, const Tensor&, const Tensor& grad_output) { return grad_output; });
  CHECK_THROWS_WITH(l(ones({1, 2})).sum().backward(),
                    starts_with("Backward hook for Modules where no input requires gradient should always return None"));
  set_warning_handler(handler);
}

TEST_CASE("misuse: hooks that are empty, or give a gradient that does not fit") {
  nn::Linear l(2, 2);
  const Tensor x = ones({1, 2}, {.requires_grad = true});
  refused<TypeError>("register_forward_hook({})", "expected a hook that can be called", [&] { l.register_forward_hook(nn::ForwardHook()); });
  refused<TypeError>("register_full_backward_hook({})", "expected a hook that can be called",
                     [&] { l.register_full_backward_hook(nn::FullBackwardHook()); });
  const auto with_tensor_hook = [&](Tensor replacement) {
    const Tensor y = x * 2;
    register_hook(y, [replacement](const Tensor&) { return replacement; });
    y.sum().backward();
  };
  refused<RuntimeError>("a tensor hook of another size", "has changed the size of value", {x}, [&] { with_tensor_hook(ones({3, 2})); });
  refused<RuntimeError>("a tensor hook of another dtype", "has changed the type of value (was torch.FloatTensor got torch.DoubleTensor)", {x},
                        [&] { with_tensor_hook(ones({1, 2}, kFloat64)); });
  const Tensor leaf = ones({2}, {.requires_grad = true});
  register_hook(leaf, [](const Tensor&) { return ones({3}); });
  refused<RuntimeError>("a hook of a leaf of another size", "has changed the size of value", {leaf}, [&] { (leaf * 2).sum().backward(); });
  l.register_full_backward_hook([](nn::Module&, const Tensor&, const Tensor&) { return ones({5}); });
  refused<RuntimeError>("a backward hook of another size", "has changed the size of value", {x}, [&] { l(x).sum().backward(); });
}

}  // namespace
}  // namespace ember
