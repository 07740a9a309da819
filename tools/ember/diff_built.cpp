// How two models are built: arguments of their modules as in their reprs, parameters, and which of these are trained.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "diff_measure.h"
#include "diff_trace.h"

namespace {

/// Arguments of a repr, "in_features=3" and "(2, 2)" alike, cut at the commas that stand in no brackets.
std::vector<std::string> arguments(const std::string& extra) {
  std::vector<std::string> all(1);
  int depth = 0;
  for (const char c : extra) {
    depth += (c == '(' || c == '[') - (c == ')' || c == ']');
    if (c == ',' && depth == 0) all.emplace_back();
    else if (c != ' ' || depth > 0) all.back() += c;
  }
  return all;
}

bool is_number(const std::string& text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// "(2, 2)" is "2", "1e-05" is "1e-5".
bool same_value(std::string a, std::string b) {
  const auto reduce = [](std::string& text) {
    if (text.size() < 2 || text.front() != '(' || text.back() != ')') return;
    const std::vector<std::string> parts = arguments(text.substr(1, text.size() - 2));
    if (std::all_of(parts.begin(), parts.end(), [&](const std::string& p) { return p.empty() || p == parts[0]; })) text = parts[0];
  };
  reduce(a), reduce(b);
  double x = 0, y = 0;
  return a == b || (is_number(a, x) && is_number(b, y) && x == y);
}

std::pair<std::string, std::string> named(const std::string& argument) {
  const std::size_t equals = argument.find('=');
  return equals == std::string::npos ? std::pair(std::string(), argument) : std::pair(argument.substr(0, equals), argument.substr(equals + 1));
}

}  // namespace

bool same_arguments(const TracedModule& a, const TracedModule& b) {
  if (a.extra.empty() || b.extra.empty()) return true;  // one of them says nothing
  const auto by_name = [](const TracedModule& m) {
    std::map<std::string, std::string> all;
    int place = 0;
    for (const std::string& argument : arguments(m.extra)) {
      const auto [name, value] = named(argument);
      if (name != "inplace" && name != "device" && name != "dtype") all[name.empty() ? std::to_string(place++) : name] = value;
    }
    return all;
  };
  const std::map<std::string, std::string> of_a = by_name(a), of_b = by_name(b);
  // Newer versions print arguments that older ones do not have: they are on.
  const auto covers = [](const auto& these, const auto& those) {
    return std::all_of(these.begin(), these.end(), [&](const auto& argument) {
      const auto other = those.find(argument.first);
      return other == those.end() ? argument.second == "True" : same_value(argument.second, other->second);
    });
  };
  return covers(of_a, of_b) && covers(of_b, of_a);
}

namespace {

const TracedParameter* find(const TracedModule& m, const std::string& name) {
  for (const TracedParameter& p : m.parameters)
    if (p.name == name) return &p;
  return nullptr;
}

void compare_parameters(const TracedRun& a, const TracedRun& b, const TracedModule& m, const TracedModule& n, std::vector<Finding>& found,
                        std::vector<std::string>& lines) {
  const auto finding = [&](Finding::Kind kind, const std::string& what, const std::string& shape) {
    Finding f{.kind = kind, .call = m.path, .path = m.path, .what = what};
    f.ratio = INFINITY, f.shape_a = f.shape_b = shape;
    found.push_back(f);
  };
  for (const TracedParameter& p : m.parameters) {
    const TracedParameter* const q = find(n, p.name);
    if (!q) {
      finding(Finding::OnlyA, "param." + p.name, p.shape);
      lines.push_back(fmt::format("{}.{} is only in {}", m.path, p.name, a.file));
    } else if (p.requires_grad != q->requires_grad) {
      lines.push_back(fmt::format("{}.{} is trained only in {}: requires_grad is off in {}", m.path, p.name, p.requires_grad ? a.file : b.file,
                                  p.requires_grad ? b.file : a.file));
    }
  }
  for (const TracedParameter& q : n.parameters)
    if (!find(m, q.name)) {
      finding(Finding::OnlyB, "param." + q.name, q.shape);
      lines.push_back(fmt::format("{}.{} is only in {}", m.path, q.name, b.file));
    }
}

}  // namespace

std::vector<Finding> compare_built(const TracedRun& a, const TracedRun& b, std::vector<std::string>& lines) {
  std::vector<Finding> found;
  for (const TracedModule& m : a.modules) {
    const TracedModule* const n = b.find(m.path);
    if (!n || a.has_children(m.path) || b.has_children(m.path)) continue;
    if (a.lists_parameters && b.lists_parameters) compare_parameters(a, b, m, *n, found, lines);
    if (m.type == n->type && !same_arguments(m, *n)) {
      Finding f{.kind = Finding::Built, .call = m.path, .path = m.path, .what = "arguments"};
      f.ratio = INFINITY;
      found.push_back(f);
      lines.push_back(fmt::format("{} is {} in {} and {} in {}", m.path, m.text(), a.file, n->text(), b.file));
    }
  }
  for (const auto& [run, other] : {std::pair(&a, &b), std::pair(&b, &a)})
    for (const TracedModule& m : run->modules)
      if (!other->find(m.path) && other->only.empty() && run->has_state(m.path) && !run->has_children(m.path))
        lines.push_back(fmt::format("{} ({}) is called only in {}", m.own_path, m.type, run->file));
  return found;
}
