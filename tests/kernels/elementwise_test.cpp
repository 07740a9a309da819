// The table of elementwise loops: rows are found by the name of their operation, wherever they lie.
#include "kernels/elementwise/elementwise.h"

#include "kernels/kernels.h"
#include "support/catch.h"

using namespace ember;
using namespace ember::kernels;

TEST_CASE("elementwise: rows are found by name") {
  const ElementwiseKernels& all = elementwise_loops();
  for (const Op op : {"Neg"_op, "Softsign"_op, "SoftsignBackward"_op, "Add"_op, "Where"_op}) {
    CHECK(all.row(op).op == op);
    CHECK(all.row(op).loops[int(kFloat32)] != nullptr);
    CHECK(all.row(op).cost > 0);
  }
  CHECK(all.row("Softsign"_op).loops[int(kInt64)] == nullptr);
  CHECK(all.row("NoSuchOperation"_op).loops[int(kFloat32)] == nullptr);
  CHECK(op_named("Softsign", "Backward") == "SoftsignBackward"_op);
}

TEST_CASE("elementwise: names whose places meet keep their rows") {
  const auto loop = [](const ElementwiseCall&) {};
  ElementwiseTable one, other;
  const Op first = Op(0x7fffffff), second = Op(0x7ffffffe), third = Op(0x7ffffffd), unknown = Op(0x7ffffffc);
  one.row(first) = {first, {loop}, 1};
  one.row(second) = {second, {loop}, 2};
  other.row(third) = {third, {loop}, 3};
  const ElementwiseKernels all{&one, &other};
  CHECK(all.row(first).cost == 1);
  CHECK(all.row(second).cost == 2);
  CHECK(all.row(third).cost == 3);
  CHECK(all.row(unknown).cost == 0);
  CHECK(one.count == 2);
  one.row(first).cost = 7;  // the same row again
  CHECK(one.count == 2);
  CHECK(all.row(first).cost == 7);
}
