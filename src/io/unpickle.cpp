#include "io/unpickle.h"

#include <ember/error.h>

#include <bit>
#include <cstring>

#include "error_format.h"

namespace ember::io {
namespace {

constexpr std::size_t kMostObjects = 200000;
constexpr std::size_t kMostCopies = 400000;

bool is_plain_container(std::string_view name) { return name == "collections OrderedDict" || name == "builtins dict" || name == "__builtin__ dict"; }

bool is_known(std::string_view name) {
  for (std::string_view known : {"torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor", "torch._utils _rebuild_parameter",
                                 "torch.nn.parameter Parameter", "torch Size", "torch._tensor _rebuild_from_type_v2", "_codecs encode",
                                 "torch Tensor", "torch device"})
    if (name == known) return true;
  if (is_plain_container(name)) return true;
  const bool torch = name.substr(0, 6) == "torch ";
  return torch && (type_by_torch_storage(name.substr(6)) || type_by_name(name.substr(6)));
}

bool is_sequence(const Object* o) { return o->kind == Object::List || o->kind == Object::Tuple; }
bool is_dict(const Object* o) { return o->kind == Object::Dict || o->kind == Object::OrderedDict; }

}  // namespace

void Unpickler::broken(const char* what) const { fail<RuntimeError>("{}: broken pickle at byte {}: {}", source_.path(), at_, what); }

std::string_view Unpickler::take(std::uint64_t bytes) {
  if (bytes > pickle_.size() - at_) broken("it ends too early");
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
  if (end == std::string_view::npos) broken("a line without an end");
  const std::string_view text = pickle_.substr(at_, end - at_);
  at_ = end + 1;
  return text;
}

Object* Unpickler::make(Object::Kind kind) {
  check<RuntimeError>(objects_.size() < kMostObjects, "{}: more than {} objects in a pickle", source_.path(), kMostObjects);
  objects_.push_back(std::make_unique<Object>());
  objects_.back()->kind = kind;
  return objects_.back().get();
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
  if (index >= memo_.size() + 100000 || index > 4 * kMostObjects) broken("a memo index out of all proportion");
  if (index >= memo_.size()) memo_.resize(std::size_t(index) + 1);
  memo_[std::size_t(index)] = stack_.back();
}
Object* Unpickler::recall(std::uint64_t index) {
  if (index >= memo_.size() || !memo_[std::size_t(index)]) broken("a memo index that was never written");
  return memo_[std::size_t(index)];
}

void Unpickler::global(std::string_view module, std::string_view name) {
  const std::string full = std::string(module) + " " + std::string(name);
  if (!is_known(full)) {
    const bool whole_module = module.substr(0, 9) == "torch.nn." || module == "__main__";
    if (whole_module)
      fail<RuntimeError>("{}: refused: it names {}.{}: a whole module was saved. Save model.state_dict() instead", source_.path(), module, name);
    fail<RuntimeError>("{}: refused: the pickle names {}.{}, which is no tensor and no plain container", source_.path(), module, name);
  }
  // The joined name must outlive us: its two parts lie in the pickle, separated by one byte only in GLOBAL's form.
  Object* o = make(Object::Global);
  o->items.clear();
  if (name.data() == module.data() + module.size() + 1) {
    o->text = std::string_view(module.data(), module.size() + 1 + name.size());
  } else {
    o->text = name;
  }
  push(o);
}

namespace {

/// "torch FloatStorage" whatever byte stands between.
std::string normal(std::string_view text) {
  std::string name(text);
  for (char& c : name)
    if (c == '\n') c = ' ';
  return name;
}

}  // namespace

/// A short call may name a long sequence again and again: what calls copy is limited in all.
void Unpickler::count_copies(std::size_t count) {
  check<RuntimeError>(count <= kMostCopies - copies_, "{}: containers copied from others with more than {} items", source_.path(), kMostCopies);
  copies_ += count;
}

Object* Unpickler::rebuild_tensor(const std::vector<Object*>& a) {
  if (a.size() < 4 || a[0]->kind != Object::Storage || a[1]->kind != Object::Int || !is_sequence(a[2]) || !is_sequence(a[3])) broken("a tensor with wrong arguments");
  Object* t = make(Object::Tensor);
  t->items = {a[0], a[2], a[3]};
  t->integer = a[1]->integer;
  t->requires_grad = a.size() > 4 && a[4]->kind == Object::Bool && a[4]->integer;
  return t;
}

void Unpickler::reduce() {
  Object *arguments = pop(), *function = pop();
  if (function->kind != Object::Global || arguments->kind != Object::Tuple) broken("a call of something that is no known function");
  const std::string name = normal(function->text);
  const std::vector<Object*>& a = arguments->items;
  if (is_plain_container(name)) {
    Object* dict = make(Object::OrderedDict);
    if (a.size() == 1 && is_sequence(a[0])) {
      count_copies(2 * a[0]->items.size());
      for (Object* pair : a[0]->items) {
        if (!is_sequence(pair) || pair->items.size() != 2) broken("an OrderedDict of something that is no pair");
        dict->items.insert(dict->items.end(), pair->items.begin(), pair->items.end());
      }
    }
    return push(dict);
  }
  if (name == "torch._utils _rebuild_tensor_v2" || name == "torch._utils _rebuild_tensor") return push(rebuild_tensor(a));
  if (name == "torch._utils _rebuild_parameter") {
    if (a.empty() || a[0]->kind != Object::Tensor) broken("a parameter without a tensor");
    Object* p = make(Object::Tensor);
    p->items = a[0]->items;
    p->integer = a[0]->integer;
    p->parameter = true;
    p->requires_grad = a.size() > 1 && a[1]->kind == Object::Bool && a[1]->integer;
    return push(p);
  }
  if (name == "torch Size") {
    if (a.size() != 1 || !is_sequence(a[0])) broken("a Size of something that is no tuple");
    count_copies(a[0]->items.size());
    Object* size = make(Object::Tuple);
    size->items = a[0]->items;
    return push(size);
  }
  if (name == "_codecs encode") {
    if (a.empty() || a[0]->kind != Object::String) broken("encode of something that is no string");
    Object* bytes = make(Object::String);
    bytes->text = a[0]->text;
    return push(bytes);
  }
  if (name == "torch device") {
    Object* device = make(Object::String);
    if (!a.empty() && a[0]->kind == Object::String) device->text = a[0]->text;
    return push(device);
  }
  fail<RuntimeError>("{}: refused: the pickle calls {}", source_.path(), name);
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
    case 0x8a: {                                                      // LONG1
      const std::uint64_t n = number(1);
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
    case 'c': { const std::string_view module = line(), name = line(); global(module, name); break; }
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
  source_.spend(std::int64_t(pickle_.size()) / 4);
  while (true) {
    const unsigned char op = static_cast<unsigned char>(take(1)[0]);
    if (!step(op)) break;
    if (stack_.size() > kMostObjects) broken("a stack out of all proportion");
  }
  if (stack_.size() != 1 || stack_[0]->kind == Object::Mark) broken("it does not end with one object");
  return stack_[0];
}

}  // namespace ember::io
