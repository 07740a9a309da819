// NaN and infinity, softmax in front of cross entropy, a loss that stays at log C.
#include <ember/random.h>

#include <cmath>
#include <cstring>

#include "error_format.h"
#include "train/doctor/session.h"

namespace ember::doctor {

bool all_finite(const Tensor& x) {
  if (x.dtype() != kFloat32 || !x.is_contiguous() || x.numel() > 4096) return x.detach().isfinite().all().item<bool>();
  const float* const values = x.data<float>();
  float sum = 0;  // of zeros, unless one of them is not
  for (int64_t i = 0; i < x.numel(); ++i) sum += values[i] * 0.0f;
  return sum == 0;
}

namespace {

/// The first module whose output is not finite, while the call is repeated.
struct Search final : nn::ForwardObserver {
  explicit Search(const Root& root) : root(root) {}
  void before_forward(const nn::Module&, const std::vector<Tensor>&) override {}
  void abandon_forward(const nn::Module&) override {}
  void after_forward(const nn::Module& module, const std::vector<Tensor>& inputs, const Tensor& output) override {
    if (!found.empty() || !output.defined() || !output.is_floating_point() || all_finite(output)) return;
    const auto place = root.places.find(&State::of(module));
    if (place == root.places.end()) return;
    found = fmt::format("{} ({})", place->second.path, place->second.type);
    bool all = true;
    for (const Tensor& x : inputs) all = all && (!x.is_floating_point() || all_finite(x));
    if (!place->second.path.empty() && all) found += ", whose input is finite";
    for (const auto& p : State::of(module).parameters)
      if (p->value.defined() && !all_finite(p->value)) found += fmt::format("; its {} is not", p->name);
  }
  const Root& root;
  std::string found;
};

/// A node whose name says what it computes, through what only changes the shape.
const Node* through_shapes(const Node* node) {
  static constexpr const char* kShapes[] = {"View",  "Reshape",  "Squeeze", "Unsqueeze", "Transpose", "Permute",
                                            "Clone", "Identity", "Alias",   "Slice",     "Select",    "ToCopy"};
  for (int i = 0; node && i < 8; ++i) {
    bool shape = false;
    for (const char* name : kShapes) shape = shape || std::strstr(node->name, name) == node->name;
    if (!shape || node->inputs == 0) return node;
    node = node->edges[0].node;
  }
  return node;
}

/// Cross entropy on the way from the loss: its node and the node of what it got.
struct CrossEntropy {
  const Node* node = nullptr;
  const Node* logits = nullptr;
};
CrossEntropy find_cross_entropy(const Node* start) {
  std::vector<const Node*> waiting = {start};
  for (std::size_t i = 0; i < waiting.size() && i < 64; ++i) {
    const Node* const node = waiting[i];
    if (!node) continue;
    if (!std::strcmp(node->name, "NllLoss") || !std::strcmp(node->name, "LogSoftmax")) return {node, through_shapes(node->edges[0].node)};
    for (std::uint32_t e = 0; e < node->inputs; ++e) waiting.push_back(node->edges[e].node);
  }
  return {};
}

}  // namespace

void Session::check_loss(const Tensor& loss) {
  if (!loss.defined() || loss.numel() != 1 || !loss.is_floating_point()) return;
  const double value = loss.item<double>();
  if (!std::isfinite(value) && !found_not_finite_) find_first_not_finite(std::isnan(value) ? "the loss is NaN" : "the loss is infinite");
  if (backwards_ > 4 && backwards_ % 16 != 0) return;
  const CrossEntropy found = find_cross_entropy(loss.impl()->node);
  if (!found.node || !found.logits) return;
  if (!std::strcmp(found.logits->name, "Softmax"))
    say("softmax_before_cross_entropy", "loss",
        "cross entropy gets probabilities, the output of a softmax: it takes the softmax again, and learning is slow and stops early",
        "give cross_entropy the logits; take the softmax only where probabilities are shown");
  const int64_t classes = found.logits->dims >= 2 ? found.logits->sizes[1] : 0;
  const double chance = std::log(double(classes));
  at_log_c_ = classes >= 2 && std::abs(value - chance) < 0.03 * chance ? at_log_c_ + 1 : 0;
  if (at_log_c_ >= 15 && backwards_ >= 200)
    say("loss_at_log_c", "loss", fmt::format("stays at {:.3f}, which is log {}: all classes are as likely as before training", value, classes),
        "wait, or help it off: batch norm, another activation, larger initial weights, another learning rate", true);
}

/// Looks at two gradients in every step (the last one sees what the loss is, the first what came through all layers), at all now and then.
void Session::check_finite(const optim::Optimizer& optimizer, const Watched& watched) {
  if (found_not_finite_) return;
  const bool all = watched.steps % 64 == 0;
  for (const optim::ParamGroup& group : optimizer.param_groups)
    for (std::size_t i = 0; i < group.params.size(); ++i) {
      const Tensor& p = group.params[i];
      const bool small = p.numel() <= 2048 && (i < 2 || i + 1 == group.params.size());
      if ((!all && !small) || !p.grad().defined() || all_finite(p.grad())) continue;
      std::string name = "a parameter";
      for (const auto& [state, root] : roots_)
        for (const auto& [path, own] : root.parameters)
          if (own.is_same(p)) name = path;
      return find_first_not_finite(fmt::format("the gradient of {} is not finite", name));
    }
}

/// Repeats the last call of every model, with nothing changed afterwards, and names the first module that made it.
void Session::find_first_not_finite(const std::string& seen) {
  found_not_finite_ = true;
  busy_ = true;
  std::string where;
  for (auto& [state, root] : roots_) {
    nn::Module* const model = root.called.module();
    if (!model || !root.input.defined() || !where.empty()) continue;
    if (root.input.is_floating_point() && !all_finite(root.input)) {
      where = "the input of the model";
      break;
    }
    // Copies take the buffers' places meanwhile: the tape has saved the originals.
    std::vector<std::pair<nn::NamedTensor*, Tensor>> kept;
    for (const auto& [path, module] : model->named_modules())
      for (const auto& b : State::of(*module).buffers) {
        kept.emplace_back(b.get(), b->value);
        if (b->value.defined()) b->value = b->value.detach().clone();
      }
    const Tensor random = get_rng_state();
    Search search(root);
    try {
      const nn::SoleObserver sole(search);
      (*model)(root.input);
    } catch (const std::exception&) {  // it may well refuse what it gets now
    }
    set_rng_state(random);
    for (auto& [buffer, value] : kept) buffer->value = value;
    where = search.found;
  }
  busy_ = false;
  const bool in_loss = seen.starts_with("the loss");
  say("not_finite", where.empty() ? (in_loss ? "loss" : "backward") : where,
      where.empty()
          ? fmt::format("{} in step {}; every module's output is finite, so it comes from the {}", seen, steps_, in_loss ? "loss itself" : "backward")
          : fmt::format("{} in step {}; NaN or infinity is first seen here", seen, steps_),
      "a smaller learning rate or clip_grad_norm_; log, sqrt and division away from 0; data without NaN; autograd::set_detect_anomaly(true) names "
      "the operation");
}

}  // namespace ember::doctor
