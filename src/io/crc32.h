// The checksum of ZIP archives (ISO 3309), at the speed of memory: it must not be what a load of gigabytes waits for.
#pragma once

#include <cstdint>

namespace ember::io {

/// Of `before`'s bytes followed by these; start with 0.
std::uint32_t crc32(std::uint32_t before, const void* data, std::int64_t bytes);

}  // namespace ember::io
