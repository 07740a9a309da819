// What the names in a pickle mean: an allow-list of classes and functions. The rest is kept as objects without meaning, which are refused,
// or left out on request.
#include <ember/error.h>

#include <algorithm>

#include "error_format.h"
#include "io/unpickle.h"
#include "io/utf8.h"

namespace ember::io {
namespace {

enum class Meaning : std::uint8_t {
  Foreign,
  OrderedDict,
  Dict,
  DefaultDict,
  List,
  Bytes,
  Encode,
  Text,
  Path,
  First,
  Size,
  Tensor,
  TypedTensor,
  Parameter,
  FromType,
  Numpy,
  Attributes,
  Type
};

struct Known {
  std::string_view name;  // module and name as GLOBAL writes them, each on its line
  Meaning meaning;
};
constexpr Known kKnown[] = {
    {"collections\nOrderedDict", Meaning::OrderedDict},
    {"collections\nCounter", Meaning::Dict},
    {"collections\ndefaultdict", Meaning::DefaultDict},
    {"collections\ndeque", Meaning::List},
    {"builtins\ndict", Meaning::Dict},
    {"builtins\nlist", Meaning::List},
    {"builtins\nset", Meaning::List},
    {"builtins\nfrozenset", Meaning::List},
    {"builtins\nbytes", Meaning::Bytes},
    {"builtins\nbytearray", Meaning::Bytes},
    {"builtins\nint", Meaning::Type},
    {"builtins\nfloat", Meaning::Type},
    {"builtins\nbool", Meaning::Type},
    {"builtins\nstr", Meaning::Type},
    {"builtins\ntuple", Meaning::Type},
    {"_codecs\nencode", Meaning::Encode},
    {"argparse\nNamespace", Meaning::Attributes},
    {"types\nSimpleNamespace", Meaning::Attributes},
    {"pathlib\nPosixPath", Meaning::Path},
    {"pathlib\nPurePosixPath", Meaning::Path},
    {"pathlib._local\nPosixPath", Meaning::Path},
    {"torch\nSize", Meaning::Size},
    {"torch\ndevice", Meaning::Text},
    {"torch.torch_version\nTorchVersion", Meaning::Text},
    {"torch.storage\nUntypedStorage", Meaning::Type},
    {"torch\nTensor", Meaning::Type},
    {"torch.nn.parameter\nParameter", Meaning::Type},
    {"torch.nn.parameter\nBuffer", Meaning::Type},
    {"torch._utils\n_rebuild_tensor", Meaning::Tensor},
    {"torch._utils\n_rebuild_tensor_v2", Meaning::Tensor},
    {"torch._utils\n_rebuild_tensor_v3", Meaning::TypedTensor},
    {"torch._utils\n_rebuild_parameter", Meaning::Parameter},
    {"torch._utils\n_rebuild_parameter_with_state", Meaning::Parameter},
    {"torch._tensor\n_rebuild_from_type_v2", Meaning::FromType},
    {"torch.jit._pickle\nbuild_intlist", Meaning::First},
    {"torch.jit._pickle\nbuild_doublelist", Meaning::First},
    {"torch.jit._pickle\nbuild_boollist", Meaning::First},
    {"torch.jit._pickle\nbuild_tensorlist", Meaning::First},
    {"torch.jit._pickle\nrestore_type_tag", Meaning::First},
    {"numpy\ndtype", Meaning::Numpy},
    {"numpy\nndarray", Meaning::Type},
    {"numpy._core.multiarray\nscalar", Meaning::Numpy},
    {"numpy._core.multiarray\n_reconstruct", Meaning::Numpy},
    {"numpy._core.numeric\n_frombuffer", Meaning::Numpy},
};

/// As newer versions write it: modules were renamed.
std::string modern(std::string_view name) {
  for (const auto& [old, now] : {std::pair<std::string_view, std::string_view>{"__builtin__\n", "builtins\n"}, {"numpy.core.", "numpy._core."}})
    if (name.starts_with(old)) return std::string(now) + std::string(name.substr(old.size()));
  return std::string(name);
}

Meaning meaning_of(std::string_view name) {
  if (name.starts_with("torch\n") && (type_by_torch_storage(name.substr(6)) || type_by_name(name.substr(6)))) return Meaning::Type;
  const std::string wanted = modern(name);
  for (const Known& k : kKnown)
    if (k.name == wanted) return k.meaning;
  return Meaning::Foreign;
}

const Object* find(const Object& dict, std::string_view key) {
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
    if (dict.items[i]->kind == Object::String && dict.items[i]->text == key) return dict.items[i + 1];
  return nullptr;
}

}  // namespace

bool is_sequence(const Object& o) { return o.kind == Object::List || o.kind == Object::Tuple; }
bool is_dict(const Object& o) { return o.kind == Object::Dict || o.kind == Object::OrderedDict; }
bool is_torchscript(std::string_view name) { return name.starts_with("__torch__"); }
bool is_module(const Object& o) {
  return o.kind == Object::Instance && o.attributes && is_dict(*o.attributes) && find(*o.attributes, "_parameters") &&
         find(*o.attributes, "_modules");
}

std::string dotted(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '\n', '.');
  return text;
}

