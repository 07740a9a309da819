#include "io/unpickle.h"

#include <ember/error.h>

#include <bit>
#include <cstring>

#include "error_format.h"

namespace ember::io {
namespace {

// What an object, a place on the stack and a place in a list cost in memory, with the slack of growing vectors.
constexpr int64_t kObjectBytes = sizeof(Object) + 8, kPlaceBytes = 16;

// Names as GLOBAL writes them: the module and the name, each on its line.
constexpr std::string_view kOrderedDict = "collections\nOrderedDict", kCounter = "collections\nCounter";

bool is_plain_container(std::string_view name) {
  return name == kOrderedDict || name == kCounter || name == "builtins\ndict" || name == "__builtin__\ndict";
}

bool is_known(std::string_view name) {
  for (std::string_view known : {"torch._utils\n_rebuild_tensor_v2", "torch._utils\n_rebuild_tensor_v3", "torch._utils\n_rebuild_tensor",
                                 "torch._utils\n_rebuild_parameter", "torch.storage\nUntypedStorage", "torch\nSize", "torch\ndevice", "_codecs\nencode"})
    if (name == known) return true;
  return is_plain_container(name) || (name.starts_with("torch\n") && (type_by_torch_storage(name.substr(6)) || type_by_name(name.substr(6))));
}

std::string dotted(std::string_view name) {
  std::string text(name);
  for (char& c : text)
    if (c == '\n') c = '.';
  return text;
}

bool is_sequence(const Object* o) { return o->kind == Object::List || o->kind == Object::Tuple; }
bool is_dict(const Object* o) { return o->kind == Object::Dict || o->kind == Object::OrderedDict; }

}  // namespace

void Unpickler::broken(const char* what) const { fail<RuntimeError>("{}: broken pickle at byte {}: {}", source_.path(), at_, what); }

std::string_view Unpickler::take(std::uint64_t bytes) {
  if (bytes > pickle_.size() - at_) {
    needs_more_ = true;
    broken("it ends too early");
  }
  const std::string_view part = pickle_.substr(at_, std::size_t(bytes));
  at_ += std::size_t(bytes);
  return part;
}

std::uint64_t Unpickler::number(int bytes) {
  const std::string_view raw = take(std::uint64_t(bytes));
  std::uint64_t v = 0;
  for (int i = bytes; i-- > 0;) v = v << 8 | static_cast<unsigned char>(raw[std::size_t(i)]);
  return v;
}

std::string_view Unpickler::line() {
  const std::size_t end = pickle_.find('\n', at_);
  if (end == std::string_view::npos) {
    needs_more_ = true;
    broken("a line without an end");
  }
  const std::string_view text = pickle_.substr(at_, end - at_);
  at_ = end + 1;
  return text;
}

Object* Unpickler::make(Object::Kind kind) {
  source_.spend(kObjectBytes);
  objects_.emplace_back().kind = kind;
  return &objects_.back();
}

void Unpickler::push(Object* object) {
  source_.spend(kPlaceBytes);
  stack_.push_back(object);
}

Object* Unpickler::pop() {
  if (stack_.empty() || stack_.back()->kind == Object::Mark) broken("an operation finds nothing to work on");
  Object* top = stack_.back();
  stack_.pop_back();
  return top;
}

std::vector<Object*> Unpickler::pop_to_mark() {
  std::size_t from = stack_.size();
  while (from > 0 && stack_[from - 1]->kind != Object::Mark) --from;
  if (from == 0) broken("an operation finds no mark");
  std::vector<Object*> values(stack_.begin() + std::ptrdiff_t(from), stack_.end());
  stack_.resize(from - 1);
  return values;
}

void Unpickler::remember(std::uint64_t index) {
  if (stack_.empty() || stack_.back()->kind == Object::Mark) broken("nothing to remember");
  if (index >= memo_.size()) {
    source_.spend(int64_t(index + 1 - memo_.size()) * kPlaceBytes);
    memo_.resize(std::size_t(index) + 1);
  }
  memo_[std::size_t(index)] = stack_.back();
}
Object* Unpickler::recall(std::uint64_t index) {
  if (index >= memo_.size() || !memo_[std::size_t(index)]) broken("a memo index that was never written");
  return memo_[std::size_t(index)];
}

void Unpickler::global(std::string_view name) {
  const bool whole_module = name.starts_with("torch.nn.") || name.starts_with("__main__\n") || name.starts_with("torchvision.");
  check<RuntimeError>(is_known(name) || !whole_module, "{}: refused: it names {}: a whole module was saved. Save model.state_dict() instead", source_.path(),
                      dotted(name));
  check<RuntimeError>(is_known(name), "{}: refused: the pickle names {}, which is no tensor and no container that Ember knows", source_.path(), dotted(name));
  Object* o = make(Object::Global);
  o->text = name;
  push(o);
}

/// A short call may name a long sequence again and again: copies are paid for.
void Unpickler::copy(const Object* from, Object* to) {
  source_.spend(int64_t(from->items.size()) * kPlaceBytes);
  to->items.insert(to->items.end(), from->items.begin(), from->items.end());
}

/// (storage, offset, sizes, strides, requires_grad, hooks[, dtype when `typed`])
Object* Unpickler::rebuild_tensor(const std::vector<Object*>& a, bool typed) {
  if (a.size() < 4 || a[0]->kind != Object::Storage || a[1]->kind != Object::Int || !is_sequence(a[2]) || !is_sequence(a[3])) broken("a tensor with wrong arguments");
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

/// (tensor, requires_grad, hooks)
Object* Unpickler::rebuild_parameter(const std::vector<Object*>& a) {
  if (a.empty() || a[0]->kind != Object::Tensor) broken("a parameter without a tensor");
  Object* p = make(Object::Tensor);
  p->items = a[0]->items;
  p->integer = a[0]->integer;
  p->requires_grad = a.size() > 1 && a[1]->kind == Object::Bool && a[1]->integer;
  return p;
}

void Unpickler::reduce() {
  Object *arguments = pop(), *function = pop();
  if (function->kind != Object::Global || arguments->kind != Object::Tuple) broken("a call of something that is no known function");
  const std::string_view name = function->text;
  const std::vector<Object*>& a = arguments->items;
  if (is_plain_container(name)) {
    Object* dict = make(name == kOrderedDict ? Object::OrderedDict : Object::Dict);
    if (a.size() == 1 && is_sequence(a[0]))
      for (const Object* pair : a[0]->items) {
        if (!is_sequence(pair) || pair->items.size() != 2) broken("a dictionary of something that is no pair");
        copy(pair, dict);
      }
    if (a.size() == 1 && is_dict(a[0])) copy(a[0], dict);
    return push(dict);
  }
  if (name == "torch._utils\n_rebuild_tensor_v2" || name == "torch._utils\n_rebuild_tensor") return push(rebuild_tensor(a, false));
  if (name == "torch._utils\n_rebuild_tensor_v3") return push(rebuild_tensor(a, true));
  if (name == "torch._utils\n_rebuild_parameter") return push(rebuild_parameter(a));
  if (name == "torch\nSize") {
    if (a.size() != 1 || !is_sequence(a[0])) broken("a Size of something that is no tuple");
    Object* size = make(Object::Tuple);
    copy(a[0], size);
    return push(size);
  }
  if (name == "_codecs\nencode" || name == "torch\ndevice") {
    if (a.empty() || a[0]->kind != Object::String) broken("an argument that is no string");
    Object* text = make(Object::String);
    text->text = a[0]->text;
    return push(text);
  }
  fail<RuntimeError>("{}: refused: the pickle calls {}", source_.path(), dotted(name));
}

void Unpickler::build() {
  Object *state = pop(), *target = stack_.empty() ? nullptr : stack_.back();
  if (!target || target->kind != Object::OrderedDict || !is_dict(state)) broken("attributes for something that is no OrderedDict");
  target->attributes = state;
}

void Unpickler::append(const std::vector<Object*>& values) {
  if (stack_.empty() || stack_.back()->kind != Object::List) broken("an append to something that is no list");
  std::vector<Object*>& items = stack_.back()->items;
  items.insert(items.end(), values.begin(), values.end());
}

void Unpickler::set_items(const std::vector<Object*>& values) {
  if (stack_.empty() || !is_dict(stack_.back()) || values.size() % 2) broken("entries for something that is no dict");
  std::vector<Object*>& items = stack_.back()->items;
  items.insert(items.end(), values.begin(), values.end());
}

bool Unpickler::step(unsigned char op) {
  const auto text = [&](Object::Kind kind, std::uint64_t bytes) {
    const std::string_view part = take(bytes);
    Object* o = make(kind);
    o->text = part;
    push(o);
  };
  const auto integer = [&](Object::Kind kind, int64_t v) {
    Object* o = make(kind);
    o->integer = v;
    push(o);
  };
  const auto tuple = [&](int count) {
    std::vector<Object*> items(static_cast<std::size_t>(count));
    for (int i = count; i-- > 0;) items[std::size_t(i)] = pop();
    Object* o = make(Object::Tuple);
    o->items = std::move(items);
    push(o);
  };
  switch (op) {
    case 0x80: number(1); break;                                      // PROTO
    case 0x95: number(8); break;                                      // FRAME
    case '.': return false;                                           // STOP
    case '(': push(make(Object::Mark)); break;                        // MARK
    case '0': if (stack_.empty()) broken("nothing to drop"); stack_.pop_back(); break;  // POP
    case '1': pop_to_mark(); break;                                   // POP_MARK
    case '2': if (stack_.empty()) broken("nothing to repeat"); push(stack_.back()); break;  // DUP
    case 'N': push(make(Object::None)); break;
    case 0x88: integer(Object::Bool, 1); break;
    case 0x89: integer(Object::Bool, 0); break;
    case 'K': integer(Object::Int, int64_t(number(1))); break;        // BININT1
    case 'M': integer(Object::Int, int64_t(number(2))); break;        // BININT2
    case 'J': integer(Object::Int, std::int32_t(number(4))); break;   // BININT
    case 0x8a:                                                        // LONG1
    case 0x8b: {                                                      // LONG4
      const std::uint64_t n = number(op == 0x8a ? 1 : 4);
      const std::string_view raw = take(n);
      if (n > 8) {
        Object* o = make(Object::BigInt);
        o->text = raw;
        push(o);
        break;
      }
      std::uint64_t v = n && (static_cast<unsigned char>(raw.back()) & 0x80) ? ~std::uint64_t(0) : 0;
      for (std::size_t i = std::size_t(n); i-- > 0;) v = v << 8 | static_cast<unsigned char>(raw[i]);
      integer(Object::Int, int64_t(v));
      break;
    }
    case 'G': {                                                       // BINFLOAT, big endian
      const std::string_view raw = take(8);
      std::uint64_t v = 0;
      for (char c : raw) v = v << 8 | static_cast<unsigned char>(c);
      Object* o = make(Object::Float);
      o->real = std::bit_cast<double>(v);
      push(o);
      break;
    }
    case 'X': text(Object::String, number(4)); break;                 // BINUNICODE
    case 0x8c: text(Object::String, number(1)); break;                // SHORT_BINUNICODE
    case 0x8d: text(Object::String, number(8)); break;                // BINUNICODE8
    case 'U': text(Object::String, number(1)); break;                 // SHORT_BINSTRING
    case 'T': text(Object::String, number(4)); break;                 // BINSTRING
    case 'C': text(Object::Bytes, number(1)); break;                  // SHORT_BINBYTES
    case 'B': text(Object::Bytes, number(4)); break;                  // BINBYTES
    case 0x8e: text(Object::Bytes, number(8)); break;                 // BINBYTES8
    case ')': push(make(Object::Tuple)); break;
    case ']': push(make(Object::List)); break;
    case '}': push(make(Object::Dict)); break;
    case 't': {                                                       // TUPLE
      std::vector<Object*> items = pop_to_mark();
      Object* o = make(Object::Tuple);
      o->items = std::move(items);
      push(o);
      break;
    }
    case 0x85: tuple(1); break;
    case 0x86: tuple(2); break;
    case 0x87: tuple(3); break;
    case 'a': { Object* v = pop(); append({v}); break; }              // APPEND
    case 'e': append(pop_to_mark()); break;                           // APPENDS
    case 's': { Object *v = pop(), *k = pop(); set_items({k, v}); break; }  // SETITEM
    case 'u': set_items(pop_to_mark()); break;                        // SETITEMS
    case 'q': remember(number(1)); break;                             // BINPUT
    case 'r': remember(number(4)); break;                             // LONG_BINPUT
    case 0x94: remember(memo_.size()); break;                         // MEMOIZE
    case 'h': push(recall(number(1))); break;                         // BINGET
    case 'j': push(recall(number(4))); break;                         // LONG_BINGET
    case 'c': {                                                       // GLOBAL
      const std::size_t from = at_;
      line(), line();
      global(pickle_.substr(from, at_ - from - 1));
      break;
    }
    case 0x93: {                                                      // STACK_GLOBAL
      Object *name = pop(), *module = pop();
      if (name->kind != Object::String || module->kind != Object::String) broken("a name that is no string");
      const std::string full = std::string(module->text) + "." + std::string(name->text);
      fail<RuntimeError>("{}: refused: the pickle names {} in a form that torch.save does not write", source_.path(), full);
    }
    case 'Q': {                                                       // BINPERSID
      Object* id = pop();
      if (id->kind != Object::Tuple || id->items.size() < 5 || id->items[0]->kind != Object::String || id->items[0]->text != "storage" ||
          id->items[1]->kind != Object::Global || id->items[2]->kind != Object::String || id->items[4]->kind != Object::Int)
        broken("a storage with wrong arguments");
      if (id->items.size() > 5 && id->items[5]->kind != Object::None) broken("a view of another storage, as PyTorch before 0.4 wrote");
      Object* storage = make(Object::Storage);
      storage->items = id->items;
      push(storage);
      break;
    }
    case 'R': reduce(); break;
    case 'b': build(); break;
    case 0x81: fail<RuntimeError>("{}: refused: the pickle makes an object of a class", source_.path());
    default: broken("an operation that torch.save does not write");
  }
  return true;
}

Object* Unpickler::run() {
  stack_.clear();
  memo_.clear();
  while (step(static_cast<unsigned char>(take(1)[0])))
    ;
  if (stack_.size() != 1 || stack_[0]->kind == Object::Mark) broken("it does not end with one object");
  return stack_[0];
}

}  // namespace ember::io
