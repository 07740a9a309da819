// What a DistributedDataParallel keeps, and what it does when a backward goes by.
#pragma once

#include <ember/distributed/data_parallel.h>

#include <unordered_map>
#include <unordered_set>

#include "autograd/walk.h"
#include "distributed/buckets.h"

namespace ember::distributed {

class DataParallelState {
 public:
  DataParallelState(nn::Module& model, DataParallelOptions options);
  ~DataParallelState();

  void before_forward(int64_t samples);
  void shadow_the_others();
  bool has_synchronised_norms() const;
  double share_of_samples() const { return meets_ ? share_ : 1; }

  // A backward goes by: autograd/walk.h.
  void begin(const std::vector<Node*>& roots);
  void ran(const Node& node);
  void end();
  void abandon();

  DataParallelOptions options;
  DataParallelBase::Traffic traffic;
  bool armed = false;  // the last forward was one whose backward is to be averaged
  bool no_sync = false;
  bool joining = false;
  JoinOptions join_options;

 private:
  void copy_from(int source, const std::vector<Tensor>& tensors);
  void count_uses(const std::vector<Node*>& roots);
  void agree_on_samples(int64_t samples);
  void finish();
  int announce(bool active);

  nn::Module& model_;
  Buckets buckets_;
  std::unordered_map<const TensorImpl*, int> place_of_;
  std::vector<int> uses_, left_;
  bool meets_ = false;     // this backward meets our parameters
  bool counting_ = false;  // and their gradients are to be averaged
  bool shadowing_ = false;
  bool others_send_ = false;
  double share_ = 1;  // of this rank's samples in the whole batch, times the number of ranks; 1 for Average::by_ranks
};

}  // namespace ember::distributed
