// Elementwise loops: one output element from one element of each input, and a few parameters. A new operation is a row in one of *.isa.cpp:
// its name, how many inputs it has, its formula, and what an element costs.
#pragma once

#include <ember/dtype.h>
#include <ember/shape.h>

#include <initializer_list>

namespace ember::kernels {

using std::int64_t;

/// An operation, by a number made of its name (FNV-1a, 31 bits): "Softsign"_op. No list of all of them has to be kept.
enum class Op : std::uint32_t {};
consteval Op op_named(const char* name, const char* ending = "") {
  std::uint32_t hash = 2166136261u;
  for (const char* text : {name, ending})
    for (; *text; ++text) hash = (hash ^ std::uint8_t(*text)) * 16777619u;
  return Op(hash >> 1);
}
consteval Op operator""_op(const char* name, std::size_t) { return op_named(name); }

/// n elements: out[i] = op(in[0][i * stride[0]], ...). All inputs have the loop's dtype, but for Where, whose condition is bool and
/// whose other two have it; out has it too, or is bool for comparisons and tests. Strides in elements; 0 repeats one value.
struct ElementwiseCall {
  int64_t n;
  const void* in[3];
  int64_t stride[3];
  void* out;
  double parameters[3];
};

using ElementwiseLoop = void (*)(const ElementwiseCall&);

/// The loops of one operation, null for dtypes that PyTorch does not have it for, and what an element costs in additions.
struct ElementwiseRow {
  Op op;
  ElementwiseLoop loops[kDTypes];
  int cost;
};

/// The rows of one file.
struct ElementwiseTable {
  ElementwiseRow rows[64];
  int count = 0;

  constexpr ElementwiseRow& row(Op op) {
    for (int i = 0; i < count; ++i)
      if (rows[i].op == op) return rows[i];
    rows[count].op = op;
    return rows[count++];
  }
};

/// The rows of all files, by a hash table with open addressing.
class ElementwiseKernels {
 public:
  explicit ElementwiseKernels(std::initializer_list<const ElementwiseTable*> tables);
  /// One without loops where no file has the operation.
  const ElementwiseRow& row(Op op) const {
    for (const ElementwiseRow* const* place = places_ + first_place(op);; ++place)
      if ((*place)->op == op || (*place)->cost == 0) return **place;
  }

 private:
  static constexpr std::uint32_t first_place(Op op) { return std::uint32_t(op) >> 22; }  // FNV mixes its upper bits best
  static constexpr int kPlaces = 512 + 256;                                              // the first ones, and room behind the last
  const ElementwiseRow* places_[kPlaces];
};

// ---------------------------------------------------------------------------------------------------------------------------
// On all threads.

/// The dimensions of a result, innermost first, with those merged that every tensor walks through without a gap.
struct ElementwiseNest {
  int dims = 0;
  int64_t sizes[kMaxDims];
  int64_t strides[3][kMaxDims];  ///< of each input, in elements
};

/// The loop over call.n elements. `inputs` of them, of in_bytes each, may move by call.stride.
void run_elementwise(ElementwiseLoop loop, const ElementwiseCall& call, int inputs, const int64_t* in_bytes, int64_t out_bytes, double work);

/// The loop over all rows of a nest, `rows` of them; the result is written from its first to its last element.
void run_elementwise(ElementwiseLoop loop, const ElementwiseCall& call, const ElementwiseNest& nest, int64_t rows, int inputs,
                     const int64_t* in_bytes, int64_t out_bytes, double work);

}  // namespace ember::kernels
