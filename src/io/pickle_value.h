// Unpickled objects as values.
#pragma once

#include <functional>

#include "io/unpickle.h"

namespace ember::io {

/// The element type of a storage object, or of the dtype beside an untyped one. Throws naming what is unknown.
const ElementType& element_type(const Source& source, const Object& storage, const Object* dtype);

/// Gives the elements behind a storage object.
using ReadStorage = std::function<Tensor(const Object& storage, const ElementType& type)>;

/// The value of an object of `unpickler`. A list that holds itself, one that is shared so often that it would fill the memory, and a tensor
/// that reaches beyond its storage are refused; what Ember does not know, too, unless the options say that it be left out.
Value to_value(const Source& source, const Unpickler& unpickler, const Object& object, const ReadOptions& options, const ReadStorage& storage);

}  // namespace ember::io
