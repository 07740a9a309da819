// The element types of a tensor, and which one a mixture of them gives. This file has the only list of them.
#pragma once

#include <cstdint>
#include <type_traits>

namespace ember {

enum class DType : std::uint8_t { Float32, Float64, Int64, UInt8, Bool, Undefined };
inline constexpr int kDTypes = int(DType::Undefined);  ///< the number of types a tensor can have

inline constexpr DType kFloat32 = DType::Float32, kFloat = kFloat32;
inline constexpr DType kFloat64 = DType::Float64, kDouble = kFloat64;
inline constexpr DType kInt64 = DType::Int64, kLong = kInt64;
inline constexpr DType kUInt8 = DType::UInt8, kByte = kUInt8;
inline constexpr DType kBool = DType::Bool;

namespace detail {

template <class... T>
struct ElementTypes {};
/// The C++ types of the elements, in the order of DType.
using AllElementTypes = ElementTypes<float, double, std::int64_t, std::uint8_t, bool>;

/// What is known of a type besides that. `rank` orders promotion; `order` is that of safetensors files, where the widest come first.
struct DTypeRow {
  const char *name, *scalar_type, *tensor_type, *c_type, *numpy, *safetensors;
  std::uint8_t bytes, rank, order;
};
struct DTypeTable {
  DTypeRow rows[kDTypes + 1];
};
consteval DTypeTable dtype_table() {
  return {{{"float32", "Float", "FloatTensor", "float", "<f4", "F32", 4, 3, 2},
           {"float64", "Double", "DoubleTensor", "double", "<f8", "F64", 8, 4, 1},
           {"int64", "Long", "LongTensor", "long", "<i8", "I64", 8, 2, 0},
           {"uint8", "Byte", "ByteTensor", "unsigned char", "|u1", "U8", 1, 1, 3},
           {"bool", "Bool", "BoolTensor", "bool", "|b1", "BOOL", 1, 0, 4},
           {"undefined", "Undefined", "Undefined", "undefined", "", "", 1, 0, 5}}};
}
[[gnu::const]] const DTypeRow& dtype_row(DType d);

/// A column of the table as one number, a byte for each type: looking it up is a shift.
consteval std::uint64_t dtype_column(std::uint8_t DTypeRow::* column) {
  std::uint64_t bytes = 0;
  for (int d = kDTypes; d >= 0; --d) bytes = bytes << 8 | dtype_table().rows[d].*column;
  return bytes;
}

template <class T, class... All>
constexpr DType place_of(ElementTypes<All...>) {
  int place = 0;
  ((std::is_same_v<T, All> || (++place, false)) || ...);
  return DType(place);
}

}  // namespace detail

constexpr bool is_floating_point(DType d) { return d == kFloat32 || d == kFloat64; }
constexpr bool is_integral(DType d, bool with_bool) { return d == kInt64 || d == kUInt8 || (with_bool && d == kBool); }

/// Bytes of one element.
constexpr std::int64_t item_size(DType d) { return detail::dtype_column(&detail::DTypeRow::bytes) >> 8 * int(d) & 255; }

/// "float32", "float64", "int64", "uint8", "bool".
[[gnu::const]] const char* name(DType d);

/// The word PyTorch's error texts use: "Float", "Double", "Long", "Byte", "Bool".
[[gnu::const]] const char* scalar_type_name(DType d);

/// "FloatTensor", "DoubleTensor", ...: PyTorch's old names, which some of its error texts still use.
[[gnu::const]] const char* tensor_type_name(DType d);

/// The type that holds both, as torch.promote_types: bool < uint8 < int64 < float32 < float64.
constexpr DType promote_types(DType a, DType b) {
  constexpr std::uint64_t ranks = detail::dtype_column(&detail::DTypeRow::rank);
  return (ranks >> 8 * int(a) & 255) >= (ranks >> 8 * int(b) & 255) ? a : b;
}

/// What factories give when no dtype is named: float32 unless changed. Only float32 and float64 are accepted.
DType get_default_dtype();
void set_default_dtype(DType d);

/// DType of a C++ type: dtype_of<float> == kFloat32. Other types have none and do not compile.
template <class T>
inline constexpr DType dtype_of = detail::place_of<T>(detail::AllElementTypes());

}  // namespace ember
