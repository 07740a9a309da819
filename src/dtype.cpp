// Names of the element types, and the default one.
#include <ember/dtype.h>

#include "error_format.h"

namespace ember {

const detail::DTypeRow& detail::dtype_row(DType d) {
  static constexpr DTypeTable table = dtype_table();
  return table.rows[int(d)];
}
const char* name(DType d) { return detail::dtype_row(d).name; }
const char* scalar_type_name(DType d) { return detail::dtype_row(d).scalar_type; }
const char* tensor_type_name(DType d) { return detail::dtype_row(d).tensor_type; }

static DType default_dtype = kFloat32;

DType get_default_dtype() { return default_dtype; }
void set_default_dtype(DType d) {
  check<TypeError>(is_floating_point(d), "only floating-point types are supported as the default type, got {}", name(d));
  default_dtype = d;
}

}  // namespace ember
