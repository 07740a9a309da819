#include "io/element_type.h"

#include <bit>
#include <cstring>

#include "error_format.h"

namespace ember::io {
namespace {

constexpr ElementType kTypes[] = {
    {"float32", 4, kFloat32, ElementType::Same},   {"float64", 8, kFloat64, ElementType::Same}, {"int64", 8, kInt64, ElementType::Same},
    {"uint8", 1, kUInt8, ElementType::Same},       {"bool", 1, kBool, ElementType::Same},       {"float16", 2, kFloat32, ElementType::Half},
    {"bfloat16", 2, kFloat32, ElementType::BFloat16}, {"int32", 4, kInt64, ElementType::Int32},  {"int16", 2, kInt64, ElementType::Int16},
    {"int8", 1, kInt64, ElementType::Int8},
};

struct Alias {
  std::string_view alias, name;
};
constexpr Alias kStorages[] = {{"FloatStorage", "float32"}, {"DoubleStorage", "float64"}, {"LongStorage", "int64"},     {"ByteStorage", "uint8"},
                               {"BoolStorage", "bool"},     {"HalfStorage", "float16"},   {"BFloat16Storage", "bfloat16"}, {"IntStorage", "int32"},
                               {"ShortStorage", "int16"},   {"CharStorage", "int8"}};
constexpr Alias kCodes[] = {{"F32", "float32"}, {"F64", "float64"}, {"I64", "int64"}, {"U8", "uint8"}, {"BOOL", "bool"},
                            {"F16", "float16"}, {"BF16", "bfloat16"}, {"I32", "int32"}, {"I16", "int16"}, {"I8", "int8"}};

float half_to_float(std::uint16_t h) {
  const std::uint32_t sign = std::uint32_t(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  if (exponent == 0) {
    const float tiny = float(mantissa) * 0x1p-24f;
    return sign ? -tiny : tiny;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

template <class From, class To, class F>
void convert(int64_t n, const char* from, To* to, F f) {
  for (int64_t i = 0; i < n; ++i) {
    From v;
    std::memcpy(&v, from + i * int64_t(sizeof v), sizeof v);
    to[i] = f(v);
  }
}

void check_convertible(const Elements& from, const ElementType& type) {
  check<RuntimeError>(type.conversion == ElementType::Same || from.options.convert,
                      "{}: {} is {}, which Ember does not compute with; load(path, {{.convert = true}}) makes it {}", from.source.path(),
                      from.what, type.name, name(type.dtype));
}

}  // namespace

const ElementType* type_by_name(std::string_view wanted) {
  for (const ElementType& t : kTypes)
    if (wanted == t.name) return &t;
  return nullptr;
}
const ElementType* type_by_torch_storage(std::string_view storage) {
  for (const Alias& a : kStorages)
    if (a.alias == storage) return type_by_name(a.name);
  return nullptr;
}
const ElementType* type_by_safetensors(std::string_view code) {
  for (const Alias& a : kCodes)
    if (a.alias == code) return type_by_name(a.name);
  return nullptr;
}

Tensor convert_elements(const Elements& from, const ElementType& type, int64_t n, const char* data) {
  check_convertible(from, type);
  from.source.spend(n * item_size(type.dtype) + 256);
  Tensor t = empty({n}, type.dtype);
  switch (type.conversion) {
    case ElementType::Same:
      if (type.dtype == kBool) convert<std::uint8_t>(n, data, t.data<bool>(), [](std::uint8_t v) { return v != 0; });
      else if (n > 0) std::memcpy(t.data_ptr(), data, std::size_t(n * type.bytes));
      break;
    case ElementType::Half: convert<std::uint16_t>(n, data, t.data<float>(), half_to_float); break;
    case ElementType::BFloat16:
      convert<std::uint16_t>(n, data, t.data<float>(), [](std::uint16_t v) { return std::bit_cast<float>(std::uint32_t(v) << 16); });
      break;
    case ElementType::Int32: convert<std::int32_t>(n, data, t.data<int64_t>(), [](std::int32_t v) { return int64_t(v); }); break;
    case ElementType::Int16: convert<std::int16_t>(n, data, t.data<int64_t>(), [](std::int16_t v) { return int64_t(v); }); break;
    case ElementType::Int8: convert<std::int8_t>(n, data, t.data<int64_t>(), [](std::int8_t v) { return int64_t(v); }); break;
  }
  return t;
}

Tensor read_elements(const Elements& from, const ElementType& type, int64_t n, int64_t offset) {
  check_convertible(from, type);
  if (type.conversion == ElementType::Same && type.dtype != kBool) {
    from.source.spend(n * type.bytes + 256);
    Tensor t = empty({n}, type.dtype);
    from.source.read(offset, n * type.bytes, t.data_ptr());
    return t;
  }
  from.source.spend(n * type.bytes);
  const std::string raw = from.source.read(offset, n * type.bytes);
  return convert_elements(from, type, n, raw.data());
}

}  // namespace ember::io
