// All tables as one: from a PyTorch name to the rows that bind it.
#include "bind/binding.h"

#include <ember/autograd.h>

#include <sstream>
#include <unordered_map>

namespace ember::parity {
namespace {

using Registry = std::unordered_map<std::string, std::vector<std::shared_ptr<Operation>>>;

/// The function, put in place. What is recorded may need the tensor as it was.
std::shared_ptr<Operation> in_place(const Row& row) {
  return std::make_shared<Operation>(Operation{Signature(row.signature), [run = row.run](Args& a) {
                                                 const Tensor x = a[0];
                                                 check_inplace(x);
                                                 bool records = false;
                                                 for (std::size_t i = 0; i < a.size(); ++i)
                                                   records = records || (a[i].is_tensor() && a[i].tensor().requires_grad());
                                                 Args before = a.with_first(records ? x.clone() : x);
                                                 return Result(assign_inplace(x, *run(before).values.at(0).as<Tensor>()));
                                               }});
}

void enter(Registry& registry, Table table) {
  for (Row& row : table) {
    const auto operation = std::make_shared<Operation>(Operation{Signature(row.signature), row.run});
    std::istringstream names(row.names);
    for (std::string name; names >> name;) {
      if (name.ends_with("*_")) {
        name.pop_back();
        registry["Tensor." + name.substr(0, name.size() - 1) + "_"].push_back(in_place(row));
      }
      const bool method_too = name.back() == '*';
      if (method_too) name.pop_back();
      registry[name].push_back(operation);
      if (method_too) registry["Tensor." + name].push_back(operation);
    }
  }
}

constexpr Table (*kTables[])() = {elementwise_table, reduce_table, linalg_table,  shape_table,      nn_table,      loss_table,    random_table,
                                  inplace_table,     utils_table,  special_table, statistics_table, arrange_table, sequence_table};

const Registry& registry() {
  static const Registry all = [] {
    Registry registry;
    for (auto* table : kTables) enter(registry, table());
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

std::vector<std::string> signatures() {
  std::vector<std::string> lines;
  for (auto* table : kTables)
    for (const Row& row : table()) lines.push_back(std::string(row.names) + "\t" + row.signature);
  return lines;
}

}  // namespace ember::parity
