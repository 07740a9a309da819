// Size classes and free lists. Classes go in steps of 64 bytes up to 1 KiB, then four to a power of two, so at most a fifth of a
// block is unused.
#include "tensor/allocator.h"

#include <ember/tensor.h>
#include <sys/mman.h>

#include <cstdlib>
#include <mutex>
#include <new>

#include "error_format.h"

namespace ember {
namespace {

#ifdef EMBER_SYSTEM_ALLOCATOR  // sanitizer builds: every block is its own allocation, so that a use after free is seen
constexpr bool kSystemAllocator = true;
#else
constexpr bool kSystemAllocator = false;
#endif

constexpr int kSmallClasses = 16 + 4 * 5;  // up to 32 KiB
constexpr int kClasses = 16 + 4 * 38;
constexpr std::size_t kSlab = std::size_t(2) << 20;
constexpr std::uint32_t kThreadBytes = 4 << 20;  // a thread keeps this much of each class, then shares

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

constexpr std::size_t kThreadLimit = class_bytes(kSmallClasses - 1);

/// How many blocks of each class a thread keeps.
struct ThreadLimits {
  std::uint32_t of[kSmallClasses];
  constexpr ThreadLimits() : of() {
    for (int c = 0; c < kSmallClasses; ++c) of[c] = std::uint32_t(kThreadBytes / class_bytes(c));
  }
  constexpr std::uint32_t operator[](int c) const { return of[c]; }
};
constexpr ThreadLimits thread_limits;

struct Block {
  Block* next;
};

struct List {
  Block* head;
  std::uint32_t count;

  void push(void* p) {
    Block* b = static_cast<Block*>(p);
    b->next = head;
    head = b;
    ++count;
  }
  void* pop() {
    Block* b = head;
    head = b->next;
    --count;
    return b;
  }
};

constinit thread_local List thread_lists[kSmallClasses] = {};
constinit thread_local bool thread_will_share = false;  // its lists go to the others when it ends

/// What all threads share: lists of every class, and the slab that small blocks are cut from.
struct Shared {
  std::mutex mutex;
  List lists[kClasses] = {};
  char* slab = nullptr;
  std::size_t slab_left = 0;
  MemoryStats stats;

  void* from_system(std::size_t bytes);
  void* cut(std::size_t bytes);
  void give_back_large();
};

Shared& shared() {
  static Shared* s = new Shared;  // never destroyed: tensors with static lifetime die after it would
  return *s;
}

void* Shared::from_system(std::size_t bytes) {
  const std::size_t alignment = bytes >= kSlab ? kSlab : 64;
  const std::size_t whole = (bytes + alignment - 1) & ~(alignment - 1);
  void* p = std::aligned_alloc(alignment, whole);
  if (!p) {
    give_back_large();
    p = std::aligned_alloc(alignment, whole);
  }
  check<RuntimeError>(p, "DefaultCPUAllocator: can't allocate memory: you tried to allocate {} bytes.", bytes);
  __atomic_fetch_add(&stats.system_calls, 1, __ATOMIC_RELAXED);  // without the lock in sanitizer builds
  // The first touch of a fresh page costs more than the arithmetic on it; huge pages cost one touch for 2 MiB. Only whole ones:
  // the end of a block keeps small pages, so that no memory is used beyond what was asked for.
  if (bytes >= kSlab) madvise(p, bytes & ~(kSlab - 1), MADV_HUGEPAGE);
  return p;
}

void* Shared::cut(std::size_t bytes) {
  if (slab_left < bytes) {
    slab = static_cast<char*>(from_system(kSlab));
    slab_left = kSlab;
  }
  void* p = slab;
  slab += bytes;
  slab_left -= bytes;
  return p;
}

void Shared::give_back_large() {
  for (int c = kSmallClasses; c < kClasses; ++c)
    while (lists[c].head) {
      std::free(lists[c].pop());
      stats.cached -= std::int64_t(class_bytes(c));
    }
}

/// When a thread ends, its blocks serve the others.
struct ThreadEnd {
  ~ThreadEnd() {
    const std::lock_guard lock(shared().mutex);
    for (int c = 0; c < kSmallClasses; ++c)
      while (thread_lists[c].head) shared().lists[c].push(thread_lists[c].pop());
  }
};

[[gnu::noinline, gnu::cold]] void share_at_end() {
  static thread_local ThreadEnd at_end;
  (void)at_end;
  thread_will_share = true;
}

[[gnu::noinline]] void* refill_small(int c) {
  if (!thread_will_share) share_at_end();
  Shared& s = shared();
  const std::lock_guard lock(s.mutex);
  List& common = s.lists[c];
  if (!common.head) return s.cut(class_bytes(c));
  for (int i = 0; i < 32 && common.count > 1; ++i) thread_lists[c].push(common.pop());
  return common.pop();
}

[[gnu::noinline]] void spill_small(int c) {
  Shared& s = shared();
  const std::lock_guard lock(s.mutex);
  for (std::uint32_t keep = thread_lists[c].count / 2; thread_lists[c].count > keep;)
    s.lists[c].push(thread_lists[c].pop());
}

[[gnu::noinline]] void* allocate_large(std::size_t wanted) {
  check<RuntimeError>(wanted < (std::size_t(1) << 47),
                      "DefaultCPUAllocator: can't allocate memory: you tried to allocate {} bytes.", wanted);
  if (kSystemAllocator) return shared().from_system(wanted);
  const int c = size_class(wanted);
  const std::int64_t bytes = std::int64_t(class_bytes(c));
  Shared& s = shared();
  const std::lock_guard lock(s.mutex);
  s.stats.in_use += bytes;
  if (s.lists[c].head) {
    s.stats.cached -= bytes;
    return s.lists[c].pop();
  }
  // The working set has changed. What has gathered beyond half of what is in use would only make the process grow.
  if (s.stats.cached > s.stats.in_use / 2 + (64 << 20)) s.give_back_large();
  return s.from_system(std::size_t(bytes));
}

[[gnu::noinline]] void free_large(void* p, std::size_t wanted) {
  if (kSystemAllocator) return std::free(p);
  const int c = size_class(wanted);
  const std::int64_t bytes = std::int64_t(class_bytes(c));
  Shared& s = shared();
  const std::lock_guard lock(s.mutex);
  s.lists[c].push(p);
  s.stats.in_use -= bytes;
  s.stats.cached += bytes;
}

}  // namespace

// The fast paths call nothing but in their last statement: no register needs saving.
void* block_allocate(std::size_t bytes) {
  if (bytes <= kThreadLimit && !kSystemAllocator) [[likely]] {
    const int c = size_class(bytes);
    List& list = thread_lists[c];
    return list.head ? list.pop() : refill_small(c);
  }
  return allocate_large(bytes);
}

void block_free(void* block, std::size_t bytes) {
  if (bytes > kThreadLimit || kSystemAllocator) return free_large(block, bytes);
  if (!thread_will_share) [[unlikely]] share_at_end();
  const int c = size_class(bytes);
  List& list = thread_lists[c];
  list.push(block);
  if (list.count > thread_limits[c]) [[unlikely]] spill_small(c);
}

MemoryStats memory_stats() {
  const std::lock_guard lock(shared().mutex);
  return shared().stats;
}

void empty_cache() {
  const std::lock_guard lock(shared().mutex);
  shared().give_back_large();
}

}  // namespace ember
