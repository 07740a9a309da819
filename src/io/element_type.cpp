// The tables of types in files, and the conversions of those that Ember does not compute with.
#include "io/element_type.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "error_format.h"
#include "tensor/impl.h"

namespace ember::io {
namespace {

/// Ember's own.
constexpr auto kOwn = [] {
  std::array<ElementType, kDTypes> own;
  for (int d = 0; d < kDTypes; ++d)
    own[std::size_t(d)] = {detail::dtype_table().rows[d].name, detail::dtype_table().rows[d].bytes, DType(d), ElementType::Same};
  return own;
}();
constexpr ElementType kForeign[] = {
    {"float16", 2, kFloat32, ElementType::Half},
    {"bfloat16", 2, kFloat32, ElementType::BFloat16},
    {"float8_e5m2", 1, kFloat32, ElementType::Float8E5M2},
    {"float8_e4m3fn", 1, kFloat32, ElementType::Float8E4M3},
    {"int32", 4, kInt64, ElementType::Int32},
    {"uint32", 4, kInt64, ElementType::UInt32},
    {"int16", 2, kInt64, ElementType::Int16},
    {"uint16", 2, kInt64, ElementType::UInt16},
    {"int8", 1, kInt64, ElementType::Int8},
    // Only to step over them.
    {"uint64", 8, DType::Undefined, ElementType::Unreadable},
    {"complex32", 4, DType::Undefined, ElementType::Unreadable},
    {"complex64", 8, DType::Undefined, ElementType::Unreadable},
    {"complex128", 16, DType::Undefined, ElementType::Unreadable},
    {"qint8", 1, DType::Undefined, ElementType::Unreadable},
    {"quint8", 1, DType::Undefined, ElementType::Unreadable},
    {"qint32", 4, DType::Undefined, ElementType::Unreadable},
    {"float8_e8m0", 1, DType::Undefined, ElementType::Unreadable},
};

struct Alias {
  std::string_view alias, name;
};
// What files call the foreign ones; the own ones' names are in the table of dtypes.
constexpr std::string_view kStorage = "Storage";
constexpr Alias kStorages[] = {{"Half", "float16"},  {"BFloat16", "bfloat16"},       {"Int", "int32"},   {"Short", "int16"},
                               {"Char", "int8"},     {"ComplexFloat", "complex64"},  {"QInt8", "qint8"}, {"QUInt8", "quint8"},
                               {"QInt32", "qint32"}, {"ComplexDouble", "complex128"}};
constexpr Alias kCodes[] = {{"F16", "float16"}, {"BF16", "bfloat16"},       {"I32", "int32"},
                            {"U32", "uint32"},  {"I16", "int16"},           {"U16", "uint16"},
                            {"I8", "int8"},     {"F8_E5M2", "float8_e5m2"}, {"F8_E4M3", "float8_e4m3fn"},
                            {"U64", "uint64"},  {"C64", "complex64"},       {"F8_E8M0", "float8_e8m0"}};
constexpr Alias kNumpy[] = {{"f2", "float16"}, {"i4", "int32"}, {"u4", "uint32"}, {"i2", "int16"}, {"u2", "uint16"}, {"i1", "int8"}};

/// The type that a file calls `alias`: an own one by `own(row)`, or one of the foreign ones. Null when there is none.
template <std::size_t N, class Own>
const ElementType* type_by(std::string_view alias, const Alias (&foreign)[N], Own own) {
  for (const ElementType& t : kOwn)
    if (alias == own(detail::dtype_row(t.dtype))) return &t;
  for (const Alias& a : foreign)
    if (a.alias == alias) return type_by_name(a.name);
  return nullptr;
}

float half_to_float(std::uint16_t h) {
  const std::uint32_t sign = std::uint32_t(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  if (exponent == 0) {
    const float tiny = float(mantissa) * 0x1p-24f;
    return sign ? -tiny : tiny;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

/// One sign bit, four of exponent, three of mantissa; no infinity, and only the largest mantissa of the largest exponent is NaN.
float e4m3_to_float(std::uint8_t v) {
  const std::uint32_t sign = std::uint32_t(v & 0x80) << 24, exponent = (v >> 3) & 15, mantissa = v & 7;
  if ((v & 0x7f) == 0x7f) return std::bit_cast<float>(sign | 0x7fc00000u);
  if (exponent == 0) return (sign ? -1.0f : 1.0f) * float(mantissa) * 0x1p-9f;
  return std::bit_cast<float>(sign | (exponent + 120) << 23 | mantissa << 20);
}

template <class From, class To, class F>
void convert(int64_t n, const char* from, To* to, F f) {
  for (int64_t i = 0; i < n; ++i) {
    From v;
    std::memcpy(&v, from + i * int64_t(sizeof v), sizeof v);
    to[i] = f(v);
  }
}

void check_convertible(const Elements& from) {
  check<RuntimeError>(from.type.conversion == ElementType::Same || from.options.convert,
                      "{}: {} is {}, which Ember does not compute with; load(path, {{.convert = true}}) makes it {}", from.source.path(), from.what,
                      from.type.name, name(from.type.dtype));
}

}  // namespace

const ElementType* type_by_name(std::string_view wanted) {
  for (const ElementType& t : kOwn)
    if (wanted == t.name) return &t;
  for (const ElementType& t : kForeign)
    if (wanted == t.name) return &t;
  return nullptr;
}
const ElementType* type_by_torch_storage(std::string_view storage) {
  if (!storage.ends_with(kStorage)) return nullptr;
  storage.remove_suffix(kStorage.size());
  return type_by(storage, kStorages, [](const detail::DTypeRow& row) { return std::string_view(row.scalar_type); });
}
const ElementType* type_by_safetensors(std::string_view code) {
  return type_by(code, kCodes, [](const detail::DTypeRow& row) { return std::string_view(row.safetensors); });
}
const ElementType* type_by_numpy(std::string_view code) {
  return type_by(code, kNumpy, [](const detail::DTypeRow& row) { return std::string_view(row.numpy).substr(1); });
}

void ReadOptions::note(const Tensor& tensor, const ElementType& type) const {
  if (facts && tensor.numel() > 0) facts->types[tensor.impl()->storage] = &type;
}

namespace {

void convert_piece(const ElementType& type, int64_t n, const char* data, void* out) {
  float* real = static_cast<float*>(out);
  int64_t* whole = static_cast<int64_t*>(out);
  const auto widen = [](auto v) { return int64_t(v); };
  switch (type.conversion) {
    case ElementType::Same:
      if (type.dtype == kBool) return convert<std::uint8_t>(n, data, static_cast<bool*>(out), [](std::uint8_t v) { return v != 0; });
      std::memcpy(out, data, std::size_t(n * type.bytes));
      return;
    case ElementType::Half: return convert<std::uint16_t>(n, data, real, half_to_float);
    case ElementType::BFloat16:
      return convert<std::uint16_t>(n, data, real, [](std::uint16_t v) { return std::bit_cast<float>(std::uint32_t(v) << 16); });
    case ElementType::Float8E5M2: return convert<std::uint8_t>(n, data, real, [](std::uint8_t v) { return half_to_float(std::uint16_t(v << 8)); });
    case ElementType::Float8E4M3: return convert<std::uint8_t>(n, data, real, e4m3_to_float);
    case ElementType::Int32: return convert<std::int32_t>(n, data, whole, widen);
    case ElementType::UInt32: return convert<std::uint32_t>(n, data, whole, widen);
    case ElementType::Int16: return convert<std::int16_t>(n, data, whole, widen);
    case ElementType::UInt16: return convert<std::uint16_t>(n, data, whole, widen);
    case ElementType::Int8: return convert<std::int8_t>(n, data, whole, widen);
    case ElementType::Unreadable: break;
  }
}

bool needs_conversion(const Elements& from) {
  return from.type.conversion != ElementType::Same || from.type.dtype == kBool || (from.big_endian && from.type.bytes > 1);
}

}  // namespace

Tensor read_elements(const Elements& from, Stream& bytes) {
  check_convertible(from);
  const ElementType& type = from.type;
  const int64_t out_bytes = item_size(type.dtype);
  from.source.spend(from.count * out_bytes + 512);  // and the handle
  Tensor t = empty({from.count}, type.dtype);
  from.options.note(t, type);
  if (!needs_conversion(from)) {
    bytes.read(t.data_ptr(), from.count * type.bytes);
    return t;
  }
  char piece[1 << 14];
  const int64_t piece_count = int64_t(sizeof piece) / type.bytes;
  char* out = static_cast<char*>(t.data_ptr());
  for (int64_t left = from.count, n; left > 0; left -= n, out += n * out_bytes) {
    n = std::min(left, piece_count);
    bytes.read(piece, n * type.bytes);
    if (from.big_endian)
      for (int64_t i = 0; i < n; ++i) std::reverse(piece + i * type.bytes, piece + (i + 1) * type.bytes);
    convert_piece(type, n, piece, out);
  }
  return t;
}

namespace {

std::uint16_t float_to_half(float v) {  // of a value that a half can hold
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(v), sign = bits >> 16 & 0x8000, exponent = bits >> 23 & 0xff;
  if (exponent == 0xff) return std::uint16_t(sign | 0x7c00 | (bits >> 13 & 1023));
  if (exponent < 113) return std::uint16_t(sign | std::uint32_t((sign ? -v : v) * 0x1p24f));
  return std::uint16_t(sign | (exponent - 112) << 10 | (bits >> 13 & 1023));
}
std::uint8_t float_to_e4m3(float v) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(v), sign = bits >> 24 & 0x80, exponent = bits >> 23 & 0xff;
  if (exponent == 0xff) return std::uint8_t(sign | 0x7f);
  if (exponent < 121) return std::uint8_t(sign | std::uint32_t((sign ? -v : v) * 0x1p9f));
  return std::uint8_t(sign | (exponent - 120) << 3 | (bits >> 20 & 7));
}

template <class From, class F>
std::string narrowed(const Tensor& t, F f) {
  using To = decltype(f(From()));
  std::string out(std::size_t(t.numel()) * sizeof(To), '\0');
  for (int64_t i = 0; i < t.numel(); ++i) {
    const To v = f(t.data<From>()[i]);
    std::memcpy(out.data() + std::size_t(i) * sizeof(To), &v, sizeof v);
  }
  return out;
}

}  // namespace

std::string file_bytes(const Tensor& tensor, const ElementType& type) {
  const Tensor t = tensor.detach().contiguous();
  switch (type.conversion) {
    case ElementType::Same:
    case ElementType::Unreadable: break;
    case ElementType::Half: return narrowed<float>(t, float_to_half);
    case ElementType::BFloat16: return narrowed<float>(t, [](float v) { return std::uint16_t(std::bit_cast<std::uint32_t>(v) >> 16); });
    case ElementType::Float8E5M2: return narrowed<float>(t, [](float v) { return std::uint8_t(float_to_half(v) >> 8); });
    case ElementType::Float8E4M3: return narrowed<float>(t, float_to_e4m3);
    case ElementType::Int32:
    case ElementType::UInt32: return narrowed<int64_t>(t, [](int64_t v) { return std::uint32_t(v); });
    case ElementType::Int16:
    case ElementType::UInt16: return narrowed<int64_t>(t, [](int64_t v) { return std::uint16_t(v); });
    case ElementType::Int8: return narrowed<int64_t>(t, [](int64_t v) { return std::uint8_t(v); });
  }
  return std::string(static_cast<const char*>(t.data_ptr()), std::size_t(t.numel() * item_size(t.dtype())));
}

bool can_map(const Elements& from, int64_t offset) {
  return from.options.mmap && !needs_conversion(from) && from.count > 0 && offset % from.type.bytes == 0;
}

Tensor read_elements(const Elements& from, int64_t offset) {
  check_convertible(from);
  const int64_t bytes = from.count * from.type.bytes, size = from.source.size();
  check<RuntimeError>(offset >= 0 && offset <= size && bytes <= size - offset, "{}: {} is truncated: {} bytes at {} lie beyond the end at {}",
                      from.source.path(), from.what, bytes, offset, size);
  if (can_map(from, offset)) {
    from.source.spend(512);
    using Mapping = std::shared_ptr<char>;
    auto owner = std::make_unique<Mapping>(from.source.map());
    const auto unmap = [](void* mapping) { std::unique_ptr<Mapping>(static_cast<Mapping*>(mapping)).reset(); };
    const Tensor t = from_blob(static_cast<void*>(owner->get() + offset), {from.count}, from.type.dtype, unmap, owner.get());
    owner.release();
    from.options.note(t, from.type);
    return t;
  }
  FileStream stream(from.source, offset);
  return read_elements(from, stream);
}

}  // namespace ember::io
