// Data sets from files: tables of numbers, MNIST's IDX format, CIFAR's batches. Gzipped files are read as they are.
#pragma once

#include <ember/data/dataset.h>

namespace ember::data {

struct CsvOptions {
  char delimiter = ',';
  int64_t skip_rows = 0;
  DType dtype = kFloat32;
};
/// Rows of numbers as (rows, columns); data::read_table reads names, words and missing cells as well. Throws RuntimeError with file, line and
/// column of what is no number, and for whole dtypes of 1.5 and of what does not fit.
Tensor read_csv(const std::string& path, CsvOptions options = {});

/// An IDX file (MNIST's format): uint8 data as it is, others as int64 or float. Throws for a wrong magic number or length.
Tensor read_idx(const std::string& path);

struct ImagesLabels {
  Tensor images;  ///< (N, C, H, W) float32, 0 .. 1
  Tensor labels;  ///< (N) int64
};
/// MNIST from a folder with the four original files, raw or .gz (train-images-idx3-ubyte, or train-images.idx3-ubyte), or from the folder
/// that torchvision was given as root, where they are in MNIST/raw. `tools/get_data.sh mnist DIR` fetches them.
ImagesLabels read_mnist(const std::string& folder, bool train = true);
ImagesLabels read_fashion_mnist(const std::string& folder, bool train = true);  ///< likewise, FashionMNIST/raw
ImagesLabels read_kmnist(const std::string& folder, bool train = true);         ///< likewise, KMNIST/raw
/// CIFAR-10 from data_batch_1.bin .. 5 and test_batch.bin (raw or .gz) or the pickled batches of cifar-10-batches-py, in the folder or one below.
ImagesLabels read_cifar10(const std::string& folder, bool train = true);
ImagesLabels read_cifar100(const std::string& folder, bool train = true);  ///< with the 100 fine labels

/// The same as data sets: {image (C, H, W) float32 in 0 .. 1, class}. As torchvision.datasets with ToTensor.
struct MNIST final : TensorDataset {
  explicit MNIST(const std::string& root, bool train = true) : MNIST(read_mnist(root, train)) {}
  explicit MNIST(const ImagesLabels& set) : TensorDataset(set.images, set.labels) {}
};
struct FashionMNIST final : TensorDataset {
  explicit FashionMNIST(const std::string& root, bool train = true) : FashionMNIST(read_fashion_mnist(root, train)) {}
  explicit FashionMNIST(const ImagesLabels& set) : TensorDataset(set.images, set.labels) {}
};
struct KMNIST final : TensorDataset {
  explicit KMNIST(const std::string& root, bool train = true) : KMNIST(read_kmnist(root, train)) {}
  explicit KMNIST(const ImagesLabels& set) : TensorDataset(set.images, set.labels) {}
};
struct CIFAR10 final : TensorDataset {
  explicit CIFAR10(const std::string& root, bool train = true) : CIFAR10(read_cifar10(root, train)) {}
  explicit CIFAR10(const ImagesLabels& set) : TensorDataset(set.images, set.labels) {}
};
struct CIFAR100 final : TensorDataset {
  explicit CIFAR100(const std::string& root, bool train = true) : CIFAR100(read_cifar100(root, train)) {}
  explicit CIFAR100(const ImagesLabels& set) : TensorDataset(set.images, set.labels) {}
};

}  // namespace ember::data
