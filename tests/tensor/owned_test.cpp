// Owned, Boxed and Shared delete what they hold once, when its last owner goes, and are empty when they were moved from.
#include <ember/data/table.h>
#include <ember/owned.h>

#include "support/catch.h"

using namespace ember;

namespace {

struct Counted {
  static inline int alive = 0;
  ReferenceCount references;
  int value;
  explicit Counted(int value = 0) : value(value) { ++alive; }
  Counted(const Counted& other) : value(other.value) { ++alive; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }
};

}  // namespace

TEST_CASE("Owned deletes what it has when it goes or takes another one, and moving leaves nothing") {
  const int before = Counted::alive;
  {
    Owned<Counted> a = Owned<Counted>::make(3);
    CHECK(a->value == 3);
    Owned<Counted> b = std::move(a);
    CHECK(!a);
    CHECK(b->value == 3);
    b = Owned<Counted>::make(4);
    CHECK(Counted::alive == before + 1);
    CHECK((*b).value == 4);
    Counted* const left = b.release();
    CHECK(!b);
    CHECK(Counted::alive == before + 1);
    a = Owned<Counted>(left);
  }
  CHECK(Counted::alive == before);
}

TEST_CASE("A Boxed value is copied with its owner, and is T() before it was written to and after it was moved from") {
  const Boxed<Counted> empty;
  CHECK(empty->value == 0);
  const int before = Counted::alive;  // with the value that empty boxes show
  {
    Boxed<Counted> a;
    CHECK(std::as_const(a)->value == 0);
    a->value = 5;
    Boxed<Counted> b = a;
    b->value = 6;
    CHECK(a->value == 5);
    const Boxed<Counted> c = std::move(b);
    CHECK(c->value == 6);
    CHECK(b->value == 0);
    a = c;
    CHECK(a->value == 6);
    CHECK(c->value == 6);
  }
  CHECK(Counted::alive == before);
}

TEST_CASE("Shared counts its owners") {
  const int before = Counted::alive;
  {
    const Shared<Counted> a(new Counted(7));
    Shared<Counted> b = a, c = std::move(b);
    CHECK(!b);
    CHECK(c.get() == a.get());
    CHECK(Counted::alive == before + 1);
    c = nullptr;
    CHECK(a->value == 7);
  }
  CHECK(Counted::alive == before);
}

TEST_CASE("A table that was moved from has no rows and no columns") {
  data::Table full({{"age"}}, zeros({2, 1}, kFloat64));
  const data::Table moved = std::move(full);
  CHECK(moved.columns().size() == 1);
  CHECK(full.columns().empty());
  CHECK(full.rows() == 0);
}
