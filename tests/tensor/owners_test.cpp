// Who owns what: Owned, Boxed, Shared, and what is built on them.
#include <ember/data/kept.h>
#include <ember/data/table.h>
#include <ember/nn/linear.h>
#include <ember/nn/sequential.h>
#include <ember/owned.h>

#include <memory>

#include "support/catch.h"

using namespace ember;

namespace {

struct Counted {
  ReferenceCount references;
  int* alive;
  explicit Counted(int& alive) : alive(&alive) { ++alive; }
  Counted(const Counted&) = delete;
  virtual ~Counted() { --*alive; }
};
struct More final : Counted {
  using Counted::Counted;
};

}  // namespace

TEST_CASE("Owned: one owner, who may hand over") {
  int alive = 0;
  {
    Owned<Counted> a = Owned<Counted>::make<More>(alive);
    CHECK(alive == 1);
    Owned<Counted> b = std::move(a);
    CHECK(!a);
    CHECK(bool(b));
    b = Owned<Counted>(std::make_unique<More>(alive));
    CHECK(alive == 1);
    a = Owned<More>::make(alive);
    CHECK(alive == 2);
    b = nullptr;
    CHECK(alive == 1);
    const std::unique_ptr<Counted> user(a.release());
    CHECK(!a);
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
  static_assert(!std::is_copy_constructible_v<Owned<Counted>>);
}

TEST_CASE("Boxed: copied with its owner, and T() before it was written to and after it was moved from") {
  Boxed<std::string> a;
  CHECK(std::as_const(a)->empty());
  *a = "a";
  Boxed<std::string> b = a;
  *b += "b";
  CHECK(*a == "a");
  const Boxed<std::string> c = std::move(b);
  CHECK(*c == "ab");
  CHECK(b->empty());
  a = c;
  *a += "c";
  CHECK(*c == "ab");
  CHECK(a[2] == 'c');

  data::Table full({{"age"}}, zeros({2, 1}, kFloat64));
  const data::Table moved = std::move(full);
  CHECK(moved.columns().size() == 1);
  CHECK(full.columns().empty());
  CHECK(full.rows() == 0);
}

TEST_CASE("Shared: the last owner deletes") {
  int alive = 0;
  {
    Shared<Counted> a = Shared<Counted>::make<More>(alive), b = a, c = Shared<Counted>::of(*b);
    CHECK(a.get() == c.get());
    a = nullptr;
    b = Shared<Counted>();
    CHECK(alive == 1);
    const Shared<Counted> d = std::move(c);
    CHECK(!c);
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

TEST_CASE("Kept: temporaries and pointers are taken over, names are not") {
  int alive = 0;
  More named(alive);
  {
    const data::Kept<Counted> by_name(named), by_address(&named), by_pointer(std::make_unique<More>(alive)), copy = by_pointer;
    CHECK(by_name.get() == &named);
    CHECK(by_address.get() == &named);
    CHECK(copy.get() == by_pointer.get());
    CHECK(alive == 2);
    data::Kept<Counted> moved = copy;
    const data::Kept<Counted> to = std::move(moved);
    CHECK(!moved);
    CHECK(moved.get() == nullptr);
    CHECK(to.get() == copy.get());
    CHECK(!data::Kept<Counted>(nullptr));
    CHECK(!data::Kept<Counted>(std::unique_ptr<Counted>()));
    CHECK(!data::Kept<Counted>(static_cast<Counted*>(nullptr)));
  }
  CHECK(alive == 1);
}

TEST_CASE("Modules are taken over from a std::unique_ptr") {
  struct Net final : nn::Module {
    nn::Linear& first = add("first", std::make_unique<nn::Linear>(2, 3));
    nn::Module& second = add("second", std::unique_ptr<nn::Module>(std::make_unique<nn::Linear>(3, 1)));
    Module& third = add_child("third", std::make_unique<nn::Linear>(1, 1));
    Tensor forward(const Tensor& x) override { return third(second(first(x))); }
  };
  Net net;
  CHECK(net.first.weight.sizes() == IntArrayRef({3, 2}));
  CHECK(net.named_children().size() == 3);
  CHECK(&net.get_submodule("third") == &net.third);
  CHECK(net(ones({4, 2})).sizes() == IntArrayRef({4, 1}));
}
