// Hugging Face's safetensors: names, types and shapes as JSON, then the numbers. https://github.com/huggingface/safetensors
#pragma once

#include <ember/io/pt.h>

namespace ember {

/// A dictionary of tensors in the order of the file's data.
nn::StateDict load_safetensors(const std::string& path, LoadFileOptions options = {});
/// In the order of the Rust library: by dtype, then by name. Tensors that share memory are written once each by their own name.
/// `metadata` stands beside them as `__metadata__`.
void save_safetensors(const nn::StateDict& tensors, const std::string& path, const std::vector<std::pair<std::string, std::string>>& metadata);
void save_safetensors(const nn::StateDict& tensors, const std::string& path);  ///< with {"format": "pt"}

}  // namespace ember
