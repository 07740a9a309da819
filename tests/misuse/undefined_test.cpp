// Undefined tensors: grad() before a backward, a bias that was left out, a tensor that was moved from. tests/integration/undefined.sh
// tries every public function and method; here stand the programs that people write.
#include "misuse/misuse.h"

namespace ember {
namespace {

const char* const kWhereFrom = "Undefined tensors are what grad() gives before backward()";

TEST_CASE("misuse: an undefined tensor is no operand") {
  const Tensor u, x = ones({2, 2}), y = ones({2, 2}), mask = x > 0;

  refused<RuntimeError>("x + u", "add(): argument (position 2) must be Tensor, not an undefined Tensor", {x}, [&] { x + u; });
  refused<RuntimeError>("x + u", kWhereFrom, {x}, [&] { x + u; });
  refused<RuntimeError>("u + x", "add(): argument (position 1)", {x}, [&] { u + x; });
  refused<RuntimeError>("u + 1", "add(): argument (position 1)", [&] { u + 1; });
  refused<RuntimeError>("2 * u", "mul(): argument (position 2)", [&] { 2 * u; });
  refused<RuntimeError>("x * u", "mul(): argument (position 2)", {x}, [&] { x* u; });
  refused<RuntimeError>("x - u", "sub(): argument (position 2)", {x}, [&] { x - u; });
  refused<RuntimeError>("x / u", "div(): argument (position 2)", {x}, [&] { x / u; });
  refused<RuntimeError>("x > u", "gt(): argument (position 2)", {x}, [&] { x > u; });
  refused<RuntimeError>("x == u", "eq(): argument (position 2)", {x}, [&] { x == u; });
  refused<RuntimeError>("pow(x, u)", "pow(): argument (position 2)", {x}, [&] { pow(x, u); });
  refused<RuntimeError>("pow(2, u)", "pow(): argument (position 2)", [&] { pow(2, u); });
  refused<RuntimeError>("where(mask, u, x)", "where(): argument (position 2)", {x}, [&] { where(mask, u, x); });
  refused<RuntimeError>("where(mask, x, u)", "where(): argument (position 3)", {x}, [&] { where(mask, x, u); });
  refused<RuntimeError>("x.masked_fill(mask, u)", "masked_fill(): argument (position 3)", {x}, [&] { x.masked_fill(mask, u); });
  refused<RuntimeError>("x.lerp(y, u)", "lerp(): argument (position 3)", {x}, [&] { x.lerp(y, u); });
  refused<RuntimeError>("clamp(x, u, 1)", "clamp(): argument (position 2)", {x}, [&] { clamp(x, u, 1); });
  refused<RuntimeError>("x += u", "add(): argument (position 2)", {y}, [&] { y += u; });
  refused<RuntimeError>("u += x", "add(): argument (position 1)", {x}, [&] { u += x; });
  refused<RuntimeError>("x[0] = u", "operator=(): argument (position 2)", {y}, [&] { y[0] = u; });
}

TEST_CASE("misuse: None is an operand only where it is documented") {
  const Tensor x = arange(4.f);

  refused<RuntimeError>("x + None", "add(): argument (position 2) must be Tensor or Number, not NoneType", {x}, [&] { x + None; });
  refused<RuntimeError>("x > None", "gt(): argument (position 2) must be Tensor or Number, not NoneType", {x}, [&] { x > None; });
  refused<RuntimeError>("clamp(x)", "torch.clamp: At least one of 'min' or 'max' must not be None", {x}, [&] { clamp(x); });
  CHECK(clamp(x, None, 1).equal(tensor({0.f, 1.f, 1.f, 1.f})));
  CHECK(clamp(x, 2, None).equal(tensor({2.f, 2.f, 2.f, 3.f})));
  CHECK(x.nan_to_num(0, None, None).equal(x));
}

TEST_CASE("misuse: a gradient before the backward, and the bias of a layer without one") {
  nn::Linear layer(2, 1, {.bias = false});
  nn::Conv2d conv(1, 1, 1, {.bias = false});
  const Tensor p = ones({2}).requires_grad_();

  refused<RuntimeError>("weight.grad().norm()", "norm(): argument (position 1)", {layer.weight}, [&] { layer.weight.grad().norm(); });
  refused<RuntimeError>("weight.grad().zero_()", "zero_(): argument (position 1)", {layer.weight}, [&] { layer.weight.grad().zero_(); });
  refused<RuntimeError>("weight.grad().item()", "item()", {layer.weight}, [&] { layer.weight.grad().item(); });
  CHECK(to_string(layer.weight.grad()) == "undefined");
  refused<RuntimeError>("layer.bias.sum()", "sum(): argument (position 1)", [&] { layer.bias.sum(); });
  refused<RuntimeError>("conv.bias += 1", "add(): argument (position 1)", [&] { conv.bias += 1; });
  refused<RuntimeError>("p -= lr * p.grad()", "mul(): argument", {p}, [&] {
    NoGradGuard no_grad;
    p -= 0.1 * p.grad();
  });
  refused<RuntimeError>("loss = loss + l, from an undefined loss", "add(): argument (position 1)", [&] {
    Tensor loss;
    for (int i = 0; i < 2; ++i) loss = loss + conv(ones({1, 1, 2, 2})).sum();
  });
  CHECK_FALSE(layer.bias.defined());
  CHECK(layer(ones({1, 2})).sizes() == IntArrayRef({1, 1}));  // a bias is optional
}

TEST_CASE("misuse: what was moved from is undefined, and can be given a tensor again") {
  Tensor a = ones({2});
  const Tensor b = std::move(a);

  refused<RuntimeError>("a.sum()", "sum(): argument (position 1)", {b}, [&] { a.sum(); });
  refused<RuntimeError>("a.sizes()", "sizes() called on an undefined Tensor", {b}, [&] { a.sizes(); });
  refused<RuntimeError>("a.dim()", "dim() called on an undefined Tensor", {b}, [&] { a.dim(); });
  refused<RuntimeError>("a[0]", "undefined Tensor", {b}, [&] { a[0]; });
  refused<RuntimeError>("a.data<float>()", "data() called on an undefined Tensor", {b}, [&] { a.data<float>(); });
  refused<RuntimeError>("stack({a, b})", "stack(): expected Tensor as element 0 in the list, but got an undefined Tensor", {b},
                        [&] { stack({a, b}); });
  refused<RuntimeError>("cat({b, a})", "cat(): expected Tensor as element 1 in the list, but got an undefined Tensor", {b}, [&] { cat({b, a}); });
  refused<RuntimeError>("b.index({a})", "index(): ", {b}, [&] { b.index({a}); });
  refused<RuntimeError>("b[a]", "index(): ", {b}, [&] { b[a]; });
  CHECK_FALSE(a.defined());
  CHECK(a.is_same(Tensor()));
  CHECK(a.data_or_null() == nullptr);
  a = b;
  CHECK(a.sum().item<float>() == 2);
  std::vector<Tensor> many(100);
  many[3] = b;
  for (Tensor& t : many) t = std::move(many[3]);
  CHECK_FALSE(many[99].defined());
}

TEST_CASE("misuse: undefined tensors in modules, losses, optimisers and initialisers") {
  const Tensor u, x = ones({2, 2}), classes = tensor({0, 1});
  nn::Linear linear_layer(2, 2);
  nn::BatchNorm1d bn(2);
  nn::BatchNorm2d bn2(2);
  nn::Conv2d conv(2, 2, 1);
  nn::Embedding embed(2, 2);
  nn::Sequential net{nn::Linear(2, 2)};

  refused<RuntimeError>("linear(u)", "linear(): argument (position 1)", [&] { linear_layer(u); });
  refused<RuntimeError>("conv(u)", "undefined Tensor", [&] { conv(u); });
  refused<RuntimeError>("bn(u)", "undefined Tensor", {bn.running_mean}, [&] { bn(u); });
  refused<RuntimeError>("bn2(u)", "undefined Tensor", {bn2.running_mean}, [&] { bn2(u); });
  refused<RuntimeError>("embed(u)", "undefined Tensor", [&] { embed(u); });
  refused<RuntimeError>("cross_entropy(u, classes)", "cross_entropy(): argument (position 1)", [&] { cross_entropy(u, classes); });
  refused<RuntimeError>("cross_entropy(x, u)", "cross_entropy(): argument (position 2)", {x}, [&] { cross_entropy(x, u); });
  refused<RuntimeError>("mse_loss(x, u)", "mse_loss(): argument (position 2)", {x}, [&] { mse_loss(x, u); });
  refused<RuntimeError>("nn::CrossEntropyLoss()(x, u)", "cross_entropy(): argument (position 2)", {x}, [&] { nn::CrossEntropyLoss()(x, u); });
  refused<RuntimeError>("clip_grad_norm_({u})", "undefined Tensor", [&] { nn::utils::clip_grad_norm_({u}, 1); });
  refused<RuntimeError>("nn::init::zeros_(u)", "undefined Tensor", [&] { nn::init::zeros_(u); });
  refused<RuntimeError>("nn::init::kaiming_uniform_(u)", "undefined Tensor", [&] { nn::init::kaiming_uniform_(u); });
  refused<RuntimeError>("autograd::grad({u}, {x})", "grad(): expected Tensor as element 0", {x}, [&] { autograd::grad({u}, {x}); });
  refused<RuntimeError>("autograd::backward({u})", "backward(): expected Tensor as element 0", [&] { autograd::backward({u}); });
  refused<RuntimeError>("u.backward()", "backward(): argument (position 1)", [&] { u.backward(); });
  refused<RuntimeError>("nn::Sequential with a linear layer, of u", "linear(): argument (position 1)", [&] { net(u); });
}

}  // namespace
}  // namespace ember
