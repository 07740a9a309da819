// DistributedDataParallel: watches backward, sends gradients as they become complete, and agrees with the other ranks on which were used.
//
// Before each forward the ranks exchange buffers and, for Average::by_samples, their numbers of samples; during a backward the buckets, in their
// fixed order, and at its end one vector: how many ranks take part, and for each parameter how many have used it.
//
// With n samples on this rank, N on all k, the gradient of the mean over all samples is sum(n / N * gradient of the rank's mean) = mean over ranks of
// (n k / N * ...). The factor n k / N enters at the loss, not at the buckets: nn::SyncBatchNorm mixes the ranks' gradients on the way.
#include "distributed/data_parallel_state.h"

#include <ember/distributed/data_parallel.h>
#include <ember/nn/batch_norm.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/shape.h>

#include <algorithm>

#include "autograd/node.h"
#include "error_format.h"

namespace ember::distributed {
namespace {

std::vector<Tensor> trained(const nn::Module& model) {
  std::vector<Tensor> result;
  for (const Tensor& p : model.parameters())
    if (p.requires_grad()) result.push_back(p);
  check<RuntimeError>(!result.empty(), "DistributedDataParallel is not needed when a module doesn't have any parameters that require a gradient.");
  return result;
}

/// Every rank has the same parameters as rank 0, or every rank throws.
void check_same_model(const nn::Module& model) {
  const auto parameters = model.named_parameters();
  std::string sizes;
  for (const auto& [name, p] : parameters) sizes += fmt::format("{} {}\n", p.sizes(), ember::name(p.dtype()));
  std::string names;
  for (const auto& [name, p] : parameters) names += name + "\n";
  const std::vector<std::string> all = gather_texts(fmt::format("{}\n{}", parameters.size(), sizes)), all_names = gather_texts(names);
  const auto line = [](const std::string& text, std::size_t n) {
    std::size_t at = 0;
    for (; n; --n) at = text.find('\n', at) + 1;
    return text.substr(at, text.find('\n', at) - at);
  };
  for (std::size_t r = 1; r < all.size(); ++r) {
    check<RuntimeError>(line(all[r], 0) == line(all[0], 0),
                        "DDP expects same model across all ranks, but Rank {} has {} params, while rank 0 has inconsistent {} params.", r,
                        line(all[r], 0), line(all[0], 0));
    for (std::size_t i = 0; i < parameters.size(); ++i)
      if (line(all[r], i + 1) != line(all[0], i + 1))
        fail<RuntimeError>(
            "[{}]: params[{}] in this process with sizes {} appears not to match sizes of the same param in process 0 with sizes {}.\n"
            "DistributedDataParallel: it is {} on rank {} and {} on rank 0",
            r, i, line(all[r], i + 1), line(all[0], i + 1), line(all_names[r], i), r, line(all_names[0], i));
  }
}

/// Shows every backward to all wrapped models.
class Observers final : public WalkObserver {
 public:
  void add(DataParallelState* state) {
    states_.push_back(state);
    set_walk_observer(this);
  }
  void remove(DataParallelState* state) {
    std::erase(states_, state);
    if (states_.empty()) set_walk_observer(nullptr);
  }
  void begin(const std::vector<Node*>& roots) override {
    double factor = 1;
    for (DataParallelState* s : states_) {
      s->begin(roots);
      if (factor == 1) factor = s->share_of_samples();  // a backward through two models is weighted once
    }
    if (factor == 1) return;
    for (Node* root : roots) root->grad = (Tensor(std::exchange(root->grad, nullptr)) * factor).release();
  }
  void ran(const Node& node) override {
    for (DataParallelState* s : states_) s->ran(node);
  }
  void end() override {
    for (DataParallelState* s : states_) s->end();
  }
  void abandon() override {
    for (DataParallelState* s : states_) s->abandon();
  }

