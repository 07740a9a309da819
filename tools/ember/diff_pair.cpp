// Pairs the modules of two runs. Where names agree and so does what is behind them, by name; otherwise by the order of the calls, the kind
// of module and the shapes of its parameters and outputs, as in aligning two texts.
#include <fmt/format.h>

#include <ember/error.h>

#include <algorithm>
#include <set>

#include "diff_measure.h"
#include "diff_trace.h"

using namespace ember;

namespace {

/// What a module shows of itself besides its name: "Conv2d", and "weight float32 (8, 1, 3, 3), ..., output float32 (16, 8, 8, 8)".
struct Looks {
  const TracedModule* module;
  std::string state, output;
};

std::vector<Looks> looks_of(const TracedRun& run) {
  std::vector<Looks> all;
  for (const TracedModule& m : run.modules) {
    Looks looks{&m, "", ""};
    for (const auto& [step, arrays] : run.steps) {
      bool seen = false;
      for (const TracedArray& array : arrays) {
        if (array.path != m.path || array.call != m.path) continue;
        seen = true;
        if (array.is_parameter() || array.what.starts_with("buffer.")) looks.state += array.what + " " + shape_text(array.value) + ", ";
        if (array.what.starts_with("output")) looks.output += shape_text(array.value) + ", ";
      }
      if (seen) break;
    }
    all.push_back(std::move(looks));
  }
  return all;
}

/// 0: these cannot be the same place. Modules that hold nothing may stand in for each other: a ReLU for a LeakyReLU.
int likeness(const Looks& a, const Looks& b) {
  const bool same_type = a.module->type == b.module->type, same_name = a.module->path == b.module->path;
  if (a.state != b.state && !(same_type && (same_name || a.output == b.output))) return 0;
  if (a.state.empty() && !same_type && a.output != b.output) return 0;
  int score = 1 + (same_type ? 2 : 0) + (same_name ? 2 : 0);
  if (a.state == b.state && !a.state.empty()) score += 4;
  return score + (a.output == b.output ? 1 : 0);
}

using Names = std::map<std::string, std::string>;  // from B's to A's

/// The pairs in order with the largest likeness in all (Needleman, Wunsch 1970).
Names aligned(const std::vector<Looks>& a, const std::vector<Looks>& b) {
  std::vector<std::vector<int>> best(a.size() + 1, std::vector<int>(b.size() + 1, 0));
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;) {
      const int like = likeness(a[i], b[j]);
      best[i][j] = std::max({best[i + 1][j], best[i][j + 1], like ? like + best[i + 1][j + 1] : 0});
    }
  Names pairs;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const int like = likeness(a[i], b[j]);
    if (like && best[i][j] == like + best[i + 1][j + 1]) pairs[b[j++].module->path] = a[i++].module->path;
    else if (best[i][j] == best[i + 1][j]) ++i;
    else ++j;
  }
  return pairs;
}

void split(const TracedRun& run, const std::vector<Looks>& all, std::vector<Looks>& leaves, std::vector<Looks>& containers) {
  for (const Looks& l : all) (run.has_children(l.module->path) ? containers : leaves).push_back(l);
}

std::vector<std::string> leaves_below(const std::vector<Looks>& leaves, const std::string& path, const Names* names) {
  std::vector<std::string> below;
  for (const Looks& l : leaves)
    if (path == "(root)" || l.module->path.starts_with(path + ".")) {
      if (!names) below.push_back(l.module->path);
      else if (const auto to = names->find(l.module->path); to != names->end()) below.push_back(to->second);
    }
  std::sort(below.begin(), below.end());
  return below;
}

/// Of all the leaves in two containers, the part that is in both.
double overlap(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return double(both.size()) / double(std::max<std::size_t>(a.size() + b.size() - both.size(), 1));
}

/// Containers belong together when the same leaves are in them: a wrapper that only one run has is left over.
void pair_containers(const std::vector<Looks>& a, const std::vector<Looks>& leaves_a, const std::vector<Looks>& b, const std::vector<Looks>& leaves_b,
                     Names& pairs) {
  std::set<std::string> taken;
  for (const auto& [from, to] : pairs) taken.insert(to);
  const Names leaves = pairs;
  for (const Looks& y : b) {
    const std::vector<std::string> inside = leaves_below(leaves_b, y.module->path, &leaves);
    const Looks* partner = nullptr;
    double best = 0;
    for (const Looks& x : a) {
      const bool rival = std::any_of(b.begin(), b.end(), [&](const Looks& z) {  // that is more like it
        return z.module->type == x.module->type && y.module->type != x.module->type && leaves_below(leaves_b, z.module->path, &leaves) == inside;
      });
      if (taken.count(x.module->path) || rival) continue;
      const bool same_type = x.module->type == y.module->type, same_path = x.module->path == y.module->path;
      const double like = overlap(leaves_below(leaves_a, x.module->path, nullptr), inside) + (same_type ? 0.1 : 0) + (same_path ? 0.2 : 0);
      if (like > 0.15 && like > best) best = like, partner = &x;
    }
    if (!partner) continue;
    taken.insert(partner->module->path);
    pairs[y.module->path] = partner->module->path;
  }
}

