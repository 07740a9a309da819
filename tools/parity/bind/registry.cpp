// All tables as one: from a PyTorch name to the rows that bind it.
#include "bind/binding.h"

#include <sstream>
#include <unordered_map>

namespace ember::parity {
namespace {

using Registry = std::unordered_map<std::string, std::vector<std::shared_ptr<Operation>>>;

void enter(Registry& registry, Table table) {
  for (Row& row : table) {
    auto operation = std::make_shared<Operation>(Operation{Signature(row.signature), std::move(row.run)});
    std::istringstream names(row.names);
    for (std::string name; names >> name;) {
      const bool method_too = name.back() == '*';
      if (method_too) name.pop_back();
      registry[name].push_back(operation);
      if (method_too) registry["Tensor." + name].push_back(operation);
    }
  }
}

const Registry& registry() {
  static const Registry all = [] {
    Registry registry;
    for (auto* table : {elementwise_table, reduce_table, linalg_table, shape_table, nn_table, loss_table, random_table, inplace_table, utils_table}) enter(registry, table());
    return registry;
  }();
  return all;
}

}  // namespace

Result call(const std::string& name, const List& positional, const Keywords& keywords) {
  const auto found = registry().find(name);
  if (found == registry().end()) throw Unsupported("call " + name);
  const auto& rows = found->second;
  // With several rows, the first that the arguments fit; when none does, the last one says why.
  for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
    List bound;
    try {
      bound = rows[i]->signature.bind(name, positional, keywords);
    } catch (const TypeError&) {
      continue;
    } catch (const Unsupported&) {
      continue;
    }
    Args args(rows[i]->signature, std::move(bound));
    return rows[i]->run(args);
  }
  Args args(rows.back()->signature, rows.back()->signature.bind(name, positional, keywords));
  return rows.back()->run(args);
}

std::vector<std::string> bound_names() {
  std::vector<std::string> names;
  for (const auto& [name, rows] : registry()) names.push_back(name);
  return names;
}

}  // namespace ember::parity
