// Saving and loading the state of modules in memory; files are ember/io.
#include <ember/nn/state_dict.h>

#include <algorithm>
#include <cstring>

#include "error_format.h"
#include "nn/module_state.h"

namespace ember::nn {

StateDict::StateDict(std::vector<Entry> entries) : entries_(std::move(entries)) {}

const Tensor* StateDict::find(const std::string& name) const& {
  for (const Entry& entry : entries_)
    if (entry.first == name) return &entry.second;
  return nullptr;
}

const Tensor& StateDict::at(const std::string& name) const& {
  const Tensor* found = find(name);
  check<RuntimeError>(found, "state_dict has no key \"{}\"", name);
  return *found;
}

void StateDict::set(const std::string& name, Tensor value) {
  for (Entry& entry : entries_)
    if (entry.first == name) {
      entry.second = std::move(value);
      return;
    }
  entries_.emplace_back(name, std::move(value));
}

bool StateDict::erase(const std::string& name) {
  return std::erase_if(entries_, [&](const Entry& entry) { return entry.first == name; }) > 0;
}

StateDict StateDict::clone() const {
  StateDict copy = *this;
  for (Entry& entry : copy.entries_) entry.second = entry.second.detach().clone();
  return copy;
}

bool operator==(const StateDict& a, const StateDict& b) {
  const auto equal = [](const StateDict::Entry& x, const StateDict::Entry& y) {
    if (x.first != y.first || x.second.dtype() != y.second.dtype() || !(x.second.sizes() == y.second.sizes())) return false;
    const Tensor p = x.second.detach().contiguous(), q = y.second.detach().contiguous();
    return std::memcmp(p.data_ptr(), q.data_ptr(), std::size_t(p.numel() * item_size(p.dtype()))) == 0;
  };
  return std::equal(a.entries_.begin(), a.entries_.end(), b.entries_.begin(), b.entries_.end(), equal);
}

int64_t StateDict::version(const std::string& path) const {
  for (const auto& [name, version] : versions)
    if (name == path) return version;
  return -1;
}

namespace {

void gather(const Module& module, const std::string& prefix, StateDict& out) {
  const ModuleState& state = ModuleState::of(module);
  out.versions.emplace_back(prefix.empty() ? prefix : prefix.substr(0, prefix.size() - 1), module.state_version());
  for (const auto& p : state.parameters)
    if (p->value.defined()) out.set(prefix + p->name, p->value.detach());
  for (const auto& b : state.buffers)
    if (b->value.defined() && b->persistent) out.set(prefix + b->name, b->value.detach());
  for (const auto& [name, child] : state.children) gather(*child, prefix + name + ".", out);
}

void prepare(const Module& module, const std::string& prefix, StateDict& state) {
  ModuleState::prepare_load(module, state, prefix);
  for (const auto& [name, child] : ModuleState::of(module).children) prepare(*child, prefix + name + ".", state);
}

StateDict renamed(const StateDict& state, const LoadOptions& options) {
  StateDict result;
  result.versions = state.versions;
  for (const auto& [name, value] : state) {
    std::string target = name;
    for (const auto& [from, to] : options.rename)
      if (name.compare(0, from.size(), from) == 0) {
        target = to + name.substr(from.size());
        break;
      }
    result.set(target, value);
  }
  return result;
}

/// The keys of `source` that `own` lacks, module by module as PyTorch finds them: a key belongs to the module of its longest path.
std::vector<std::string> unexpected_keys(const StateDict& source, const StateDict& own) {
  std::vector<std::vector<std::string>> keys_of(own.versions.size());
  for (const auto& [key, value] : source) {
    if (own.contains(key)) continue;
    std::size_t owner = 0, longest = 0;
    for (std::size_t i = 0; i < own.versions.size(); ++i) {
      const std::string& path = own.versions[i].first;
      if (path.size() > longest && key.size() > path.size() && key[path.size()] == '.' && key.starts_with(path)) owner = i, longest = path.size();
    }
    keys_of[owner].push_back(key);
  }
  std::vector<std::string> all;
  for (const std::vector<std::string>& keys : keys_of) all.insert(all.end(), keys.begin(), keys.end());
  return all;
}

/// The prefix that every one of `names` gets in `others`; "" when there is none.
std::string prefix_in(const std::vector<std::string>& names, const std::vector<std::string>& others) {
  if (names.empty()) return "";
  for (const std::string& other : others) {
    if (other.size() <= names[0].size() || !other.ends_with(names[0])) continue;
    const std::string prefix = other.substr(0, other.size() - names[0].size());
    const auto present = [&](const std::string& name) { return std::find(others.begin(), others.end(), prefix + name) != others.end(); };
    if (std::all_of(names.begin(), names.end(), present)) return prefix;
  }
  return "";
}

/// When all that is missing is there under one prefix ("module." of DataParallel, "_orig_mod." of torch.compile), or the reverse: how to read it.
std::string rename_hint(const LoadResult& result) {
  std::string from = prefix_in(result.missing_keys, result.unexpected_keys), to;
  if (from.empty()) to = prefix_in(result.unexpected_keys, result.missing_keys);
  if (from.empty() && to.empty()) return "";
  return fmt::format("The same names {} \"{}\": load_state_dict(state, {{.rename = {{{{\"{}\", \"{}\"}}}}}}).", from.empty() ? "lack" : "begin with",
                     from + to, from, to);
}

std::string quoted(const std::vector<std::string>& names) { return fmt::format("\"{}\"", fmt::join(names, "\", \"")); }

std::string torch_size(IntArrayRef sizes) { return fmt::format("torch.Size({})", sizes); }

}  // namespace

void Module::prepare_load(StateDict&, const std::string&, int64_t) const {}

StateDict Module::state_dict() const {
  StateDict result;
  gather(*this, "", result);
  return result;
}

LoadResult Module::load_state_dict(const StateDict& given, const LoadOptions& options) {
  StateDict source = renamed(given, options);
  prepare(*this, "", source);
  const StateDict own = state_dict();

  LoadResult result;
  std::vector<std::string> errors;
  for (const auto& [name, value] : own) {
    const Tensor* found = source.find(name);
    if (!found) {
      result.missing_keys.push_back(name);
    } else if (!(found->sizes() == value.sizes()) && !(value.dim() == 0 && found->numel() == 1)) {
      errors.push_back(fmt::format("size mismatch for {}: copying a param with shape {} from checkpoint, the shape in current model is {}.", name,
                                   torch_size(found->sizes()), torch_size(value.sizes())));
    }
  }
  result.unexpected_keys = unexpected_keys(source, own);
  if (options.strict && !result.unexpected_keys.empty())
    errors.insert(errors.begin(), fmt::format("Unexpected key(s) in state_dict: {}. ", quoted(result.unexpected_keys)));
  if (options.strict && !result.missing_keys.empty())
    errors.insert(errors.begin(), fmt::format("Missing key(s) in state_dict: {}. ", quoted(result.missing_keys)));
  if (const std::string hint = options.strict ? rename_hint(result) : ""; !hint.empty()) errors.push_back(hint);
  check<RuntimeError>(errors.empty(), "Error(s) in loading state_dict for {}:\n\t{}", type_name(), fmt::join(errors, "\n\t"));

  const NoGradGuard quiet;
  for (const auto& [name, value] : own)
    if (const Tensor* found = source.find(name)) value.copy_(found->reshape(value.sizes()));
  return result;
}

}  // namespace ember::nn
