// Batch norm over the batches of all ranks. As torch.nn.SyncBatchNorm, which needs GPUs; this one runs on CPUs.
#pragma once

#include <ember/nn/batch_norm.h>

namespace ember::nn {

/// Batch norm whose mean and variance in training are those of the samples of all ranks together: k ranks with parts of a batch compute
/// what one process computes with the whole. Ranks may have different numbers of samples, and none. In evaluation it is batch norm.
///
/// Forward: the ranks gather mean, variance and count of each channel (2C + 1 numbers) and merge them in the order of ranks. Backward: one
/// sum over ranks of sum(dy) and sum(dy (x - mean)), 2C numbers; the gradients of weight and bias stay those of the rank's own samples,
/// for DistributedDataParallel to combine.
///
/// Shapes: x (N, C, ...) with at least two dimensions -> the same.
/// Throws ValueError "Expected more than 1 value per channel when training, got input size ..." when all ranks together have one value.
class SyncBatchNorm final : public BatchNormBase {
 public:
  explicit SyncBatchNorm(int64_t num_features, BatchNormOptions options = {});

 protected:
  bool takes(int dims) const override { return dims >= 2; }
  const char* expected_rank() const override { return "at least 2D"; }
};

/// Makes every BatchNorm1d/2d/3d of `module`, itself among them, take its statistics over all ranks, and returns how many there are. The
/// objects stay where they are, so members that refer to them and optimisers that hold their parameters go on. They show as SyncBatchNorm.
/// As torch.nn.SyncBatchNorm.convert_sync_batchnorm.
int64_t convert_sync_batchnorm(Module& module);

}  // namespace ember::nn
