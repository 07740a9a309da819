// Data sets from files: tables of numbers, MNIST's IDX format, CIFAR-10's binary batches. Gzipped files are read as they are.
#pragma once

#include <ember/tensor.h>

namespace ember::data {

struct CsvOptions {
  char delimiter = ',';
  int64_t skip_rows = 0;
  DType dtype = kFloat32;
};
/// Rows of numbers as (rows, columns). Throws RuntimeError with file, line and column of what is no number.
Tensor read_csv(const std::string& path, CsvOptions options = {});

/// An IDX file (MNIST's format): uint8 data as it is, others as int64 or float. Throws for a wrong magic number or length.
Tensor read_idx(const std::string& path);

struct ImagesLabels {
  Tensor images;  ///< (N, C, H, W) float32, 0 .. 1
  Tensor labels;  ///< (N) int64
};
/// MNIST from a folder with the four original files, raw or .gz: train-images-idx3-ubyte, ...
ImagesLabels read_mnist(const std::string& folder, bool train = true);
/// CIFAR-10 from a folder with data_batch_1.bin .. 5 and test_batch.bin (raw or .gz).
ImagesLabels read_cifar10(const std::string& folder, bool train = true);

}  // namespace ember::data
