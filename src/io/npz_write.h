// Arrays of a .npz, one after the other.
#pragma once

#include <ember/tensor.h>

#include "io/zip.h"

namespace ember::io {

/// Writes name.npy.
void add_npy(ZipWriter& zip, const std::string& name, const Tensor& tensor);

}  // namespace ember::io
