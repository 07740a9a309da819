// Products and spans of sizes, checked: the one place where they are computed.
#pragma once

#include <ember/shape.h>

namespace ember {

/// The product of sizes, 1 of none. Throws RuntimeError "numel: integer multiplication overflow" when it does not fit, also where a size
/// of 0 makes it 0, because strides are such products, too.
int64_t numel_of(IntArrayRef sizes);

/// How many elements lie between the first and the last that these sizes and strides reach, both counted; 0 when there are none. Throws
/// RuntimeError "Storage size calculation overflowed with sizes=[3] and strides=[2305843009213693952]".
int64_t span_of(IntArrayRef sizes, IntArrayRef strides);
inline constexpr int64_t kMostElements = int64_t(1) << 48;  ///< more than any memory holds

}  // namespace ember
