// ember export: a network of ember::models, with the weights of a checkpoint, as an ONNX file.
#include <ember/ember.h>
#include <ember/models.h>
#include <fmt/format.h>

#ifdef EMBER_ONNX
#include <ember/onnx.h>
#endif

#include <filesystem>

#include "commands.h"
#include "tensors.h"

using namespace ember;

#ifdef EMBER_ONNX

namespace {

/// The outputs of the last layer: the classes that the weights were trained for.
std::int64_t classes_of(const nn::StateDict& weights) {
  std::int64_t classes = 0;
  for (const auto& [name, value] : weights)
    if (value.dim() == 2) classes = value.size(0);
  return classes;
}

}  // namespace

int export_model(const std::string& name, const std::string& checkpoint, const std::string& out, const ExportFlags& flags) {
  manual_seed(0);
  nn::StateDict weights;
  const bool has_weights = checkpoint != "-";
  if (has_weights) {
    std::string where;
    const Value file = load(checkpoint);
    const Value* const found = weights_of(file, where);
    if (!found) throw ValueError("there are no weights in " + checkpoint);
    weights = found->to_state_dict();
  }
  const models::AnyModel model = models::create(name, flags.classes ? flags.classes : classes_of(weights));
  if (has_weights) model->load_state_dict(weights);
  Shape sizes = models::image_shape(name);
  if (!flags.image.empty()) sizes = Shape(flags.image.data(), flags.image.data() + flags.image.size());
  sizes.insert(0, 1);
  export_onnx(*model, zeros(sizes), out);
  fmt::print("{}: {}{}, input (batch, {}), {:.1f} MB\n", printable(out), name, has_weights ? "" : " with random weights",
             fmt::join(sizes.begin() + 1, sizes.end(), ", "), double(std::filesystem::file_size(out)) / 1e6);
  return 0;
}

#else

int export_model(const std::string&, const std::string&, const std::string&, const ExportFlags&) {
  throw RuntimeError("this build has no ONNX: install libonnx-dev, libprotobuf-dev and protobuf-compiler (tools/setup.sh onnx) and build again");
}

#endif
