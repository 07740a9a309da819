// The readers of each format, behind load().
#pragma once

#include <ember/io/pt.h>

#include "io/file.h"
#include "io/zip.h"

namespace ember::io {

enum class FileKind { Zip, LegacyPt, Safetensors, Npy };
FileKind kind_of(const Source& file);

Value read_any(const Source& file, LoadFileOptions options);
nn::StateDict read_safetensors(const Source& file, LoadFileOptions options);
Tensor read_npy(const Source& file, LoadFileOptions options);
nn::StateDict read_npz(const Source& file, const std::vector<ZipEntry>& entries, LoadFileOptions options);

}  // namespace ember::io
