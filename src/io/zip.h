// ZIP archives, as PyTorch and NumPy use them: read with every number checked, written uncompressed with aligned data.
#pragma once

#include <string>
#include <vector>

#include "io/file.h"

namespace ember::io {

struct ZipEntry {
  std::string name;
  int64_t offset;  ///< of the data
  int64_t packed, size;
  bool deflated;
  std::uint32_t crc;
};

/// The entries of the archive, in the order of its directory. Throws for anything that contradicts itself: truncation, names twice,
/// data that overlap or lie outside, encryption, unknown compression.
std::vector<ZipEntry> read_directory(const Source& file);

/// The data of an entry into `out` (entry.size bytes). The CRC is checked.
void read_entry(const Source& file, const ZipEntry& entry, void* out);

/// Writes entries one after the other; zip64 where sizes ask for it.
class ZipWriter {
 public:
  explicit ZipWriter(AtomicFile& file) : file_(file) {}
  /// One entry whose data begins at a multiple of `align`, as PyTorch pads them; align 1 adds nothing.
  void add(const std::string& name, const void* data, int64_t bytes, int align = 64);
  void finish();

 private:
  struct Written {
    std::string name;
    int64_t offset, size;
    std::uint32_t crc;
  };
  AtomicFile& file_;
  std::vector<Written> written_;
};

}  // namespace ember::io
