// Data sets of files on disk: MNIST and CIFAR as they are distributed, and where they are looked for.
#include <ember/autograd.h>
#include <ember/data/files.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/shape.h>

#include <cstring>

#include "data/bytes.h"
#include "data/cifar_pickle.h"
#include "data/table_read.h"
#include "error_format.h"

namespace ember::data {
namespace {

std::uint32_t big_endian(const unsigned char* p) { return std::uint32_t(p[0]) << 24 | std::uint32_t(p[1]) << 16 | std::uint32_t(p[2]) << 8 | p[3]; }

Tensor as_unit_floats(const Tensor& bytes) { return bytes.to(kFloat32) / 255; }

}  // namespace

Tensor read_csv(const std::string& path, CsvOptions options) {
  Demand demand{.must = Must::Number};
  if (options.dtype == kInt64) demand = {Must::Whole, -0x1p53, 0x1p53};
  if (options.dtype == kUInt8) demand = {Must::Whole, 0, 255};
  if (options.dtype == kBool) demand = {Must::Whole, 0, 1};
  const Table table = read_cells(path, {.delimiter = options.delimiter, .header = Header::None, .skip_rows = options.skip_rows}, demand);
  return table.cells().to(options.dtype);
}

Tensor read_idx(const std::string& path) {
  const FileBytes file(path);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(file.data());
  check<RuntimeError>(file.size() >= 4 && bytes[0] == 0 && bytes[1] == 0, "{}: no IDX file (the first two bytes must be 0)", path);
  const int type = bytes[2], dims = bytes[3];
  check<RuntimeError>(type == 8, "{}: expected unsigned bytes (type 8), got type {}", path, type);
  check<RuntimeError>(dims >= 1 && dims <= kMaxDims && file.size() >= std::size_t(4 + 4 * dims), "{}: broken header of {} dimensions", path, dims);
  Shape sizes;
  std::uint64_t total = 1;
  for (int d = 0; d < dims; ++d) {
    const std::uint32_t size = big_endian(bytes + 4 + 4 * d);
    sizes.push_back(size);
    check<RuntimeError>(!__builtin_mul_overflow(total, std::uint64_t(size), &total) && total <= file.size(),
                        "{}: the header promises more than the file's {} bytes", path, file.size());
  }
  check<RuntimeError>(file.size() == 4 + 4 * std::size_t(dims) + total, "{}: expected {} bytes of data, got {}", path, total,
                      file.size() - 4 - 4 * std::size_t(dims));
  Tensor t = empty(sizes, kUInt8);
  std::memcpy(t.data_ptr(), bytes + 4 + 4 * dims, std::size_t(total));
  return t;
}

namespace {

/// The first of these files that is there, raw or gzipped.
std::string found(const std::string& what, const std::string& root, const std::vector<std::string>& candidates) {
  for (const std::string& candidate : candidates)
    for (const char* ending : {"", ".gz"})
      if (file_exists(candidate + ending)) return candidate + ending;
  fail<RuntimeError>("cannot read {}: no such file below {}: {}\ntools/get_data.sh fetches the originals", what, root, fmt::join(candidates, ", "));
}

/// MNIST and the sets in its format. torchvision puts them into ROOT/NAME/raw; the originals of old are called train-images.idx3-ubyte.
ImagesLabels read_mnist_like(const std::string& set, const std::string& root, bool train) {
  const auto file = [&](const std::string& part, const std::string& dims) {
    std::vector<std::string> candidates;
    for (const std::string& folder : {root, root + "/" + set + "/raw", root + "/raw", root + "/" + set})
      for (const char* joint : {"-", "."}) candidates.push_back(folder + (train ? "/train-" : "/t10k-") + part + joint + dims + "-ubyte");
    return found(set, root, candidates);
  };
  const Tensor images = read_idx(file("images", "idx3")), labels = read_idx(file("labels", "idx1"));
  check<RuntimeError>(images.dim() == 3 && labels.dim() == 1 && images.size(0) == labels.size(0),
                      "{}: expected images (N, H, W) and labels (N), got {} and {}", root, images.sizes(), labels.sizes());
  return {as_unit_floats(images).unsqueeze(1), labels.to(kInt64)};
}

/// CIFAR's binary files: records of `labels` bytes, of which the last one counts, and 3 x 32 x 32 pixels. Or the pickles that torchvision unpacks.
ImagesLabels read_cifar_file(const std::string& path, int labels, const char* key) {
  const FileBytes file(path);
  check<RuntimeError>(file.size() > 0, "{}: an empty file", path);
  if (static_cast<unsigned char>(file.data()[0]) == 0x80 && file.size() % std::size_t(3072 + labels) != 0) {
    const CifarPickle pickle = read_cifar_pickle(path, file.data(), file.size(), key);
    const Tensor pixels = from_blob(static_cast<void*>(const_cast<char*>(pickle.pixels)), {int64_t(pickle.labels.size()), 3, 32, 32}, kUInt8);
    return {as_unit_floats(pixels), from_blob(const_cast<int64_t*>(pickle.labels.data()), {int64_t(pickle.labels.size())}, kInt64).clone()};
  }
  const int64_t record = 3072 + labels;
  check<RuntimeError>(file.size() % std::size_t(record) == 0, "{}: expected records of {} bytes, got {} bytes", path, record, file.size());
  const Tensor records = from_blob(static_cast<void*>(const_cast<char*>(file.data())), {int64_t(file.size()) / record, record}, kUInt8);
  return {as_unit_floats(records.narrow(1, labels, 3072).contiguous()).reshape({-1, 3, 32, 32}), records.select(1, labels - 1).to(kInt64)};
}

}  // namespace

ImagesLabels read_mnist(const std::string& folder, bool train) { return read_mnist_like("MNIST", folder, train); }
ImagesLabels read_fashion_mnist(const std::string& folder, bool train) { return read_mnist_like("FashionMNIST", folder, train); }
ImagesLabels read_kmnist(const std::string& folder, bool train) { return read_mnist_like("KMNIST", folder, train); }

ImagesLabels read_cifar10(const std::string& folder, bool train) {
  std::vector<Tensor> images, labels;
  for (int k = 1; k <= (train ? 5 : 1); ++k) {
    const std::string name = train ? "data_batch_" + std::to_string(k) : "test_batch";
    const ImagesLabels part = read_cifar_file(found("CIFAR-10", folder,
                                                    {folder + "/" + name + ".bin", folder + "/cifar-10-batches-bin/" + name + ".bin",
                                                     folder + "/cifar-10-batches-py/" + name, folder + "/" + name}),
                                              1, "labels");
    images.push_back(part.images);
    labels.push_back(part.labels);
  }
  return {cat(images), cat(labels)};
}

ImagesLabels read_cifar100(const std::string& folder, bool train) {
  const std::string name = train ? "train" : "test";
  return read_cifar_file(
      found("CIFAR-100", folder,
            {folder + "/" + name + ".bin", folder + "/cifar-100-binary/" + name + ".bin", folder + "/cifar-100-python/" + name, folder + "/" + name}),
      2, "fine_labels");
}

}  // namespace ember::data
