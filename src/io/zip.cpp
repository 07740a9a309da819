// The format: PKWARE's APPNOTE 6.3.
#include "io/zip.h"

#include <ember/error.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "error_format.h"
#include "io/crc32.h"

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
    check<RuntimeError>(order[i - 1]->offset + order[i - 1]->packed <= order[i]->offset, "{}: {} and {} overlap", file.path(), order[i - 1]->name,
                        order[i]->name);
}

}  // namespace

std::vector<ZipEntry> read_directory(const Source& file) {
  const Directory d = find_directory(file);
  file.spend(d.size + d.entries * 256);  // an entry, its name, and the readers' tables
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
    check<RuntimeError>(packed <= limit && (method == 8 ? size <= limit * 1100 + 1024 : size == packed), "{}: {} claims {} bytes", file.path(), name,
                        size);
    const int64_t start = data_start(file, name, header);
    check<RuntimeError>(start <= d.offset && int64_t(packed) <= d.offset - start, "{}: {} is truncated, or reaches into the ZIP directory",
                        file.path(), name);
    entries.push_back({name, start, int64_t(packed), int64_t(size), method == 8, std::uint32_t(little(p + 16, 4))});
  }
  check_overlaps(file, entries);
  return entries;
}

// --- reading an entry

#ifdef EMBER_ZLIB
struct EntryStream::Inflater {
  z_stream stream{};
  std::vector<unsigned char> packed = std::vector<unsigned char>(1 << 16);
  int status = Z_OK;

  Inflater() { status = inflateInit2(&stream, -15); }
  ~Inflater() { inflateEnd(&stream); }
};

/// How many of the bytes came before the data ended.
int64_t EntryStream::inflate(char* out, int64_t bytes) {
  z_stream& s = inflater_->stream;
  int64_t got = 0;
  while (got < bytes && inflater_->status == Z_OK) {
    if (s.avail_in == 0) {
      const int64_t n = std::min<int64_t>(int64_t(inflater_->packed.size()), entry_.packed - packed_read_);
      if (n == 0) break;
      file_.read(entry_.offset + packed_read_, n, inflater_->packed.data());
      packed_read_ += n;
      s.next_in = inflater_->packed.data();
      s.avail_in = uInt(n);
    }
    const uInt room = uInt(std::min<int64_t>(bytes - got, 1 << 30));
    s.next_out = reinterpret_cast<unsigned char*>(out) + got;
    s.avail_out = room;
    inflater_->status = ::inflate(&s, Z_NO_FLUSH);
    got += room - s.avail_out;
  }
  return got;
}
bool EntryStream::inflated_all() const { return inflater_->status == Z_STREAM_END; }
#else
struct EntryStream::Inflater {};
int64_t EntryStream::inflate(char*, int64_t) { return 0; }
bool EntryStream::inflated_all() const { return true; }
#endif

EntryStream::EntryStream(const Source& file, const ZipEntry& entry) : file_(file), entry_(entry) {
#ifdef EMBER_ZLIB
  if (entry.deflated) inflater_ = std::make_unique<Inflater>();
  check<RuntimeError>(!inflater_ || inflater_->status == Z_OK, "{}: zlib does not start", file.path());
#else
  check<RuntimeError>(!entry.deflated, "{}: {} is compressed, and this library was built without zlib", file.path(), entry.name);
#endif
  if (entry.size == 0) check_end();
}

EntryStream::~EntryStream() = default;

void EntryStream::read(void* out, int64_t bytes) {
  check<RuntimeError>(bytes <= entry_.size - given_, "{}: {} is truncated: {} bytes where {} are needed", file_.path(), entry_.name, entry_.size,
                      given_ + bytes);
  char* to = static_cast<char*>(out);
  // In pieces that are still in the cache when their sum is taken.
  for (int64_t n; bytes > 0; to += n, given_ += n, bytes -= n) {
    n = std::min<int64_t>(bytes, 1 << 18);
    if (inflater_) check<RuntimeError>(inflate(to, n) == n, "{}: {} has broken compressed data", file_.path(), entry_.name);
    else file_.read(entry_.offset + given_, n, to);
    crc_ = crc32(crc_, to, n);
  }
  if (given_ == entry_.size) check_end();
}

void EntryStream::check_end() {
  if (inflater_) {  // only the end mark is still to come
    char spare;
    check<RuntimeError>(inflate(&spare, 1) == 0, "{}: {} unpacks to more than {} bytes", file_.path(), entry_.name, entry_.size);
    check<RuntimeError>(inflated_all(), "{}: {} has broken compressed data", file_.path(), entry_.name);
  }
  check<RuntimeError>(crc_ == entry_.crc, "{}: {} is damaged (its CRC differs)", file_.path(), entry_.name);
}

std::string read_entry(const Source& file, const ZipEntry& entry) {
  file.spend(entry.size);
  std::string text(std::size_t(entry.size), '\0');
  EntryStream(file, entry).read(text.data(), entry.size);
  return text;
}

// --- writing

void ZipWriter::add(const std::string& name, std::initializer_list<Piece> pieces, int align) {
  int64_t bytes = 0;
  for (const Piece& piece : pieces) bytes += piece.bytes;
  Written w{name, file_.position(), bytes, 0};
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
  put(header, 0, 4);     // the sum is known later
  put(header, large ? 0xffffffffu : std::uint64_t(bytes), 4);
  put(header, large ? 0xffffffffu : std::uint64_t(bytes), 4);
  put(header, name.size(), 2);
  put(header, extra.size(), 2);
  file_.write(header + name + extra);
  // Each piece of the data goes to the file while it is still in the cache from taking its sum.
  for (const Piece& piece : pieces)
    for (int64_t at = 0, n; at < piece.bytes; at += n) {
      const char* from = static_cast<const char*>(piece.data) + at;
      n = std::min<int64_t>(piece.bytes - at, 1 << 18);
      w.crc = crc32(w.crc, from, n);
      file_.write(from, n);
    }
  std::string sum;
  put(sum, w.crc, 4);
  file_.rewrite(w.offset + 14, sum);
  written_.push_back(std::move(w));
}

std::string ZipWriter::directory() const {
  const int64_t start = file_.position();
  std::string all;
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
    all += entry + w.name + extra;
  }
  const int64_t end = start + int64_t(all.size()), count = int64_t(written_.size());
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
  return all + tail;
}

}  // namespace ember::io
