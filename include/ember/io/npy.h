// NumPy's files: one array (.npy), or a zip of named ones (.npz, stored or compressed).
#pragma once

#include <ember/io/pt.h>

namespace ember {

Tensor load_npy(const std::string& path, LoadFileOptions options = {});         ///< throws RuntimeError for a broken file or a dtype that Ember lacks
void save_npy(const Tensor& tensor, const std::string& path);                   ///< row-major, version 1.0
nn::StateDict load_npz(const std::string& path, LoadFileOptions options = {});  ///< the arrays by name, without the ending .npy
void save_npz(const nn::StateDict& tensors, const std::string& path);           ///< stored, not compressed

}  // namespace ember