void Unpickler::refuse_foreign() const {
  if (foreign_.empty()) return;
  for (const Object& o : objects_)
    if (is_module(o))
      fail<RuntimeError>(
          "{}: refused: it names {}: a whole module was saved, whose class is Python code. Save model.state_dict() instead; "
          "load(path, {{.skip_unreadable = true}}) reads the parameters and buffers of this one",
          source_.path(), dotted(o.text));
  fail<RuntimeError>(
      "{}: refused: the pickle names {}, which is no tensor and no container that Ember knows; load(path, {{.skip_unreadable = true}}) reads the "
      "rest",
      source_.path(), dotted(foreign_));
}

void Unpickler::global(std::string_view name) {
  if (foreign_.empty() && meaning_of(name) == Meaning::Foreign && !is_torchscript(name)) foreign_ = name;
  push(make_text(Object::Global, name));
}

/// A short call may name a long sequence again and again: copies are paid for.
void Unpickler::copy(const Object* from, Object* to) {
  source_.spend(int64_t(from->items.size()) * kPlaceBytes);
  to->items.insert(to->items.end(), from->items.begin(), from->items.end());
}

/// With what it was made of: an old .pt holds the numbers of tensors in there, too.
Object* Unpickler::instance(std::string_view name, const Object* arguments) {
  Object* o = make_text(Object::Instance, name);
  copy(arguments, o);
  return o;
}

/// dict(pairs), dict(other), list(items): empty without arguments.
Object* Unpickler::container(Object::Kind kind, const std::vector<Object*>& a) {
  Object* made = make(kind);
  if (a.empty()) return made;
  if (kind == Object::List) {
    if (!is_sequence(*a[0])) broken("a list of something that is none");
    copy(a[0], made);
  } else if (is_dict(*a[0])) {
    copy(a[0], made);
  } else if (is_sequence(*a[0])) {
    for (const Object* pair : a[0]->items) {
      if (!is_sequence(*pair) || pair->items.size() != 2) broken("a dictionary of something that is no pair");
      copy(pair, made);
    }
  }
  return made;
}

/// (storage, offset, sizes, strides, requires_grad, hooks[, dtype when `typed`])
Object* Unpickler::rebuild_tensor(const std::vector<Object*>& a, bool typed) {
  if (a.size() < 4 || a[0]->kind != Object::Storage || a[1]->kind != Object::Int || !is_sequence(*a[2]) || !is_sequence(*a[3]))
    broken("a tensor with wrong arguments");
  Object* t = make(Object::Tensor);
  t->items = {a[0], a[2], a[3]};
  if (typed) {
    if (a.size() < 7 || a[6]->kind != Object::Global) broken("a tensor without a dtype");
    t->items.push_back(a[6]);
  }
  t->integer = a[1]->integer;
  t->requires_grad = a.size() > 4 && a[4]->kind == Object::Bool && a[4]->integer;
  return t;
}

/// (tensor, requires_grad, hooks[, state])
Object* Unpickler::rebuild_parameter(const std::vector<Object*>& a) {
  if (a.empty() || a[0]->kind != Object::Tensor) broken("a parameter without a tensor");
  Object* p = make(Object::Tensor);
  p->items = a[0]->items;
  p->integer = a[0]->integer;
  p->requires_grad = a.size() > 1 && a[1]->kind == Object::Bool && a[1]->integer;
  return p;
}

/// encode(text, "latin1"): how protocol 2 writes bytes.
Object* Unpickler::encoded(const std::vector<Object*>& a) {
  if (a.empty() || a[0]->kind != Object::String) broken("an argument that is no string");
  const std::string_view text = a[0]->text;
  if (a.size() < 2 || (a[1]->text != "latin1" && a[1]->text != "latin-1")) return make_text(Object::Bytes, text);
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0xc4) broken("a character that is no byte");
    bytes += c < 0x80 ? char(c) : char((c & 3) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
  }
  return make_text(Object::Bytes, keep(std::move(bytes)));
}

Object* Unpickler::path(const std::vector<Object*>& parts) {
  std::string joined;
  for (const Object* part : parts) {
    if (part->kind != Object::String) broken("a path of something that is no text");
    if (!joined.empty() && joined.back() != '/') joined += '/';
    joined += part->text;
  }
  return make_text(Object::String, keep(std::move(joined)));
}

