// Data-parallel training: every rank has the whole model and a part of the batch. As torch.nn.parallel.DistributedDataParallel.
//
//   Net net;
//   distributed::DistributedDataParallel model(net);     // all ranks start from rank 0's parameters
//   optim::SGD optimizer(net.parameters(), {.lr = 0.1});
//   for (const auto& [x, y] : loader) {                  // data::DistributedSampler gives each rank its samples
//     optimizer.zero_grad();
//     cross_entropy(model(x), y).backward();             // returns when the gradients are those of all ranks
//     optimizer.step();
//   }
#pragma once

#include <ember/distributed/world.h>
#include <ember/nn/module.h>

#include <memory>

namespace ember::distributed {

/// What the gradients of the ranks become. by_ranks: their mean, as in PyTorch, in which a rank with few samples counts as much as one with
/// many. by_samples: weighted by the samples of each rank, so that uneven parts of a batch give the gradient of the whole batch for a loss
/// that is a mean over samples.
enum class Average : std::uint8_t { by_ranks, by_samples };

struct DataParallelOptions {
  Average average = Average::by_ranks;
  /// Every training forward starts with rank 0's buffers (running statistics), as in PyTorch.
  bool broadcast_buffers = true;
  /// Gradients travel in pieces of about this many megabytes, which leave while backward goes on. PyTorch's default is 25.
  double bucket_cap_mb = 1;
};

class DataParallelState;

/// The part that does not depend on the model's class.
class DataParallelBase {
 public:
  DataParallelBase(nn::Module& model, DataParallelOptions options);
  DataParallelBase(const DataParallelBase&) = delete;
  ~DataParallelBase();

  void train(bool on = true) { model_.train(on); }
  void eval() { model_.eval(); }
  std::vector<Tensor> parameters() const { return model_.parameters(); }
  const DataParallelOptions& options() const;

  /// How much this rank has sent, for measuring.
  struct Traffic {
    int64_t backwards = 0, buckets = 0, bytes = 0;
    double seconds = 0;         ///< the whole time that gradients were on their way
    double waited_seconds = 0;  ///< the part of it that backward had to wait for: the rest was hidden behind it
  };
  Traffic traffic() const;

 protected:
  /// Before every forward: `samples` are those of this rank.
  void before_forward(int64_t samples);
  nn::Module& model_;

 private:
  friend class NoSync;
  friend class Join;
  std::unique_ptr<DataParallelState> state_;
};

/// Wraps `model`, which must outlive it; the optimiser takes the model's own parameters. At the start all ranks check that they have the same
/// parameters, and take rank 0's values. A backward from the result leaves in every `grad` the average over ranks, with the same bits on
/// every rank; gradients that were there before are averaged, too. Parameters that no rank has used keep what they had; one that some
/// ranks have used counts as 0 on the others. One backward is on its way at a time. The call is the model's own: model(x), model(x, y), ...
///
/// Throws RuntimeError "DDP expects same model across all ranks, but Rank 1 has 6 params, while rank 0 has inconsistent 4 params." and
/// "[1]: params[0] in this process with sizes [4, 3] appears not to match sizes of the same param in process 0 with sizes [4, 2]" on all ranks;
/// "DistributedDataParallel is not needed when a module doesn't have any parameters that require a gradient."
template <class M>
class DistributedDataParallel : public DataParallelBase {
 public:
  explicit DistributedDataParallel(M& model, DataParallelOptions options = {}) : DataParallelBase(model, options), module_(model) {}
  DistributedDataParallel(M&&, DataParallelOptions = {}) = delete;  // the model must outlive this: give it a name

  template <class... Inputs>
  auto operator()(const Tensor& x, const Inputs&... inputs) {
    before_forward(x.dim() > 0 ? x.size(0) : 1);
    return module_(x, inputs...);
  }
  M& module() { return module_; }

 private:
  M& module_;
};

/// While it lives, backward keeps each rank's gradients to itself: for accumulating over several small batches. The next backward outside
/// of it averages what has come together. As model.no_sync().
class NoSync {
 public:
  explicit NoSync(DataParallelBase& model);
  NoSync(const NoSync&) = delete;
  ~NoSync();

 private:
  DataParallelState& state_;
  bool before_;
};

struct JoinOptions {
  bool divide_by_initial_world_size = true;  ///< false: the average is over the ranks that still have batches
  bool throw_on_early_termination = false;   ///< every rank throws as soon as one has no more batches
};

/// For ranks with different numbers of batches: a rank that has come to its end takes part in what the others send until all are through, then
/// takes the parameters and buffers of the last one. As model.join(). Models with nn::SyncBatchNorm cannot be joined, since every layer
/// waits for all ranks: give the ranks that have ended empty batches instead, which count as no samples.
///
///   distributed::Join join(model);
///   for (const auto& [x, y] : loader) { ... }
///   join.finish();
class Join {
 public:
  explicit Join(DataParallelBase& model, JoinOptions options = {});
  Join(const Join&) = delete;
  ~Join();
  void finish();  ///< after the last batch

 private:
  DataParallelState& state_;
};

}  // namespace ember::distributed
