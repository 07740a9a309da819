// Unpickled objects as values.
#pragma once

#include <functional>

#include "io/unpickle.h"

namespace ember::io {

/// The element type of a storage object, or of the dtype beside an untyped one. Throws naming what is unknown.
const ElementType& element_type(const Source& source, const Object& storage, const Object* dtype);

/// `storage` gives the elements behind a storage object. A list that holds itself, one that is shared so often that it would fill the
/// memory, and a tensor that reaches beyond its storage are refused.
Value to_value(const Source& source, const Object& object, const std::function<Tensor(const Object& storage, const ElementType& type)>& storage);

}  // namespace ember::io