/// dtype(code, align, copy), scalar(dtype, bytes), _reconstruct(class, sizes, code) with a state to come, _frombuffer(bytes, dtype, sizes, order).
Object* Unpickler::numpy_call(std::string_view name, const std::vector<Object*>& a) {
  if (name == "numpy\ndtype") {
    if (a.empty() || a[0]->kind != Object::String) broken("a dtype without a code");
    Object* type = make_text(Object::NumpyType, a[0]->text);
    type->integer = '<';
    return type;
  }
  if (name.ends_with("\nscalar")) {
    if (a.size() < 2 || a[0]->kind != Object::NumpyType) broken("a NumPy scalar with wrong arguments");
    if (a[1]->kind != Object::Bytes) return make_text(Object::Instance, "numpy\nobject_");
    Object* scalar = make(Object::NumpyScalar);
    scalar->items = {a[0], a[1]};
    return scalar;
  }
  Object* array = make(Object::NumpyArray);
  if (name.ends_with("\n_frombuffer")) {
    if (a.size() < 4 || a[0]->kind != Object::Bytes || a[1]->kind != Object::NumpyType || !is_sequence(*a[2]))
      broken("a NumPy array with wrong arguments");
    array->items = {a[1], a[2], a[0]};
    array->integer = a[3]->text == "F";
  }
  return array;
}

void Unpickler::build_numpy(Object& target, const Object& state) {
  if (state.kind != Object::Tuple) broken("a state that does not fit NumPy");
  const std::vector<Object*>& s = state.items;
  if (target.kind == Object::NumpyType) {  // (version, byte order, ...)
    if (s.size() < 2 || s[1]->kind != Object::String || s[1]->text.size() != 1) broken("a state that does not fit a dtype");
    target.integer = s[1]->text[0];
  } else {  // (version, sizes, dtype, in Fortran's order, bytes)
    if (s.size() < 5 || !is_sequence(*s[1]) || s[2]->kind != Object::NumpyType) broken("a state that does not fit a NumPy array");
    target.items = {s[2], s[1], s[4]};
    target.integer = s[3]->kind == Object::Bool && s[3]->integer;
  }
}

Object* Unpickler::call(std::string_view name, const Object& arguments) {
  if (arguments.kind != Object::Tuple) broken("a call without arguments");
  const std::vector<Object*>& a = arguments.items;
  switch (meaning_of(name)) {
    case Meaning::OrderedDict: return container(Object::OrderedDict, a);
    case Meaning::Dict: return container(Object::Dict, a);
    case Meaning::DefaultDict: return container(Object::Dict, {});
    case Meaning::List: return container(Object::List, a);
    case Meaning::Bytes:
      if (a.empty()) return make_text(Object::Bytes, "");
      if (a[0]->kind == Object::Bytes) return a[0];
      return encoded(a);
    case Meaning::Encode: return encoded(a);
    case Meaning::Text:
      if (a.empty() || a[0]->kind != Object::String) broken("an argument that is no string");
      return make_text(Object::String, a[0]->text);
    case Meaning::Path: return path(a);
    case Meaning::First:
      if (a.empty()) broken("a call without arguments");
      return a[0];
    case Meaning::Size: {
      if (a.size() != 1 || !is_sequence(*a[0])) broken("a Size of something that is no tuple");
      Object* size = make(Object::Tuple);
      copy(a[0], size);
      return size;
    }
    case Meaning::Tensor: return rebuild_tensor(a, false);
    case Meaning::TypedTensor: return rebuild_tensor(a, true);
    case Meaning::Parameter: return rebuild_parameter(a);
    case Meaning::FromType:  // (function, class, its arguments, state)
      if (a.size() < 3 || a[0]->kind != Object::Global || meaning_of(a[0]->text) == Meaning::FromType) broken("a tensor with wrong arguments");
      return call(a[0]->text, *a[2]);
    case Meaning::Numpy: return numpy_call(name, a);
    case Meaning::Attributes:
    case Meaning::Foreign: return instance(name, &arguments);
    case Meaning::Type: break;
  }
  fail<RuntimeError>("{}: refused: the pickle calls {}", source_.path(), dotted(name));
}

void Unpickler::reduce() {
  Object *arguments = pop(), *function = pop();
  if (function->kind == Object::Instance) return push(instance(function->text, arguments));  // what something foreign makes is foreign
  if (function->kind != Object::Global) broken("a call of something that is no known function");
  push(call(function->text, *arguments));
}

/// Python writes objects of classes that have no way of their own like this; tensors and containers have one.
void Unpickler::new_object(Object* arguments) {
  Object* type = pop();
  if (type->kind == Object::Instance) return push(instance(type->text, arguments));
  if (type->kind != Object::Global || arguments->kind != Object::Tuple) broken("an object of something that is no class");
  const Meaning meaning = meaning_of(type->text);
  if (meaning == Meaning::Text || meaning == Meaning::Path) return push(call(type->text, *arguments));
  check<RuntimeError>(meaning == Meaning::Attributes || meaning == Meaning::Foreign, "{}: refused: the pickle makes an object of {}", source_.path(),
                      dotted(type->text));
  push(instance(type->text, arguments));
}

void Unpickler::build() {
  Object *state = pop(), *target = stack_.empty() ? nullptr : stack_.back();
  if (!target) broken("attributes for nothing");
  if (target->kind == Object::NumpyType || target->kind == Object::NumpyArray) return build_numpy(*target, *state);
  if (target->kind != Object::Instance && (target->kind != Object::OrderedDict || !is_dict(*state)))
    broken("attributes for something that is no OrderedDict");
  target->attributes = state;
}

}  // namespace ember::io
