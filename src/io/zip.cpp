// The format: PKWARE's APPNOTE 6.3.
#include "io/zip.h"

#include <ember/error.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_set>

#include "error_format.h"

#ifdef EMBER_ZLIB
#include <zlib.h>
#endif

namespace ember::io {
namespace {

std::uint64_t little(const char* p, int bytes) {
  std::uint64_t v = 0;
  for (int i = bytes; i-- > 0;) v = v << 8 | static_cast<unsigned char>(p[i]);
  return v;
}
void put(std::string& out, std::uint64_t v, int bytes) {
  for (int i = 0; i < bytes; ++i, v >>= 8) out += char(v & 255);
}

std::uint32_t update_crc(std::uint32_t crc, const void* data, int64_t bytes) {
#ifdef EMBER_ZLIB
  const auto* p = static_cast<const unsigned char*>(data);
  for (; bytes > 0; p += 1 << 30, bytes -= 1 << 30) crc = std::uint32_t(crc32(crc, p, uInt(std::min<int64_t>(bytes, 1 << 30))));
  return crc;
#else
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
      t[i] = c;
    }
    return t;
  }();
  const auto* p = static_cast<const unsigned char*>(data);
  crc = ~crc;
  for (int64_t i = 0; i < bytes; ++i) crc = table[(crc ^ p[i]) & 255] ^ (crc >> 8);
  return ~crc;
#endif
}

struct Directory {
  int64_t offset, size, entries;
};

/// From the record at the end of the file, or the zip64 one that it points to.
Directory find_directory(const Source& file) {
  const int64_t tail_size = std::min<int64_t>(file.size(), 65557), tail_start = file.size() - tail_size;
  const std::string tail = file.read(tail_start, tail_size);
  int64_t at = tail_size - 22;
  while (at >= 0 && std::memcmp(tail.data() + at, "PK\5\6", 4) != 0) --at;
  check<RuntimeError>(at >= 0, "{}: no ZIP directory: the file is truncated, or no archive", file.path());
  const char* end = tail.data() + at;
  Directory d{int64_t(little(end + 16, 4)), int64_t(little(end + 12, 4)), int64_t(little(end + 10, 2))};
  const int64_t end_offset = tail_start + at;
  if (end_offset >= 20) {
    const std::string locator = file.read(end_offset - 20, 20);
    if (std::memcmp(locator.data(), "PK\6\7", 4) == 0) {
      const std::uint64_t where = little(locator.data() + 8, 8);
      check<RuntimeError>(where <= std::uint64_t(end_offset), "{}: the zip64 directory lies outside the file", file.path());
      const std::string record = file.read(int64_t(where), 56);
      check<RuntimeError>(std::memcmp(record.data(), "PK\6\6", 4) == 0, "{}: broken zip64 directory", file.path());
      const std::uint64_t offset = little(record.data() + 48, 8), size = little(record.data() + 40, 8), entries = little(record.data() + 32, 8);
      check<RuntimeError>(offset <= std::uint64_t(file.size()) && size <= std::uint64_t(file.size()) && entries <= std::uint64_t(file.size()),
                          "{}: the zip64 directory lies outside the file", file.path());
      d = {int64_t(offset), int64_t(size), int64_t(entries)};
    }
  }
  check<RuntimeError>(d.offset <= end_offset && d.size <= end_offset - d.offset, "{}: the ZIP directory lies outside the file", file.path());
  check<RuntimeError>(d.entries <= d.size / 46, "{}: the ZIP directory of {} bytes cannot hold {} entries", file.path(), d.size, d.entries);
  return d;
}

/// Numbers of 32 bits that are all ones stand in the zip64 field instead.
void apply_zip64(const Source& file, const char* extra, int64_t length, std::uint64_t* const (&fields)[3]) {
  for (int64_t at = 0; at + 4 <= length;) {
    const int id = int(little(extra + at, 2)), size = int(little(extra + at + 2, 2));
    check<RuntimeError>(at + 4 + size <= length, "{}: a broken extra field in the ZIP directory", file.path());
    if (id == 1) {
      int used = 0;
      for (std::uint64_t* field : fields) {
        if (*field != 0xffffffffu) continue;
        check<RuntimeError>(used + 8 <= size, "{}: a zip64 field is too short", file.path());
        *field = little(extra + at + 4 + used, 8);
        used += 8;
      }
      return;
    }
    at += 4 + size;
  }
}

