// ZIP archives, as PyTorch and NumPy use them: read with every number checked, written uncompressed with aligned data.
#pragma once

#include <initializer_list>
#include <memory>
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

/// The data of an entry, unpacked as it is read. When the last byte has been given out, length and CRC have been checked.
class EntryStream final : public Stream {
 public:
  EntryStream(const Source& file, const ZipEntry& entry);
  ~EntryStream() override;
  void read(void* out, int64_t bytes) override;

 private:
  struct Inflater;
  int64_t inflate(char* out, int64_t bytes);
  bool inflated_all() const;
  void check_end();

  const Source& file_;
  const ZipEntry& entry_;
  std::unique_ptr<Inflater> inflater_;
  int64_t packed_read_ = 0, given_ = 0;
  std::uint32_t crc_ = 0;
};

/// All of an entry that is small enough to be a text; spends from the file's budget.
std::string read_entry(const Source& file, const ZipEntry& entry);

/// Writes entries one after the other; zip64 where sizes ask for it.
class ZipWriter {
 public:
  explicit ZipWriter(Sink& file) : file_(file) {}
  /// One entry whose data begins at a multiple of `align`, as PyTorch pads them; align 1 adds nothing.
  void add(const std::string& name, const void* data, int64_t bytes, int align = 64) { add(name, {{data, bytes}}, align); }
  struct Piece {
    const void* data;
    int64_t bytes;
  };
  void add(const std::string& name, std::initializer_list<Piece> pieces, int align);
  /// The end of an archive whose entries are those up to now and whose data end at the sink's position.
  std::string directory() const;
  void finish() { file_.write(directory()); }
  /// Forgets the last entry: another one takes its place.
  void drop_last() { written_.pop_back(); }

 private:
  struct Written {
    std::string name;
    int64_t offset, size;
    std::uint32_t crc;
  };
  Sink& file_;
  std::vector<Written> written_;
};

}  // namespace ember::io
