// The readers of each format, behind load().
#pragma once

#include <ember/io/pt.h>

#include "io/element_type.h"
#include "io/zip.h"

namespace ember::io {

enum class FileKind { Zip, LegacyPt, Safetensors, Npy };
/// Throws with what else the file is, and what to do with such.
FileKind kind_of(const Source& file);
/// Throws when a ZIP archive is of a kind that has other files than .pt and .npz, or empty.
void check_zip(const Source& file, const std::vector<ZipEntry>& entries);
/// An archive of torch.jit.save, or of libtorch's torch::save.
bool is_torchscript(const std::vector<ZipEntry>& entries);

Value read_any(const Source& file, const ReadOptions& options);
nn::StateDict read_safetensors(const Source& file, const ReadOptions& options);
Tensor read_npy(const Source& file, const ReadOptions& options);
nn::StateDict read_npz(const Source& file, const std::vector<ZipEntry>& entries, const ReadOptions& options);

/// A member that Ember cannot read: with skip_unreadable a warning that names it, else an error.
void unreadable(const Source& file, const ReadOptions& options, std::string_view member, const std::string& why);

}  // namespace ember::io