/// Where the data begins: the local header has its own lengths.
int64_t data_start(const Source& file, const std::string& name, std::uint64_t header) {
  check<RuntimeError>(header <= std::uint64_t(file.size()), "{}: {} lies outside the file", file.path(), name);
  const std::string local = file.read(int64_t(header), 30);
  check<RuntimeError>(std::memcmp(local.data(), "PK\3\4", 4) == 0, "{}: {} has no header where the directory says", file.path(), name);
  return int64_t(header) + 30 + int64_t(little(local.data() + 26, 2)) + int64_t(little(local.data() + 28, 2));
}

void check_overlaps(const Source& file, const std::vector<ZipEntry>& entries) {
  std::vector<const ZipEntry*> order;
  for (const ZipEntry& e : entries) order.push_back(&e);
  std::sort(order.begin(), order.end(), [](const ZipEntry* a, const ZipEntry* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < order.size(); ++i)
    check<RuntimeError>(order[i - 1]->offset + order[i - 1]->packed <= order[i]->offset, "{}: {} and {} overlap", file.path(),
                        order[i - 1]->name, order[i]->name);
}

}  // namespace

std::vector<ZipEntry> read_directory(const Source& file) {
  const Directory d = find_directory(file);
  file.spend(d.size * 3);
  const std::string text = file.read(d.offset, d.size);
  std::vector<ZipEntry> entries;
  std::unordered_set<std::string> names;
  int64_t at = 0;
  for (int64_t i = 0; i < d.entries; ++i) {
    check<RuntimeError>(at + 46 <= d.size && std::memcmp(text.data() + at, "PK\1\2", 4) == 0, "{}: broken ZIP directory at entry {}", file.path(), i);
    const char* p = text.data() + at;
    const int flags = int(little(p + 8, 2)), method = int(little(p + 10, 2));
    std::uint64_t packed = little(p + 20, 4), size = little(p + 24, 4), header = little(p + 42, 4);
    const int64_t name_length = int64_t(little(p + 28, 2)), extra = int64_t(little(p + 30, 2)), comment = int64_t(little(p + 32, 2));
    check<RuntimeError>(at + 46 + name_length + extra + comment <= d.size, "{}: broken ZIP directory at entry {}", file.path(), i);
    const std::string name(p + 46, std::size_t(name_length));
    apply_zip64(file, p + 46 + name_length, extra, {&size, &packed, &header});
    at += 46 + name_length + extra + comment;
    if (!name.empty() && name.back() == '/' && size == 0) continue;  // a folder
    check<RuntimeError>(!(flags & 1), "{}: {} is encrypted", file.path(), name);
    check<RuntimeError>(method == 0 || method == 8, "{}: {} has compression method {}, expected stored or deflated", file.path(), name, method);
    check<RuntimeError>(names.insert(name).second, "{}: {} occurs twice", file.path(), name);
    const std::uint64_t limit = std::uint64_t(file.size());
    check<RuntimeError>(packed <= limit && (method == 8 ? size <= limit * 1100 + 1024 : size == packed), "{}: {} claims {} bytes", file.path(), name, size);
    const int64_t start = data_start(file, name, header);
    check<RuntimeError>(start <= file.size() && int64_t(packed) <= file.size() - start, "{}: {} is truncated", file.path(), name);
    entries.push_back({name, start, int64_t(packed), int64_t(size), method == 8, std::uint32_t(little(p + 16, 4))});
  }
  check_overlaps(file, entries);
  return entries;
}

void read_entry(const Source& file, const ZipEntry& entry, void* out) {
  if (!entry.deflated) {
    file.read(entry.offset, entry.size, out);
  } else {
#ifdef EMBER_ZLIB
    std::vector<unsigned char> block(1 << 16);
    z_stream stream{};
    check<RuntimeError>(inflateInit2(&stream, -15) == Z_OK, "{}: zlib does not start", file.path());
    struct End {
      z_stream& s;
      ~End() { inflateEnd(&s); }
    } end{stream};
    int64_t consumed = 0, produced = 0;
    int status = Z_OK;
    while (status == Z_OK && (consumed < entry.packed || stream.avail_in > 0)) {
      if (stream.avail_in == 0) {
        const int64_t n = std::min<int64_t>(int64_t(block.size()), entry.packed - consumed);
        file.read(entry.offset + consumed, n, block.data());
        consumed += n;
        stream.next_in = block.data();
        stream.avail_in = uInt(n);
      }
      unsigned char spare;
      const int64_t room = std::min<int64_t>(entry.size - produced, 1 << 30);
      stream.next_out = room > 0 ? static_cast<unsigned char*>(out) + produced : &spare;
      stream.avail_out = room > 0 ? uInt(room) : 1;
      const uInt before = stream.avail_out;
      status = inflate(&stream, Z_NO_FLUSH);
      check<RuntimeError>(room > 0 || stream.avail_out == before, "{}: {} unpacks to more than {} bytes", file.path(), entry.name, entry.size);
      if (room > 0) produced += before - stream.avail_out;
    }
    check<RuntimeError>(status == Z_STREAM_END && produced == entry.size, "{}: {} has broken compressed data", file.path(), entry.name);
#else
    fail<RuntimeError>("{}: {} is compressed, and this library was built without zlib", file.path(), entry.name);
#endif
  }
  check<RuntimeError>(update_crc(0, out, entry.size) == entry.crc, "{}: {} is damaged (its CRC differs)", file.path(), entry.name);
}

