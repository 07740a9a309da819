// Memory for tensors, storages and nodes: free lists of size classes, so that a training step in the steady state asks the
// system for nothing. Small blocks come from lists of the calling thread, large ones from one shared list.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ember {

/// Uninitialised, 64-byte aligned. Throws RuntimeError when the system has no more.
void* block_allocate(std::size_t bytes);

/// Takes a block back; `bytes` as it was asked for. May be called from another thread than the one that allocated.
void block_free(void* block, std::size_t bytes);

}  // namespace ember
