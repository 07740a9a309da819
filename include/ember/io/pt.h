// Files of torch.save, read without PyTorch and without running anything, and written so that torch.load(weights_only=True) reads
// them. Also the door to the other formats: load() looks at the content.
//
//   save(model.state_dict(), "model.pt");
//   model.load_state_dict(load("model.pt"));
#pragma once

#include <ember/io/value.h>

namespace ember {

namespace nn {
class Module;
}

struct LoadFileOptions {
  /// float16, bfloat16 and float8 become float32, smaller integers int64, both exactly; otherwise they are refused.
  bool convert = false;
  /// What Ember cannot read (objects of Python classes, strings in a .npz, complex numbers) costs only itself: it is left out with a warning
  /// that names it, in a list it becomes None. Of a whole saved module its parameters and buffers are read. Otherwise such a file is refused.
  bool skip_unreadable = false;
  /// Tensors lie in the file itself, as with PyTorch's mmap=True: it is read where they are touched, and writes to them stay in
  /// memory. Nothing may change the file in place while they live (save() never does: it replaces). CRCs are not checked.
  bool mmap = false;
};

/// What a file holds: .pt and .pth (zip, and the format of before PyTorch 1.6), safetensors, .npy, .npz; told apart by content.
/// Tensors that shared a storage share it again. A pickle that names anything but tensors and plain containers is refused.
/// Throws RuntimeError naming the file and what is wrong with it.
Value load(const std::string& path, LoadFileOptions options = {});

/// Writes a .pt file, replacing an old one only when all of the new is on disk. Equal values give equal bytes.
void save(const Value& value, const std::string& path);

/// save(net.state_dict(), path), and back.
void save(const nn::Module& module, const std::string& path);
void load(nn::Module& module, const std::string& path, LoadFileOptions options = {});

}  // namespace ember
