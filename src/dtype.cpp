// Names of the element types, and the default one.
#include <ember/dtype.h>

#include "error_format.h"

namespace ember {

static constexpr detail::DTypeTable table = detail::dtype_table();

const detail::DTypeRow& detail::dtype_row(DType d) { return table.rows[int(d)]; }
const char* name(DType d) { return table.rows[int(d)].name; }
const char* scalar_type_name(DType d) { return table.rows[int(d)].scalar_type; }
const char* tensor_type_name(DType d) { return table.rows[int(d)].tensor_type; }

static DType default_dtype = kFloat32;

DType get_default_dtype() { return default_dtype; }
void set_default_dtype(DType d) {
  check<TypeError>(is_floating_point(d), "only floating-point types are supported as the default type, got {}", name(d));
  default_dtype = d;
}

}  // namespace ember