 private:
  std::vector<DataParallelState*> states_;
};
Observers& observers() {
  static Observers all;
  return all;
}

}  // namespace

DataParallelState::DataParallelState(nn::Module& model, DataParallelOptions options)
    : options(options), model_(model), buckets_((check_same_model(model), trained(model)), options.bucket_cap_mb) {
  check<ValueError>(options.bucket_cap_mb > 0, "DistributedDataParallel: expected a positive bucket_cap_mb, got {}", options.bucket_cap_mb);
  copy_from(0, model.parameters());
  copy_from(0, model.buffers());
  for (std::size_t i = 0; i < buckets_.parameters().size(); ++i) place_of_[buckets_.parameters()[i].impl()] = int(i);
  observers().add(this);
}

DataParallelState::~DataParallelState() { observers().remove(this); }

bool DataParallelState::has_synchronised_norms() const {
  const auto modules = model_.named_modules();
  return std::any_of(modules.begin(), modules.end(), [](const auto& entry) {
    const auto* const norm = dynamic_cast<const nn::BatchNormBase*>(entry.second);
    return norm && norm->is_synchronised();
  });
}

/// All ranks take these tensors from rank `source`, those of one dtype in one message.
void DataParallelState::copy_from(int source, const std::vector<Tensor>& tensors) {
  if (world_size() == 1) return;
  const NoGradGuard no_grad;
  for (int d = 0; d < kDTypes; ++d) {
    const DType dtype = DType(d);
    std::vector<Tensor> alike;
    for (const Tensor& t : tensors)
      if (t.dtype() == dtype) alike.push_back(t.detach().reshape({-1}));
    if (alike.empty()) continue;
    const Tensor flat = cat(alike);
    broadcast_in_place("the parameters and buffers of one rank", flat, source);
    int64_t at = 0;
    for (const Tensor& t : tensors) {
      if (t.dtype() != dtype) continue;
      t.detach().copy_(flat.narrow(0, at, t.numel()).view(t.sizes()));
      at += t.numel();
    }
  }
}

void DataParallelState::before_forward(int64_t samples) {
  const bool trains = model_.is_training() && is_grad_enabled();
  armed = trains && !no_sync;
  share_ = 1;
  if (!trains) return;
  int source = 0;
  if (joining) source = announce(true);
  if (options.average == Average::by_samples) agree_on_samples(samples);
  if (options.broadcast_buffers && !no_sync) copy_from(source, model_.buffers());
}

void DataParallelState::agree_on_samples(int64_t samples) {
  const Tensor all = tensor({double(samples)}, kFloat64);
  sum_in_place("the number of samples", all);
  share_ = double(samples) * world_size() / std::max(1.0, all.item<double>());
}

// --- a backward

void DataParallelState::begin(const std::vector<Node*>& roots) {
  counting_ = meets_ = false;
  if (world_size() == 1 || (!armed && share_ == 1)) return;
  count_uses(roots);
  // Another model's backward: it meets none of these parameters.
  meets_ = std::any_of(uses_.begin(), uses_.end(), [](int uses) { return uses > 0; });
  counting_ = meets_ && armed;
  if (!counting_) return;
  const NoGradGuard no_grad;
  buckets_.begin();
  for (std::size_t i = 0; i < uses_.size(); ++i)
    if (uses_[i] == 0) buckets_.complete(int(i));
}

/// How often the graph adds to the gradient of each parameter.
void DataParallelState::count_uses(const std::vector<Node*>& roots) {
  uses_.assign(buckets_.parameters().size(), 0);
  std::vector<const Node*> stack(roots.begin(), roots.end());
  std::unordered_set<const Node*> seen(roots.begin(), roots.end());
  while (!stack.empty()) {
    const Node* const node = stack.back();
    stack.pop_back();
    for (std::uint32_t i = 0; i < node->inputs; ++i) {
      const Edge& edge = node->edges[i];
      if (edge.node && seen.insert(edge.node).second) stack.push_back(edge.node);
      if (const auto found = edge.node ? place_of_.end() : place_of_.find(edge.leaf); found != place_of_.end()) ++uses_[std::size_t(found->second)];
    }
  }
  left_ = uses_;
}

void DataParallelState::ran(const Node& node) {
  if (!counting_) return;
  const NoGradGuard no_grad;
  for (std::uint32_t i = 0; i < node.inputs; ++i) {
    const Edge& edge = node.edges[i];
    if (edge.node || !edge.leaf) continue;
    const auto found = place_of_.find(edge.leaf);
    if (found == place_of_.end() || --left_[std::size_t(found->second)] > 0) continue;
    const bool has_hooks = edge.leaf->meta && !edge.leaf->meta->hooks.empty();  // its gradient comes at the end
    if (!has_hooks) buckets_.complete(found->second);
  }
}

void DataParallelState::end() {
  if (!std::exchange(counting_, false)) return;
  const NoGradGuard no_grad;
  for (std::size_t i = 0; i < uses_.size(); ++i)
    if (!buckets_.is_complete(int(i))) buckets_.complete(int(i));
  finish();
}

/// Waits for the buckets, agrees on what was used, and hands the averages back.
void DataParallelState::finish() {
  const auto start = std::chrono::steady_clock::now();
  const Tensor agreed = zeros({int64_t(uses_.size()) + 1}, kInt64);
  int64_t* const numbers = agreed.data<int64_t>();
  numbers[0] = shadowing_ ? 0 : 1;
  for (std::size_t i = 0; i < uses_.size(); ++i) numbers[i + 1] = uses_[i] > 0;
  const std::vector<Ticket> agreement = start_sum("the agreement on used parameters", agreed);
  buckets_.wait();
  wait_for(agreement);

  traffic.waited_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  traffic.seconds += buckets_.seconds();
  traffic.bytes += buckets_.bytes();
  traffic.buckets += buckets_.count();
  ++traffic.backwards;
  if (shadowing_) return;
  std::vector<bool> used(uses_.size());
  for (std::size_t i = 0; i < used.size(); ++i) used[i] = numbers[i + 1] > 0;
  const bool by_present = joining && !join_options.divide_by_initial_world_size && options.average == Average::by_ranks;
  buckets_.hand_back(used, by_present ? double(numbers[0]) : double(world_size()));
}

void DataParallelState::abandon() { counting_ = false; }

// --- ranks with different numbers of batches

/// Before each forward of a joined loop: who still has batches, and whether gradients will be sent. Returns the lowest rank that has some, or
/// -1 when all are through.
int DataParallelState::announce(bool active) {
  const Tensor mine = tensor({int64_t(active), int64_t(active && armed)});
  const Tensor all = gather_rows("join", mine);
  int first = -1;
  bool sync = false, everybody = true;
  for (int r = world_size() - 1; r >= 0; --r) {
    const bool has_batches = all.data<int64_t>()[2 * r];
    if (has_batches) first = r;
    else everybody = false;
    sync = sync || all.data<int64_t>()[2 * r + 1];
  }
  check<RuntimeError>(everybody || first < 0 || !join_options.throw_on_early_termination,
                      "Detected at least one rank that exhausted inputs. Throwing across all ranks.");
  others_send_ = sync;
  return first;
}

void DataParallelState::shadow_the_others() {
  if (world_size() == 1) return;
  const NoGradGuard no_grad;
  int last = rank();
  shadowing_ = true;
  armed = false;
  for (int source; (source = announce(false)) >= 0;) {
    last = source;
    if (!others_send_) continue;
    if (options.average == Average::by_samples) agree_on_samples(0);
    if (options.broadcast_buffers) copy_from(source, model_.buffers());
    uses_.assign(buckets_.parameters().size(), 0);
    buckets_.begin_empty();
    for (std::size_t i = 0; i < uses_.size(); ++i) buckets_.complete(int(i));
    finish();
  }
  shadowing_ = false;
  // The ranks that came last have all steps; they all name the lowest of themselves. Who has never shadowed was among them.
  const Tensor named = gather_rows("join", tensor({int64_t(last), int64_t(last == rank())}));
  int source = 0;
  for (int r = world_size() - 1; r >= 0; --r)
    if (named.data<int64_t>()[2 * r] == r) source = r;
  copy_from(source, model_.parameters());
  copy_from(source, model_.buffers());
}

// --- the public handles

DataParallelBase::DataParallelBase(nn::Module& model, DataParallelOptions options) : model_(model) {
  check<ValueError>(is_initialized(),
                    "Default process group has not been initialized, please make sure to call init_process_group.\n"
                    "[DistributedDataParallel] call ember::distributed::init() first");
  state_ = std::make_unique<DataParallelState>(model, options);
}
DataParallelBase::~DataParallelBase() = default;
const DataParallelOptions& DataParallelBase::options() const { return state_->options; }
DataParallelBase::Traffic DataParallelBase::traffic() const { return state_->traffic; }
void DataParallelBase::before_forward(int64_t samples) { state_->before_forward(samples); }

NoSync::NoSync(DataParallelBase& model) : state_(*model.state_), before_(std::exchange(state_.no_sync, true)) {}
NoSync::~NoSync() { state_.no_sync = before_; }

Join::Join(DataParallelBase& model, JoinOptions options) : state_(*model.state_) {
  check<RuntimeError>(
      !state_.has_synchronised_norms(),
      "The model has nn::SyncBatchNorm, every forward of which waits for all ranks.\n[Join] give ranks that have ended empty batches instead");
  state_.joining = true;
  state_.join_options = options;
}
Join::~Join() { state_.joining = false; }
void Join::finish() {
  if (std::exchange(state_.joining, false)) {
    state_.joining = true;
    state_.shadow_the_others();
    state_.joining = false;
  }
}

}  // namespace ember::distributed
