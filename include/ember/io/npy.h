// NumPy's files: one array (.npy), or a zip of named ones (.npz, stored or compressed).
#pragma once

#include <ember/io/pt.h>

namespace ember {

Tensor load_npy(const std::string& path, LoadFileOptions options = {});
void save_npy(const Tensor& tensor, const std::string& path);
nn::StateDict load_npz(const std::string& path, LoadFileOptions options = {});
void save_npz(const nn::StateDict& tensors, const std::string& path);

}  // namespace ember
