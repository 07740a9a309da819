// Modules that were moved from, parameters that no optimiser would train, members that are no children, layers that are cut down.
#include <cmath>
#include <memory>

#include "misuse/misuse.h"

namespace ember {
namespace {

TEST_CASE("misuse: a module that was moved from") {
  nn::Linear a(2, 2);
  nn::Linear b(std::move(a));
  const Tensor x = ones({1, 2});
  const char* const words = "Linear: this module was moved from";

  refused<RuntimeError>("a(x)", words, [&] { a(x); });
  refused<RuntimeError>("a.train()", words, [&] { a.train(); });
  refused<RuntimeError>("a.is_training()", words, [&] { a.is_training(); });
  refused<RuntimeError>("a.parameters()", words, [&] { a.parameters(); });
  refused<RuntimeError>("a.named_modules()", words, [&] { a.named_modules(); });
  refused<RuntimeError>("a.state_dict()", words, [&] { a.state_dict(); });
  refused<RuntimeError>("a.load_state_dict(state)", words, [&] { a.load_state_dict(b.state_dict()); });
  refused<RuntimeError>("a.repr()", words, [&] { a.repr(); });
  refused<RuntimeError>("a.to(kFloat64)", words, {b.weight}, [&] { a.to(kFloat64); });
  refused<RuntimeError>("a.zero_grad()", words, [&] { a.zero_grad(); });
  refused<RuntimeError>("a.apply(f)", words, [&] { a.apply([](nn::Module&) {}); });
  refused<RuntimeError>("a.register_forward_hook(f)", words, [&] { a.register_forward_hook([](nn::Module&, const Tensor&, const Tensor&) {}); });
  refused<RuntimeError>("a.get_parameter(\"weight\")", words, [&] { a.get_parameter("weight"); });
  refused<RuntimeError>("nn::Sequential{std::move(a)}", words, [&] { nn::Sequential{std::move(a)}; });
  refused<RuntimeError>("nn::deep_copy(a)", words, [&] { nn::deep_copy(a); });
  refused<RuntimeError>("SGD(a, 0.1)", words, [&] { optim::SGD(a, 0.1); });
  CHECK(a.weight.is_same(b.weight));  // the reference still leads to the parameter
  CHECK(b(x).defined());
}

TEST_CASE("misuse: a moved-from network outlives the one it was moved into") {
  auto from = std::make_unique<nn::Sequential>(nn::Linear(2, 3), nn::ReLU());
  nn::Linear& layer = (*from)[0].as<nn::Linear>();
  {
    const nn::Sequential to(std::move(*from));
    CHECK(to(ones({1, 2})).sizes() == IntArrayRef({1, 3}));
  }
  CHECK(layer.weight.sum().item<double>() == layer.weight.sum().item<double>());  // no use after free
  refused<RuntimeError>("from(x)", "Sequential: this module was moved from", [&] { (*from)(ones({1, 2})); });
  refused<RuntimeError>("from.size()", "Sequential: this module was moved from", [&] { from->size(); });
  refused<RuntimeError>("from[0]", "Sequential: this module was moved from", [&] { (*from)[0]; });
  refused<RuntimeError>("from.append(layer)", "Sequential: this module was moved from", [&] { from->append(nn::ReLU()); });
}

struct PlainScale : nn::Module {
  nn::Linear& l = add("l", nn::Linear(3, 1));
  Tensor& scale = add_parameter("scale");
  explicit PlainScale(Tensor value) { scale = std::move(value); }
  Tensor forward(const Tensor& x) override { return l(x * scale); }
};

TEST_CASE("misuse: a plain tensor where a parameter belongs") {
  const char* const words = "cannot assign 'torch.FloatTensor' as parameter 'scale' (torch.nn.Parameter or None expected)";
  PlainScale net(ones({3}));
  refused<TypeError>("net.parameters()", words, [&] { net.parameters(); });
  refused<TypeError>("net.named_parameters()", words, [&] { net.named_parameters(); });
  refused<TypeError>("optim::SGD(net.parameters())", words, [&] { optim::SGD(net.parameters(), {.lr = 1}); });
  refused<TypeError>("optim::Adam(net)", words, [&] { optim::Adam(net, {.lr = 1}); });
  refused<TypeError>("net(x)", words, [&] { net(ones({2, 3})); });
  refused<TypeError>("net.requires_grad_()", words, [&] { net.requires_grad_(); });
  CHECK_THROWS_WITH(net.parameters(), contains("\nin PlainScale\n"));

  nn::Sequential nested{nn::Linear(2, 2), nn::ReLU()};
  nested[0].as<nn::Linear>().weight = ones({2, 2});
  const char* const
      nested_words = "cannot assign 'torch.FloatTensor' as parameter 'weight' (torch.nn.Parameter or None expected)\nin Sequential.0 (Linear)";
  refused<TypeError>("nested.parameters()", nested_words, [&] { nested.parameters(); });
  refused<TypeError>("nested(x)", nested_words, [&] { nested(ones({1, 2})); });
  nn::Linear converted(2, 2);
  converted.weight = converted.weight.to(kFloat64);
  refused<TypeError>("weight = weight.to(kFloat64)", "cannot assign 'torch.DoubleTensor' as parameter 'weight'",
                     [&] { converted(ones({1, 2}, kFloat64)); });
}

TEST_CASE("what may stand where a parameter belongs: a leaf that requires grad, a frozen parameter, one of another module, nothing") {
  const Tensor trained = ones({3}, {.requires_grad = true});
  PlainScale net(trained);
  CHECK(net.parameters().size() == 3);
  CHECK(net(ones({2, 3})).defined());

  nn::Linear a(2, 2), b(2, 2);
  a.requires_grad_(false);
  b.weight = a.weight;
  b.bias = Tensor();
  CHECK(b.parameters().size() == 1);
  CHECK(b(ones({1, 2})).sizes() == IntArrayRef({1, 2}));
}

struct Forgetful : nn::Module {
  nn::Linear& l = add("l", nn::Linear(3, 1));
  nn::BatchNorm1d forgotten{1};
  Tensor forward(const Tensor& x) override { return forgotten(l(x)); }
};
struct ForgetfulList : nn::Module {
  std::vector<std::unique_ptr<nn::Linear>> layers;
  ForgetfulList() { layers.push_back(std::make_unique<nn::Linear>(3, 3)); }
  Tensor forward(const Tensor& x) override { return (*layers[0])(x); }
};
struct ForgetfulSequence : nn::Module {
  nn::Sequential body{nn::Linear(3, 3), nn::Dropout(0.5)};
  Tensor forward(const Tensor& x) override { return body(x); }
};
struct GivenLayer : nn::Module {
  nn::Linear layer;
  explicit GivenLayer(nn::Linear l) : layer(std::move(l)) {}
  Tensor forward(const Tensor& x) override { return layer(x); }
};
struct Outer : nn::Module {
  Forgetful& inner = add("inner", Forgetful());
  Tensor forward(const Tensor& x) override { return inner(x); }
};

TEST_CASE("misuse: a member module that was never add()ed") {
  const Tensor x = ones({2, 3});
  Forgetful net;
  refused<RuntimeError>(
      "net(x)", "Forgetful calls a BatchNorm1d that is not one of its modules: parameters(), train(), eval(), to() and state_dict() do not reach it",
      [&] { net(x); });
  refused<RuntimeError>("net(x) again", "is not one of its modules", [&] { net(x); });
  ForgetfulList list;
  refused<RuntimeError>("list(x)", "ForgetfulList calls a Linear that is not one of its modules", [&] { list(x); });
  ForgetfulSequence sequence;
  refused<RuntimeError>("sequence(x)", "ForgetfulSequence calls a Sequential that is not one of its modules", [&] { sequence(x); });
  Outer outer;
  refused<RuntimeError>("outer(x)", "Forgetful calls a BatchNorm1d that is not one of its modules", [&] { outer(x); });
  Forgetful moved(std::move(net));
  refused<RuntimeError>("moved(x)", "is not one of its modules", [&] { moved(x); });
  CHECK_THROWS_WITH(outer(x), contains("add(\"name\", nn::BatchNorm1d(...))"));
}

struct UsesOthers : nn::Module {
  nn::Linear& l = add("l", nn::Linear(3, 3));
  nn::Dropout& shared;
  explicit UsesOthers(nn::Dropout& d) : shared(d) {}
  Tensor forward(const Tensor& x) override {
    static nn::Tanh once;
    return nn::ReLU()(once(shared(l(x))));
  }
};
struct Student : nn::Module {
  nn::Linear& l = add("l", nn::Linear(3, 3));
  nn::Linear teacher{3, 3};
  Student() { teacher.keep_apart(); }
  Tensor forward(const Tensor& x) override { return l(x) - teacher(x); }
};

TEST_CASE("modules that a forward may call without having them: older ones, those of the call, those that were said to be apart") {
  nn::Dropout d(0.5);
  UsesOthers net(d);
  CHECK(net(ones({2, 3})).defined());
  CHECK(net(ones({2, 3})).defined());
  Student student;
  CHECK(student(ones({2, 3})).defined());
  CHECK(student.parameters().size() == 2);
}

TEST_CASE("misuse: layers that would be cut down to a base class, and null pointers") {
  struct Wide : nn::BatchNorm2d {
    using nn::BatchNorm2d::BatchNorm2d;
    int64_t more = 3;
  };
  Wide wide(2);
  nn::BatchNorm2d& as_base = wide;
  nn::Sequential s;
  refused<TypeError>("s.append(std::move(base reference))", "would cut a Wide down to its base class", [&] { s.append(std::move(as_base)); });
  refused<TypeError>("nn::Sequential{std::move(base reference)}", "would cut a Wide down to its base class",
                     [&] { nn::Sequential{std::move(as_base)}; });
  refused<TypeError>("s.append(null)", "NoneType is not a Module subclass", [&] { s.append(std::unique_ptr<nn::Module>()); });
  refused<TypeError>("s.append(name, null)", "NoneType is not a Module subclass", [&] { s.append("a", std::unique_ptr<nn::Linear>()); });
  refused<TypeError>("wide.clone()", "would cut a Wide down to a BatchNorm2d", [&] { wide.clone(); });
  refused<RuntimeError>("nn::deep_copy(module of unknown type)", "how another Wide is made is not known", [&] {
    s.append(std::make_unique<Wide>(2));
    nn::deep_copy(s);
  });
  CHECK(s.size() == 1);
}

TEST_CASE("a container takes the std::unique_ptr of a layer and keeps what it is") {
  std::unique_ptr<nn::Module> layer = std::make_unique<nn::Linear>(2, 3);
  nn::Sequential s{std::make_unique<nn::Linear>(4, 2)};
  s.append(std::move(layer));
  nn::ReLU& relu = s.append("relu", std::make_unique<nn::ReLU>());
  CHECK(s.repr() ==
        "Sequential(\n  (0): Linear(in_features=4, out_features=2, bias=True)\n  (1): Linear(in_features=2, out_features=3, bias=True)\n  (relu): "
        "ReLU()\n)");
  CHECK(&relu == &s[2]);
  CHECK(s(ones({1, 4})).sizes() == IntArrayRef({1, 3}));
}

TEST_CASE("misuse: modules nested deeper than a walk can go") {
  std::unique_ptr<nn::Module> nest = std::make_unique<nn::Linear>(2, 2);
  const auto wrap = [&](int levels) {
    for (int i = 0; i < levels; ++i) {
      auto outer = std::make_unique<nn::Sequential>();
      outer->append(std::move(nest));
      nest = std::move(outer);
    }
  };
  wrap(127);
  CHECK((*nest)(ones({1, 2})).defined());
  nest->eval();
  CHECK(nest->parameters().size() == 2);
  CHECK(nest->repr().size() > 1000);
  CHECK_THROWS_WITH(wrap(1), contains("would be nested 128 modules deep; more than 127 are not supported"));
}

TEST_CASE("misuse: wrong names, paths and types of modules") {
  nn::Sequential net{nn::Linear(2, 2), nn::BatchNorm1d(2)};
  refused<TypeError>("net[0].as<nn::ReLU>()", "as: this module is a Linear, not a ember::nn::ReLU", [&] { net[0].as<nn::ReLU>(); });
  refused<RuntimeError>("net.get_parameter(\"0.w\")", "Linear has no attribute `w`", [&] { net.get_parameter("0.w"); });
  refused<RuntimeError>("net.get_parameter(\"1.running_mean\")", "`running_mean` is not an nn.Parameter",
                        [&] { net.get_parameter("1.running_mean"); });
  refused<RuntimeError>("net.get_buffer(\"1.weight\")", "`weight` is not a buffer", [&] { net.get_buffer("1.weight"); });
  refused<RuntimeError>("net.get_submodule(\"2\")", "Sequential has no attribute `2`", [&] { net.get_submodule("2"); });
  refused<IndexError>("net[2]", "index 2 is out of range", [&] { net[2]; });
  refused<RuntimeError>("net.append(\"a.b\", ...)", "module name can't contain \".\"", [&] { net.append("a.b", nn::ReLU()); });
  CHECK(net.get_parameter("0.weight").is_same(net[0].as<nn::Linear>().weight));
  CHECK(net.get_buffer("1.running_mean").defined());
  CHECK(net.size() == 2);
}

}  // namespace
}  // namespace ember
