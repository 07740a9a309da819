// Memory for tensors, storages and nodes: free lists of size classes, so that a training step in the steady state asks the
// system for nothing. Small blocks come from lists of the calling thread, large ones from one shared list.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ember {

namespace allocator {

#ifdef EMBER_SYSTEM_ALLOCATOR  // sanitizer builds: every block is its own allocation, so that a use after free is seen
inline constexpr bool kSystemAllocator = true;
#else
inline constexpr bool kSystemAllocator = false;
#endif

inline constexpr int kSmallClasses = 16 + 4 * 5;  // up to 32 KiB

constexpr int size_class(std::size_t bytes) {
  if (bytes <= 1024) return int((bytes + 63) >> 6) - (bytes != 0);
  const int log = 63 - __builtin_clzll(bytes - 1);  // 2^log < bytes <= 2^(log+1)
  return 16 + (log - 10) * 4 + int(((bytes - 1) >> (log - 2)) & 3);
}

constexpr std::size_t class_bytes(int c) {
  if (c < 16) return std::size_t(c + 1) * 64;
  const int log = (c - 16) / 4 + 10;
  return (std::size_t(1) << log) + std::size_t((c - 16) % 4 + 1) * (std::size_t(1) << (log - 2));
}

inline constexpr std::size_t kThreadLimit = class_bytes(kSmallClasses - 1);

struct Block {
  Block* next;
};

struct List {
  Block* head;
  std::int32_t room;  // how many blocks more it may take

  void push(void* p) {
    Block* b = static_cast<Block*>(p);
    b->next = head;
    head = b;
    --room;
  }
  void* pop() {
    Block* b = head;
    head = b->next;
    ++room;
    return b;
  }
};

extern constinit thread_local List thread_lists[kSmallClasses];

// The ways that are rarely taken.
void* refill_small(int c);
void spill_small(int c);
void* allocate_large(std::size_t bytes);
void free_large(void* block, std::size_t bytes);

}  // namespace allocator

/// Uninitialised, 64-byte aligned. Throws RuntimeError when the system has no more. Inline, since the size of handles and nodes is
/// known when they are compiled.
inline void* block_allocate(std::size_t bytes) {
  using namespace allocator;
  if (bytes > kThreadLimit || kSystemAllocator) return allocate_large(bytes);
  const int c = size_class(bytes);
  List& list = thread_lists[c];
  return list.head ? list.pop() : refill_small(c);
}

/// Takes a block back; `bytes` as it was asked for. May be called from another thread than the one that allocated.
inline void block_free(void* block, std::size_t bytes) {
  using namespace allocator;
  if (bytes > kThreadLimit || kSystemAllocator) return free_large(block, bytes);
  const int c = size_class(bytes);
  List& list = thread_lists[c];
  list.push(block);
  if (list.room < 0) [[unlikely]]
    spill_small(c);
}

}  // namespace ember
