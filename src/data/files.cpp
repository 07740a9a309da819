#include <ember/autograd.h>
#include <ember/data/files.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/shape.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "error_format.h"

#ifdef EMBER_ZLIB
#include <zlib.h>
#endif

namespace ember::data {
namespace {

using Bytes = std::vector<unsigned char>;

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

bool exists(const std::string& path) { return std::unique_ptr<std::FILE, Closer>(std::fopen(path.c_str(), "rb")) != nullptr; }

/// The whole file, unpacked when it is gzipped.
Bytes read_bytes(const std::string& path) {
  std::unique_ptr<std::FILE, Closer> file(std::fopen(path.c_str(), "rb"));
  check<RuntimeError>(file != nullptr, "cannot read {}: {}", path, std::strerror(errno));
  Bytes bytes;
  unsigned char block[1 << 16];
  while (const std::size_t n = std::fread(block, 1, sizeof block, file.get())) bytes.insert(bytes.end(), block, block + n);
  check<RuntimeError>(!std::ferror(file.get()), "cannot read {}: {}", path, std::strerror(errno));
  if (bytes.size() < 2 || bytes[0] != 0x1f || bytes[1] != 0x8b) return bytes;
#ifdef EMBER_ZLIB
  Bytes unpacked;
  z_stream stream{};
  stream.next_in = bytes.data();
  stream.avail_in = unsigned(bytes.size());
  check<RuntimeError>(inflateInit2(&stream, 15 + 16) == Z_OK, "{}: zlib does not start", path);
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = block;
    stream.avail_out = sizeof block;
    status = inflate(&stream, Z_NO_FLUSH);
    unpacked.insert(unpacked.end(), block, block + (sizeof block - stream.avail_out));
    if (status == Z_BUF_ERROR) break;
  }
  inflateEnd(&stream);
  check<RuntimeError>(status == Z_STREAM_END, "{}: broken gzip data after {} bytes", path, unpacked.size());
  return unpacked;
#else
  fail<RuntimeError>("{} is gzipped, and this library was built without zlib", path);
#endif
}

std::string plain_or_gz(const std::string& path) { return exists(path) || !exists(path + ".gz") ? path : path + ".gz"; }

std::uint32_t big_endian(const unsigned char* p) {
  return std::uint32_t(p[0]) << 24 | std::uint32_t(p[1]) << 16 | std::uint32_t(p[2]) << 8 | p[3];
}

Tensor as_unit_floats(const Tensor& bytes) { return bytes.to(kFloat32) / 255; }

}  // namespace

Tensor read_csv(const std::string& path, CsvOptions options) {
  const Bytes bytes = read_bytes(path);
  std::vector<double> values;
  int64_t rows = 0, columns = -1, line_number = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t end = at;
    while (end < bytes.size() && bytes[end] != '\n') ++end;
    std::string line(bytes.begin() + std::ptrdiff_t(at), bytes.begin() + std::ptrdiff_t(end));
    at = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (++line_number <= options.skip_rows || line.find_first_not_of(" \t") == std::string::npos) continue;
    int64_t column = 0;
    for (std::size_t start = 0; start <= line.size(); ++column) {
      std::size_t stop = line.find(options.delimiter, start);
      if (stop == std::string::npos) stop = line.size();
      const std::string cell = line.substr(start, stop - start);
      char* rest = nullptr;
      const double value = std::strtod(cell.c_str(), &rest);
      while (rest && (*rest == ' ' || *rest == '\t')) ++rest;
      check<RuntimeError>(rest != cell.c_str() && *rest == 0, "{}, line {}, column {}: expected a number, got \"{}\"", path, line_number, column + 1, cell);
      values.push_back(value);
      start = stop + 1;
    }
    if (columns < 0) columns = column;
    check<RuntimeError>(column == columns, "{}, line {}: expected {} columns as in the first row, got {}", path, line_number, columns, column);
    ++rows;
  }
  return from_blob(values.data(), {rows, columns < 0 ? 0 : columns}, kFloat64).to(options.dtype, true);
}

Tensor read_idx(const std::string& path) {
  const Bytes bytes = read_bytes(path);
  check<RuntimeError>(bytes.size() >= 4 && bytes[0] == 0 && bytes[1] == 0, "{}: no IDX file (the first two bytes must be 0)", path);
  const int type = bytes[2], dims = bytes[3];
  check<RuntimeError>(type == 8, "{}: expected unsigned bytes (type 8), got type {}", path, type);
  check<RuntimeError>(dims >= 1 && dims <= kMaxDims && bytes.size() >= std::size_t(4 + 4 * dims), "{}: broken header of {} dimensions", path, dims);
  Shape sizes;
  std::uint64_t total = 1;
  for (int d = 0; d < dims; ++d) {
    const std::uint32_t size = big_endian(bytes.data() + 4 + 4 * d);
    sizes.push_back(size);
    total = total * size;
    check<RuntimeError>(total <= bytes.size(), "{}: the header promises more than the file's {} bytes", path, bytes.size());
  }
  check<RuntimeError>(bytes.size() == 4 + 4 * std::size_t(dims) + total, "{}: expected {} bytes of data, got {}", path, total, bytes.size() - 4 - 4 * std::size_t(dims));
  Tensor t = empty(sizes, kUInt8);
  std::memcpy(t.data_ptr(), bytes.data() + 4 + 4 * dims, std::size_t(total));
  return t;
}

ImagesLabels read_mnist(const std::string& folder, bool train) {
  const std::string stem = folder + (train ? "/train" : "/t10k");
  const Tensor images = read_idx(plain_or_gz(stem + "-images-idx3-ubyte")), labels = read_idx(plain_or_gz(stem + "-labels-idx1-ubyte"));
  check<RuntimeError>(images.dim() == 3 && labels.dim() == 1 && images.size(0) == labels.size(0),
                      "{}: expected images (N, H, W) and labels (N), got {} and {}", folder, images.sizes(), labels.sizes());
  return {as_unit_floats(images).unsqueeze(1), labels.to(kInt64)};
}

ImagesLabels read_cifar10(const std::string& folder, bool train) {
  std::vector<Tensor> images, labels;
  for (int k = 1; k <= (train ? 5 : 1); ++k) {
    const std::string path = plain_or_gz(folder + (train ? "/data_batch_" + std::to_string(k) : "/test_batch") + ".bin");
    Bytes bytes = read_bytes(path);
    check<RuntimeError>(!bytes.empty() && bytes.size() % 3073 == 0, "{}: expected records of 3073 bytes, got {} bytes", path, bytes.size());
    const Tensor records = from_blob(bytes.data(), {int64_t(bytes.size() / 3073), 3073}, kUInt8);
    labels.push_back(records.select(1, 0).to(kInt64));
    images.push_back(as_unit_floats(records.narrow(1, 1, 3072).contiguous()).reshape({-1, 3, 32, 32}));
  }
  return {cat(images), cat(labels)};
}

}  // namespace ember::data
