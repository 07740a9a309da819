// What the library takes of the machine: memory and threads.
#pragma once

#include <cstdint>

namespace ember {

using std::int64_t;

/// Blocks over 32 KiB are counted by the byte; smaller ones belong to threads.
struct MemoryStats {
  int64_t in_use = 0;        ///< bytes that tensors hold, in blocks over 32 KiB
  int64_t cached = 0;        ///< bytes of such blocks kept for reuse
  int64_t system_calls = 0;  ///< how often the system was asked for memory, of any size
};
/// The state of the caching allocator, over all threads.
MemoryStats memory_stats();
/// Gives what no tensor holds back to the system. As torch.cuda.empty_cache, for the CPU.
void empty_cache();

/// How many threads an operation may use: at first the cores of this process, or EMBER_NUM_THREADS. As torch.get_num_threads.
int get_num_threads();
/// Throws RuntimeError unless threads > 0. Results never depend on it. As torch.set_num_threads.
void set_num_threads(int threads);

}  // namespace ember
