// The machine: opcodes of protocols 2 to 5.
#include "io/unpickle.h"

#include <ember/error.h>

#include <bit>

#include "error_format.h"
#include "io/utf8.h"

namespace ember::io {

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

/// A text that stands nowhere in the pickle as it is.
std::string_view Unpickler::keep(std::string text) {
  source_.spend(int64_t(text.size()) + 64);
  return texts_.emplace_back(std::move(text));
}

Object* Unpickler::make(Object::Kind kind) {
  source_.spend(kObjectBytes);
  objects_.emplace_back().kind = kind;
  return &objects_.back();
}
Object* Unpickler::make_text(Object::Kind kind, std::string_view text) {
  if (kind == Object::String && find_broken_utf8(text) != std::string_view::npos) broken("a text that is no UTF-8");
  Object* o = make(kind);
  o->text = text;
  return o;
}
Object* Unpickler::make_integer(Object::Kind kind, int64_t value) {
  Object* o = make(kind);
  o->integer = value;
  return o;
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

// Objects of foreign classes may look like lists or dicts: what they hold is left alone.
void Unpickler::append(const std::vector<Object*>& values) {
  if (stack_.empty() || (stack_.back()->kind != Object::List && stack_.back()->kind != Object::Instance))
    broken("an append to something that is no list");
  if (stack_.back()->kind == Object::Instance) return;
  std::vector<Object*>& items = stack_.back()->items;
  items.insert(items.end(), values.begin(), values.end());
}

void Unpickler::set_items(const std::vector<Object*>& values) {
  if (stack_.empty() || (!is_dict(*stack_.back()) && stack_.back()->kind != Object::Instance) || values.size() % 2)
    broken("entries for something that is no dict");
  if (stack_.back()->kind == Object::Instance) return;
  std::vector<Object*>& items = stack_.back()->items;
  items.insert(items.end(), values.begin(), values.end());
}

void Unpickler::long_integer(std::uint64_t bytes) {
  const std::string_view raw = take(bytes);
  if (bytes > 8) return push(make_text(Object::BigInt, raw));
  std::uint64_t v = bytes && (static_cast<unsigned char>(raw.back()) & 0x80) ? ~std::uint64_t(0) : 0;
  for (std::size_t i = std::size_t(bytes); i-- > 0;) v = v << 8 | static_cast<unsigned char>(raw[i]);
  push(make_integer(Object::Int, int64_t(v)));
}

void Unpickler::tuple(std::vector<Object*> items) {
  Object* o = make(Object::Tuple);
  o->items = std::move(items);
  push(o);
}

/// ("storage", class, key, device, elements[, view]); before 1.6 ("module", class, its file, its text), too.
void Unpickler::persistent(Object* id) {
  if (id->kind == Object::Tuple && id->items.size() > 1 && id->items[0]->kind == Object::String && id->items[0]->text == "module" &&
      id->items[1]->kind == Object::Global)
    return push(id->items[1]);
  if (id->kind != Object::Tuple || id->items.size() < 5 || id->items[0]->kind != Object::String || id->items[0]->text != "storage" ||
      id->items[1]->kind != Object::Global || id->items[2]->kind != Object::String || id->items[4]->kind != Object::Int)
    broken("a storage with wrong arguments");
  if (id->items.size() > 5 && id->items[5]->kind != Object::None) broken("a view of another storage, as PyTorch before 0.4 wrote");
  Object* storage = make(Object::Storage);
  storage->items = id->items;
  push(storage);
}

bool Unpickler::step(unsigned char op) {
  const auto text = [&](Object::Kind kind, int bytes) { push(make_text(kind, take(number(bytes)))); };
  const auto integer = [&](Object::Kind kind, int64_t v) { push(make_integer(kind, v)); };
  const auto last = [&](int count) {
    std::vector<Object*> items(static_cast<std::size_t>(count));
    for (int i = count; i-- > 0;) items[std::size_t(i)] = pop();
    tuple(std::move(items));
  };
  switch (op) {
    case 0x80: number(1); break;                // PROTO
    case 0x95: number(8); break;                // FRAME
    case '.': return false;                     // STOP
    case '(': push(make(Object::Mark)); break;  // MARK
    case '0':
      if (stack_.empty()) broken("nothing to drop");
      stack_.pop_back();
      break;                         // POP
    case '1': pop_to_mark(); break;  // POP_MARK
    case '2':
      if (stack_.empty()) broken("nothing to repeat");
      push(stack_.back());
      break;  // DUP
    case 'N': push(make(Object::None)); break;
    case 0x88: integer(Object::Bool, 1); break;
    case 0x89: integer(Object::Bool, 0); break;
    case 'K': integer(Object::Int, int64_t(number(1))); break;       // BININT1
    case 'M': integer(Object::Int, int64_t(number(2))); break;       // BININT2
    case 'J': integer(Object::Int, std::int32_t(number(4))); break;  // BININT
    case 0x8a: long_integer(number(1)); break;                       // LONG1
    case 0x8b: long_integer(number(4)); break;                       // LONG4
    case 'G': {                                                      // BINFLOAT, big endian
      const std::string_view raw = take(8);
      std::uint64_t v = 0;
      for (char c : raw) v = v << 8 | static_cast<unsigned char>(c);
      Object* o = make(Object::Float);
      o->real = std::bit_cast<double>(v);
      push(o);
      break;
    }
    case 'X': text(Object::String, 4); break;   // BINUNICODE
    case 0x8c: text(Object::String, 1); break;  // SHORT_BINUNICODE
    case 0x8d: text(Object::String, 8); break;  // BINUNICODE8
    case 'U': text(Object::String, 1); break;   // SHORT_BINSTRING
    case 'T': text(Object::String, 4); break;   // BINSTRING
    case 'C': text(Object::Bytes, 1); break;    // SHORT_BINBYTES
    case 'B': text(Object::Bytes, 4); break;    // BINBYTES
    case 0x8e:                                  // BINBYTES8
    case 0x96: text(Object::Bytes, 8); break;   // BYTEARRAY8
    case 0x98: break;                           // READONLY_BUFFER: bytes are never written
    case ')': push(make(Object::Tuple)); break;
    case ']':
    case 0x8f: push(make(Object::List)); break;  // EMPTY_SET: a set is read as a list
    case '}': push(make(Object::Dict)); break;
    case 't': tuple(pop_to_mark()); break;  // TUPLE
    case 0x85: last(1); break;
    case 0x86: last(2); break;
    case 0x87: last(3); break;
    case 0x91: {  // FROZENSET
      std::vector<Object*> items = pop_to_mark();
      push(make(Object::List));
      stack_.back()->items = std::move(items);
      break;
    }
    case 'a': {
      Object* v = pop();
      append({v});
      break;
    }  // APPEND
    case 'e':                                 // APPENDS
    case 0x90: append(pop_to_mark()); break;  // ADDITEMS
    case 's': {
      Object *v = pop(), *k = pop();
      set_items({k, v});
      break;
    }  // SETITEM
    case 'u': set_items(pop_to_mark()); break;  // SETITEMS
    case 'q': remember(number(1)); break;       // BINPUT
    case 'r': remember(number(4)); break;       // LONG_BINPUT
    case 0x94: remember(memo_.size()); break;   // MEMOIZE
    case 'h': push(recall(number(1))); break;   // BINGET
    case 'j': push(recall(number(4))); break;   // LONG_BINGET
    case 'c': {                                 // GLOBAL
      const std::size_t from = at_;
      line(), line();
      global(pickle_.substr(from, at_ - from - 1));
      break;
    }
    case 0x93: {  // STACK_GLOBAL
      Object *name = pop(), *module = pop();
      if (name->kind != Object::String || module->kind != Object::String) broken("a name that is no string");
      global(keep(std::string(module->text) + "\n" + std::string(name->text)));
      break;
    }
    case 'Q': persistent(pop()); break;  // BINPERSID
    case 'R': reduce(); break;
    case 'b': build(); break;
    case 0x81: new_object(pop()); break;  // NEWOBJ
    case 0x92: {
      pop();
      new_object(pop());
      break;
    }  // NEWOBJ_EX
    default: broken("an operation that torch.save does not write");
  }
  return true;
}

Object* Unpickler::run() {
  stack_.clear();
  memo_.clear();
  while (step(static_cast<unsigned char>(take(1)[0])));
  if (stack_.size() != 1 || stack_[0]->kind == Object::Mark) broken("it does not end with one object");
  return stack_[0];
}

}  // namespace ember::io
