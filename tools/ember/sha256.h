// SHA-256 (FIPS 180-4).
#pragma once

#include <cstdint>
#include <string>

/// The hash of the bytes, in lower-case hex.
std::string sha256(const void* data, std::int64_t bytes);
