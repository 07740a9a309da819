// Elementwise loops over flat memory and over nests of rows, cut for the threads.
#include "kernels/elementwise/elementwise.h"

#include <ember/error.h>

#include "runtime/parallel.h"

namespace ember::kernels {

ElementwiseKernels::ElementwiseKernels(std::initializer_list<const ElementwiseTable*> tables) {
  static constexpr ElementwiseRow none{};
  for (const ElementwiseRow*& place : places_) place = &none;
  for (const ElementwiseTable* table : tables)
    for (const ElementwiseRow* row = table->rows; row < table->rows + table->count; ++row) {
      std::uint32_t place = first_place(row->op);
      for (; places_[place]->cost > 0; ++place)
        if (places_[place]->op == row->op) throw RuntimeError("elementwise loops: two operations have one name, or names of one hash");
      places_[place] = row;
    }
}

void run_elementwise(ElementwiseLoop loop, const ElementwiseCall& call, int inputs, const int64_t* in_bytes, int64_t out_bytes, double work) {
  parallel_for(call.n, 64, work, [&](int64_t begin, int64_t end) {
    ElementwiseCall part = call;
    part.n = end - begin;
    for (int i = 0; i < inputs; ++i) part.in[i] = static_cast<const char*>(call.in[i]) + begin * call.stride[i] * in_bytes[i];
    part.out = static_cast<char*>(call.out) + begin * out_bytes;
    loop(part);
  });
}

void run_elementwise(ElementwiseLoop loop, const ElementwiseCall& call, const ElementwiseNest& nest, int64_t rows, int inputs,
                     const int64_t* in_bytes, int64_t out_bytes, double work) {
  parallel_for(rows, 1, work + double(rows) * 10, [&](int64_t begin, int64_t end) {
    ElementwiseCall at = call;
    at.n = nest.sizes[0];
    for (int64_t row = begin; row < end; ++row) {
      int64_t rest = row, offset[3] = {};
      for (int d = 1; d < nest.dims; ++d) {
        const int64_t index = rest % nest.sizes[d];
        rest /= nest.sizes[d];
        for (int i = 0; i < inputs; ++i) offset[i] += index * nest.strides[i][d];
      }
      for (int i = 0; i < inputs; ++i) at.in[i] = static_cast<const char*>(call.in[i]) + offset[i] * in_bytes[i];
      at.out = static_cast<char*>(call.out) + row * at.n * out_bytes;
      loop(at);
    }
  });
}

}  // namespace ember::kernels
