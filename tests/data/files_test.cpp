// MNIST and CIFAR where torchvision and the originals put them, from small files made here.
#include <ember/ember.h>

#include <filesystem>

#include "support/catch.h"
#include "support/close.h"
#include "support/folder.h"

using namespace ember;

namespace {

std::string big_endian(std::uint32_t n) { return {char(n >> 24), char(n >> 16), char(n >> 8), char(n)}; }

std::string idx(std::initializer_list<std::uint32_t> sizes, int seed) {
  std::string bytes{'\0', '\0', '\x08', char(sizes.size())};
  std::uint32_t total = 1;
  for (std::uint32_t n : sizes) {
    bytes += big_endian(n);
    total *= n;
  }
  for (std::uint32_t i = 0; i < total; ++i) bytes += char((i * 7 + std::uint32_t(seed)) % (sizes.size() == 1 ? 10 : 256));
  return bytes;
}

void write_mnist(const std::string& folder, const std::string& joint, int seed) {
  std::filesystem::create_directories(folder);
  for (const char* part : {"train", "t10k"}) {
    write_bytes(folder + "/" + part + "-images" + joint + "idx3-ubyte", idx({3, 4, 5}, seed));
    write_bytes(folder + "/" + part + "-labels" + joint + "idx1-ubyte", idx({3}, seed));
  }
}

std::string record(int labels, int label, int value) {
  return std::string(std::size_t(labels - 1), char(9)) + char(label) + std::string(3072, char(value));
}

}  // namespace

TEST_CASE("files: MNIST where torchvision puts it, and in the folder itself, in both spellings") {
  Folder folder;
  const std::string root = folder / "root", plain = folder / "plain";
  write_mnist(root + "/MNIST/raw", "-", 0);
  write_mnist(root + "/FashionMNIST/raw", "-", 1);
  write_mnist(root + "/KMNIST/raw", ".", 2);
  write_mnist(plain, ".", 3);
  CHECK(data::read_mnist(root).labels.equal(tensor({0, 7, 4})));
  CHECK(data::read_fashion_mnist(root, false).labels.equal(tensor({1, 8, 5})));
  CHECK(data::read_kmnist(root).labels.equal(tensor({2, 9, 6})));
  CHECK(data::read_mnist(plain).labels.equal(tensor({3, 0, 7})));
  const data::MNIST set(root);
  CHECK(set.size() == 3);
  CHECK(set[1][0].sizes() == IntArrayRef{1, 4, 5});
  CHECK_THAT(set[0][0][0][0], is_close(tensor({0., 7., 14., 21., 28.}) / 255));
  CHECK(data::FashionMNIST(root, false)[2][1].item<int64_t>() == 5);
  CHECK_THROWS_WITH(data::read_mnist(folder / "none"), contains("tools/get_data.sh"));
  write_bytes(plain + "/train-labels.idx1-ubyte", idx({2}, 0));
  CHECK_THROWS_WITH(data::read_mnist(plain), contains("expected images (N, H, W) and labels (N)"));
  write_bytes(plain + "/train-labels.idx1-ubyte",
              std::string("\0\0\x08\x03", 4) + big_endian(1u << 31) + big_endian(1u << 31) + big_endian(1u << 31));
  CHECK_THROWS_WITH(data::read_mnist(plain), contains("promises more than"));
}

TEST_CASE("files: CIFAR from binary records") {
  Folder folder;
  const std::string root = folder / "root";
  std::filesystem::create_directories(root + "/cifar-10-batches-bin");
  std::filesystem::create_directories(root + "/cifar-100-binary");
  for (int k = 1; k <= 5; ++k)
    write_bytes(root + "/cifar-10-batches-bin/data_batch_" + std::to_string(k) + ".bin", record(1, k, 51 * k) + record(1, 0, 0));
  write_bytes(root + "/cifar-10-batches-bin/test_batch.bin", record(1, 7, 255));
  write_bytes(root + "/cifar-100-binary/train.bin", record(2, 99, 51));
  const data::ImagesLabels ten = data::read_cifar10(root);
  CHECK(ten.labels.equal(tensor({1, 0, 2, 0, 3, 0, 4, 0, 5, 0})));
  CHECK_THAT(ten.images.mean(Dims{1, 2, 3}), is_close({0.2, 0., 0.4, 0., 0.6, 0., 0.8, 0., 1., 0.}));
  CHECK(data::CIFAR10(root, false).size() == 1);
  CHECK(data::read_cifar100(root).labels.equal(tensor({99})));
  CHECK_THROWS_WITH(data::read_cifar100(root, false), contains("cifar-100-binary/test.bin"));
  write_bytes(root + "/cifar-100-binary/test.bin", "short");
  CHECK_THROWS_WITH(data::read_cifar100(root, false), contains("expected records of 3074 bytes, got 5 bytes"));
}

TEST_CASE("files: CIFAR from the pickles that torchvision unpacks") {
  Folder folder;
  const std::string root = folder / "root";
  std::filesystem::create_directories(root + "/cifar-100-python");
  // Protocol 2 as Python 2 wrote it: {'batch_label': .., 'fine_labels': [3, 300], 'data': <array of 2 x 3072 bytes>, ...}.
  const auto text = [](const std::string& s) { return "U" + std::string(1, char(s.size())) + s; };
  const std::string length{'\0', '\x18', '\0', '\0'};  // 6144
  std::string pickle = "\x80\x02}q\x01(" + text("filenames") + "]q\x02(" + text("a.png") + text("b.png") + "e" + text("fine_labels") +
                       "]q\x03(K\x03M";
  pickle += std::string("\x2c\x01", 2) + "e" + text("data") + "cnumpy.core.multiarray\n_reconstruct\nq\x04" + "T" + length +
            std::string(3072, '\x33') + std::string(3072, '\xff') + "q\x05" + "u.";
  write_bytes(root + "/cifar-100-python/train", pickle);
  const data::ImagesLabels set = data::read_cifar100(root);
  CHECK(set.labels.equal(tensor({3, 300})));
  CHECK_THAT(set.images.mean(Dims{1, 2, 3}), is_close({0.2, 1.}));
  for (const std::size_t cut : {std::size_t(1), std::size_t(30), std::size_t(200), pickle.size() - 4}) {
    write_bytes(root + "/cifar-100-python/train", pickle.substr(0, cut));
    CHECK_THROWS_AS(data::read_cifar100(root), RuntimeError);
  }
}
