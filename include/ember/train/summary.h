// What a network is made of: a table of its layers for an input of some shape, and the graph that a loss was computed by.
#pragma once

#include <ember/nn/module.h>

namespace ember::train {

/// One call of a module. Counts and sizes are those of torchinfo 1.8.
struct LayerSummary {
  std::string path, type;  ///< "layer1.0.conv1", "Conv2d"
  int depth = 0;           ///< 0 is the model
  bool leaf = true;        ///< has no children
  bool repeated = false;   ///< was called before: its parameters count once
  Shape output;
  int64_t parameters = 0, trainable = 0;  ///< of the module itself and all below
  int64_t mult_adds = 0;                  ///< weights times the positions that use them; 0 for modules with children
};

struct ModelSummary {
  std::vector<LayerSummary> layers;  ///< in the order of the calls, parents first
  int64_t parameters = 0, trainable = 0, mult_adds = 0;
  int64_t input_bytes = 0, parameter_bytes = 0;
  int64_t activation_bytes = 0;  ///< of the outputs of all leaves with parameters, and their gradients
  std::string table() const;     ///< as torchinfo prints it
};

/// Runs the model once in evaluation mode, without gradients, on zeros of this shape (with the batch), in the dtype of its parameters.
/// Modes and running statistics stay as they are. Throws what the model throws.
ModelSummary summary(nn::Module& model, IntArrayRef input_shape);
/// The same for an input of other kinds: words by number, say.
ModelSummary summary(nn::Module& model, const Tensor& input);

/// The tape behind a result in the language of Graphviz (`dot -Tsvg`): operations, with the parameters of the model by name. Must come
/// before backward(), which frees the tape. As torchviz.make_dot.
std::string to_dot(const Tensor& result, const nn::Module* model = nullptr);

}  // namespace ember::train