/// What is left on both sides between the same neighbours, and gives arrays of one shape: one was put in the other's place.
void pair_by_place(const std::vector<Looks>& a, const std::vector<Looks>& b, Names& pairs) {
  const auto find = [](const std::vector<Looks>& all, const std::string& path) {
    return std::find_if(all.begin(), all.end(), [&](const Looks& l) { return l.module->path == path; });
  };
  std::set<std::string> taken;
  for (const auto& [from, to] : pairs) taken.insert(to);
  for (std::size_t j = 0; j < b.size(); ++j) {
    if (pairs.count(b[j].module->path) || !b[j].state.empty()) continue;
    const bool begins = j == 0, ends = j + 1 == b.size();
    if ((!begins && !pairs.count(b[j - 1].module->path)) || (!ends && !pairs.count(b[j + 1].module->path))) continue;
    const auto at = begins ? a.begin() : find(a, pairs[b[j - 1].module->path]) + 1;
    if (at == a.end() || taken.count(at->module->path) || !at->state.empty() || at->output != b[j].output) continue;
    if (ends ? at + 1 != a.end() : at + 1 == a.end() || (at + 1)->module->path != pairs[b[j + 1].module->path]) continue;
    pairs[b[j].module->path] = at->module->path;
    taken.insert(at->module->path);
  }
}

std::size_t agreeing(const std::vector<Looks>& a, const std::vector<Looks>& b, const Names& pairs) {
  std::size_t count = 0;
  for (const Looks& x : a)
    for (const Looks& y : b) {
      const auto to = pairs.find(y.module->path);
      count += to != pairs.end() && to->second == x.module->path && x.state == y.state && x.module->type == y.module->type;
    }
  return count;
}

std::map<std::string, std::string> parse(const TracedRun& b, const std::vector<std::string>& renames) {
  Names names;
  for (const std::string& text : renames) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
      throw ValueError(fmt::format("--rename: expected NAME=NAME, a module of the second run and what the first one calls it, got {}", text));
    const std::string from = text.substr(0, equals), to = text.substr(equals + 1);
    bool any = false;
    for (const TracedModule& m : b.modules) {
      const bool below = m.path.starts_with(from + ".");
      if (m.path != from && !below) continue;
      any = true;
      names[m.path] = to == "(root)" && below ? m.path.substr(from.size() + 1) : to + m.path.substr(from.size());
    }
    if (!any) throw ValueError(fmt::format("--rename: {} has no module {}", b.file, from));
  }
  return names;
}

}  // namespace

void pair_modules(const TracedRun& a, TracedRun& b, const std::vector<std::string>& renames, std::vector<std::string>& notes) {
  b.rename(parse(b, renames));
  const std::vector<Looks> all_a = looks_of(a), all_b = looks_of(b);
  std::vector<Looks> leaves_a, leaves_b, containers_a, containers_b;
  split(a, all_a, leaves_a, containers_a);
  split(b, all_b, leaves_b, containers_b);

  Names by_name;
  for (const Looks& y : leaves_b)
    if (std::any_of(leaves_a.begin(), leaves_a.end(), [&](const Looks& x) { return x.module->path == y.module->path; }))
      by_name[y.module->path] = y.module->path;
  const Names in_order = aligned(leaves_a, leaves_b);
  const bool names_agree = agreeing(leaves_a, leaves_b, by_name) >= agreeing(leaves_a, leaves_b, in_order);
  Names pairs = in_order;
  if (names_agree) {
    std::vector<Looks> rest_a, rest_b;
    for (const Looks& x : leaves_a)
      if (!by_name.count(x.module->path)) rest_a.push_back(x);
    for (const Looks& y : leaves_b)
      if (!by_name.count(y.module->path)) rest_b.push_back(y);
    pairs = aligned(rest_a, rest_b);
    pairs.insert(by_name.begin(), by_name.end());
  }
  pair_by_place(leaves_a, leaves_b, pairs);
  pair_containers(containers_a, leaves_a, containers_b, leaves_b, pairs);

  std::set<std::string> own;  // a path of A must not be taken by a module of B that is none of A's
  for (const TracedModule& m : a.modules) own.insert(m.path);
  std::vector<std::string> renamed;
  for (const TracedModule& m : b.modules) {
    const auto to = pairs.find(m.path);
    if (to == pairs.end() && own.count(m.path)) pairs[m.path] = m.path + " (" + b.file + ")";
    else if (to != pairs.end() && to->second != m.path) renamed.push_back(fmt::format("{} = {}", m.own_path, to->second));
  }
  b.rename(pairs);
  if (!renamed.empty()) notes.push_back(fmt::format("paired by order and shape: {}", fmt::join(renamed.begin(), renamed.end(), ", ")));
}
