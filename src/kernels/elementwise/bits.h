// Bits of whole numbers, element by element.
#pragma once

#include <ember/dtype.h>

namespace ember::kernels {

enum class BitOp : std::uint8_t { And, Or, Xor, ShiftLeft, ShiftRight };

/// out[i] = a[i] op b[i] for n elements of int64 or uint8. Shifts by less than 0 or by more than there are bits are those by all of them.
void bits(BitOp op, DType dtype, std::int64_t n, const void* a, const void* b, void* out);

}  // namespace ember::kernels
