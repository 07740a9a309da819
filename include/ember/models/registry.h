// The networks by name, for programs that take the name from their user.
#pragma once

#include <ember/nn/module.h>

#include <memory>

namespace ember::models {

/// A network whose class is known only by its name.
using AnyModel = std::unique_ptr<nn::Module>;

/// "lenet", "mobilenet_v2", "resnet18", ...: all that create() knows.
std::vector<std::string> names();
/// The shape of one image that the network is made for: (3, 224, 224) for "resnet18". Throws ValueError for an unknown name.
Shape image_shape(const std::string& name);
/// num_classes = 0: as many as the network has by itself (1000, or 10 for those for small images). Throws ValueError "Unknown model ..."
/// naming those that there are.
AnyModel create(const std::string& name, int64_t num_classes = 0);

}  // namespace ember::models
