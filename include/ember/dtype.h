// The element types of a tensor, and which one a mixture of them gives.
#pragma once

#include <cstdint>

namespace ember {

enum class DType : std::uint8_t { Float32, Float64, Int64, UInt8, Bool, Undefined };
inline constexpr int kDTypes = 5;  ///< the number of types a tensor can have

inline constexpr DType kFloat32 = DType::Float32, kFloat = kFloat32;
inline constexpr DType kFloat64 = DType::Float64, kDouble = kFloat64;
inline constexpr DType kInt64 = DType::Int64, kLong = kInt64;
inline constexpr DType kUInt8 = DType::UInt8, kByte = kUInt8;
inline constexpr DType kBool = DType::Bool;

constexpr bool is_floating_point(DType d) { return d == kFloat32 || d == kFloat64; }
constexpr bool is_integral(DType d, bool with_bool) { return d == kInt64 || d == kUInt8 || (with_bool && d == kBool); }

/// Bytes of one element.
constexpr std::int64_t item_size(DType d) { return d == kFloat32 ? 4 : d == kFloat64 || d == kInt64 ? 8 : 1; }

/// "float32", "float64", "int64", "uint8", "bool".
const char* name(DType d);

/// The word PyTorch's error texts use: "Float", "Double", "Long", "Byte", "Bool".
const char* scalar_type_name(DType d);

/// "FloatTensor", "DoubleTensor", ...: PyTorch's old names, which some of its error texts still use.
const char* tensor_type_name(DType d);

/// The type that holds both, as torch.promote_types: bool < uint8 < int64 < float32 < float64.
constexpr DType promote_types(DType a, DType b) {
  constexpr int rank[] = {3, 4, 2, 1, 0};
  return rank[int(a)] >= rank[int(b)] ? a : b;
}

/// What factories give when no dtype is named: float32 unless changed. Only float32 and float64 are accepted.
DType get_default_dtype();
void set_default_dtype(DType d);

/// DType of a C++ type: dtype_of<float> == kFloat32. Other types have none and do not compile.
template <class T>
inline constexpr DType dtype_of = DType::Undefined;
template <>
inline constexpr DType dtype_of<float> = kFloat32;
template <>
inline constexpr DType dtype_of<double> = kFloat64;
template <>
inline constexpr DType dtype_of<std::int64_t> = kInt64;
template <>
inline constexpr DType dtype_of<std::uint8_t> = kUInt8;
template <>
inline constexpr DType dtype_of<bool> = kBool;

}  // namespace ember
