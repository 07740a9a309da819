// Names of the element types, and the default one.
#include <ember/dtype.h>

#include "error_format.h"

namespace ember {

const char* name(DType d) {
  static constexpr const char* names[] = {"float32", "float64", "int64", "uint8", "bool", "undefined"};
  return names[int(d)];
}
const char* scalar_type_name(DType d) {
  static constexpr const char* names[] = {"Float", "Double", "Long", "Byte", "Bool", "Undefined"};
  return names[int(d)];
}
const char* tensor_type_name(DType d) {
  static constexpr const char* names[] = {"FloatTensor", "DoubleTensor", "LongTensor", "ByteTensor", "BoolTensor", "Undefined"};
  return names[int(d)];
}

static DType default_dtype = kFloat32;

DType get_default_dtype() { return default_dtype; }
void set_default_dtype(DType d) {
  check<TypeError>(is_floating_point(d), "only floating-point types are supported as the default type, got {}", name(d));
  default_dtype = d;
}

}  // namespace ember
