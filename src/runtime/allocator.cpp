// Size classes and free lists. Classes go in steps of 64 bytes up to 1 KiB, then four to a power of two, so at most a fifth of a
// block is unused.
#include "runtime/allocator.h"

#include <ember/runtime.h>
#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>

#include "error_format.h"
#include "runtime/fork.h"

namespace ember::allocator {

constinit thread_local List thread_lists[kSmallClasses] = {};

namespace {

constinit thread_local bool thread_shares = false;  // its lists have room, and go to the others when it ends
constexpr std::int32_t most_blocks(int c) { return std::int32_t((4 << 20) / class_bytes(c)); }  // that a thread keeps

constexpr int kClasses = 16 + 4 * 38;
constexpr std::size_t kSlab = std::size_t(2) << 20;

/// What small blocks are cut from. It starts at a multiple of its size, so that a block's address leads to it.
struct alignas(64) Slab {
  Slab* next;
  std::size_t cut = sizeof(Slab);  // bytes from the start
  std::size_t free = 0;            // bytes in the shared lists, counted when memory is given back

  static Slab* of(const void* block) { return reinterpret_cast<Slab*>(std::uintptr_t(block) & ~(kSlab - 1)); }
  bool unused() const { return free + sizeof(Slab) == cut; }
};

/// What all threads share: lists of every class, and the slabs, the one being cut first.
struct Shared {
  std::mutex mutex;
  List lists[kClasses] = {};
  Slab* slabs = nullptr;
  MemoryStats stats;
  std::int64_t most_in_use = 0;  // since large blocks were last given back

  void* from_system(std::size_t bytes);
  void* cut(std::size_t bytes);
  void take_thread_lists();
  void give_back();
  void give_back_large();
  void give_back_slabs();
};

Shared& shared() {
  static Shared* const one = [] {
    static Shared* s = new Shared;  // never destroyed: tensors with static lifetime die after it would
    at_fork({.rank = 0, .before = [] { s->mutex.lock(); }, .in_parent = [] { s->mutex.unlock(); }, .in_child = [] { s->mutex.unlock(); }});
    return s;
  }();
  return *one;
}

void* Shared::from_system(std::size_t bytes) {
  const std::size_t alignment = bytes >= kSlab ? kSlab : 64;
  const std::size_t whole = (bytes + alignment - 1) & ~(alignment - 1);
  void* p = std::aligned_alloc(alignment, whole);
  if (!p) {
    give_back();
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
  if (!slabs || kSlab - slabs->cut < bytes) slabs = ::new (from_system(kSlab)) Slab{slabs};
  void* p = reinterpret_cast<char*>(slabs) + slabs->cut;
  slabs->cut += bytes;
  return p;
}

/// The blocks that the calling thread keeps go to all.
void Shared::take_thread_lists() {
  for (int c = 0; c < kSmallClasses; ++c)
    while (thread_lists[c].head) lists[c].push(thread_lists[c].pop());
}

void Shared::give_back() {
  give_back_large();
  take_thread_lists();
  give_back_slabs();
#ifdef __GLIBC__
  malloc_trim(0);  // or the C library would keep it
#endif
}

void Shared::give_back_large() {
  most_in_use = stats.in_use;
  for (int c = kSmallClasses; c < kClasses; ++c)
    while (lists[c].head) {
      std::free(lists[c].pop());
      stats.cached -= std::int64_t(class_bytes(c));
    }
}

/// Slabs of which every block lies in the shared lists. Nobody counts while blocks come and go: that would cost each of them.
void Shared::give_back_slabs() {
  for (int c = 0; c < kSmallClasses; ++c)
    for (Block* b = lists[c].head; b; b = b->next) Slab::of(b)->free += class_bytes(c);
  for (int c = 0; c < kSmallClasses; ++c) {
    List kept = {};
    while (lists[c].head) {
      void* block = lists[c].pop();
      if (!Slab::of(block)->unused()) kept.push(block);
    }
    lists[c] = kept;
  }
  for (Slab** at = &slabs; Slab* slab = *at;) {
    if (slab->unused()) {
      *at = slab->next;
      std::free(slab);
    } else {
      slab->free = 0;
      at = &slab->next;
    }
  }
}

/// When a thread ends, its blocks serve the others.
struct ThreadEnd {
  ~ThreadEnd() {
    const std::lock_guard lock(shared().mutex);
    shared().take_thread_lists();
  }
};

/// The first time that a thread comes here.
void share_at_end() {
  static thread_local ThreadEnd at_end;
  (void)at_end;
  thread_shares = true;
  for (int c = 0; c < kSmallClasses; ++c) thread_lists[c].room += most_blocks(c);
}

}  // namespace

void* refill_small(int c) {
  if (!thread_shares) share_at_end();
  Shared& s = shared();
  const std::lock_guard lock(s.mutex);
  List& common = s.lists[c];
  if (!common.head) return s.cut(class_bytes(c));
  for (int i = 0; i < 32 && common.head->next; ++i) thread_lists[c].push(common.pop());
  return common.pop();
}

void spill_small(int c) {
  if (!thread_shares) share_at_end();
  Shared& s = shared();
  const std::lock_guard lock(s.mutex);
  while (thread_lists[c].room < most_blocks(c) / 2) s.lists[c].push(thread_lists[c].pop());
}

void* allocate_large(std::size_t wanted) {
  check<RuntimeError>(wanted < (std::size_t(1) << 47), "DefaultCPUAllocator: can't allocate memory: you tried to allocate {} bytes.", wanted);
  if (kSystemAllocator) return shared().from_system(wanted);
  const int c = size_class(wanted);
  const std::int64_t bytes = std::int64_t(class_bytes(c));
  Shared& s = shared();
  const std::lock_guard lock(s.mutex);
  const std::int64_t in_use = s.stats.in_use + bytes;
  void* p;
  if (s.lists[c].head) {
    s.stats.cached -= bytes;
    p = s.lists[c].pop();
  } else {
    // The working set has changed. What has gathered beyond half as much again as was ever in use at a time would only make the process grow;
    // less than that is what other parts of a training step need.
    if (s.stats.cached + in_use > std::max(s.most_in_use, in_use) / 2 * 3 + (64 << 20)) s.give_back_large();
    p = s.from_system(std::size_t(bytes));  // throws where there is no memory: nothing has been counted yet
  }
  s.stats.in_use = in_use;
  s.most_in_use = std::max(s.most_in_use, in_use);
  return p;
}

void free_large(void* p, std::size_t wanted) {
  if (kSystemAllocator) return std::free(p);
  const int c = size_class(wanted);
  const std::int64_t bytes = std::int64_t(class_bytes(c));
  Shared& s = shared();
  const std::lock_guard lock(s.mutex);
  s.lists[c].push(p);
  s.stats.in_use -= bytes;
  s.stats.cached += bytes;
}

}  // namespace ember::allocator

namespace ember {

using allocator::shared;

MemoryStats memory_stats() {
  const std::lock_guard lock(shared().mutex);
  return shared().stats;
}

void empty_cache() {
  const std::lock_guard lock(shared().mutex);
  shared().give_back();
}

}  // namespace ember
