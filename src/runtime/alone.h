// For threads that work beside the pool.
#pragma once

namespace ember::kernels {

/// From here on operations of the calling thread run on it alone: a loader's worker shall not take the pool from the training.
void work_alone();

}  // namespace ember::kernels