void ZipWriter::add(const std::string& name, const void* data, int64_t bytes, int align) {
  const Written w{name, file_.position(), bytes, update_crc(0, data, bytes)};
  const bool large = bytes >= 0xffffffffll;
  std::string extra;
  if (large) {
    put(extra, 1, 2);
    put(extra, 16, 2);
    put(extra, std::uint64_t(bytes), 8);
    put(extra, std::uint64_t(bytes), 8);
  }
  if (align > 1) {
    const int64_t so_far = w.offset + 30 + int64_t(name.size()) + int64_t(extra.size()) + 4;
    const int padding = int((align - so_far % align) % align);
    put(extra, 0x4246, 2);  // "FB", as PyTorch pads
    put(extra, std::uint64_t(padding), 2);
    extra.append(std::size_t(padding), 'Z');
  }
  std::string header = "PK\3\4";
  put(header, large ? 45 : 20, 2);
  put(header, 0x0800, 2);  // names are UTF-8
  put(header, 0, 2);
  put(header, 0, 2);
  put(header, 0x21, 2);  // 1980-01-01: equal values give equal bytes
  put(header, w.crc, 4);
  put(header, large ? 0xffffffffu : std::uint64_t(bytes), 4);
  put(header, large ? 0xffffffffu : std::uint64_t(bytes), 4);
  put(header, name.size(), 2);
  put(header, extra.size(), 2);
  file_.write(header + name + extra);
  file_.write(data, bytes);
  written_.push_back(w);
}

void ZipWriter::finish() {
  const int64_t start = file_.position();
  for (const Written& w : written_) {
    std::string extra;
    if (w.size >= 0xffffffffll || w.offset >= 0xffffffffll) {
      std::string numbers;
      if (w.size >= 0xffffffffll) {
        put(numbers, std::uint64_t(w.size), 8);
        put(numbers, std::uint64_t(w.size), 8);
      }
      if (w.offset >= 0xffffffffll) put(numbers, std::uint64_t(w.offset), 8);
      put(extra, 1, 2);
      put(extra, numbers.size(), 2);
      extra += numbers;
    }
    const auto field = [](int64_t v) { return v >= 0xffffffffll ? 0xffffffffu : std::uint64_t(v); };
    std::string entry = "PK\1\2";
    put(entry, 45, 2);
    put(entry, extra.empty() ? 20 : 45, 2);
    put(entry, 0x0800, 2);
    put(entry, 0, 2);
    put(entry, 0, 2);
    put(entry, 0x21, 2);
    put(entry, w.crc, 4);
    put(entry, field(w.size), 4);
    put(entry, field(w.size), 4);
    put(entry, w.name.size(), 2);
    put(entry, extra.size(), 2);
    put(entry, 0, 2);
    put(entry, 0, 2);
    put(entry, 0, 2);
    put(entry, 0, 4);
    put(entry, field(w.offset), 4);
    file_.write(entry + w.name + extra);
  }
  const int64_t end = file_.position(), count = int64_t(written_.size());
  std::string tail;
  if (start >= 0xffffffffll || count >= 0xffff) {
    tail += "PK\6\6";
    put(tail, 44, 8);
    put(tail, 45, 2);
    put(tail, 45, 2);
    put(tail, 0, 4);
    put(tail, 0, 4);
    put(tail, std::uint64_t(count), 8);
    put(tail, std::uint64_t(count), 8);
    put(tail, std::uint64_t(end - start), 8);
    put(tail, std::uint64_t(start), 8);
    tail += "PK\6\7";
    put(tail, 0, 4);
    put(tail, std::uint64_t(end), 8);
    put(tail, 1, 4);
  }
  tail += "PK\5\6";
  put(tail, 0, 4);
  put(tail, std::uint64_t(std::min<int64_t>(count, 0xffff)), 2);
  put(tail, std::uint64_t(std::min<int64_t>(count, 0xffff)), 2);
  put(tail, std::uint64_t(std::min<int64_t>(end - start, 0xffffffffll)), 4);
  put(tail, std::uint64_t(std::min<int64_t>(start, 0xffffffffll)), 4);
  put(tail, 0, 2);
  file_.write(tail);
}

}  // namespace ember::io
