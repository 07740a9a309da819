// The layers of the library by their types.
#pragma once

#include <ember/nn/module.h>

namespace ember::nn {

/// How a layer of the library is copied; null for other types. Null itself until detail::know_layers.
extern const detail::Copier* (*copier_of_layer)(const std::type_info& type);

}  // namespace ember::nn
