// The pool. A job is a function and a number of slices; whoever is free claims the next slice, so a worker that has no core right now
// costs nothing. Workers spin for about 50 us after a job, because the next one of a training step is near, then sleep.
#include "runtime/parallel.h"

#include <ember/runtime.h>
#include <sched.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "error_format.h"
#include "runtime/alone.h"
#include "runtime/cores.h"
#include "runtime/fork.h"

namespace ember::kernels {
namespace {

constexpr int kMostThreads = 1024;
constexpr double kWorkPerSlice = 30e3;  // below twice this, sharing costs more than it brings (a fork-join is about 0.5 us)
constexpr int64_t kMaxSlices = 32;
constexpr int kWorkerSpins = 3000;  // one pause is 15 to 40 ns
constexpr int kJoinSpins = 4000;
constexpr int kProbeSpins = 500;
constexpr std::uint32_t kCallsBetweenProbes = 2048;

/// A handover takes about 300 ns where two cores have a cache in common. Where they have none, as at times in virtual machines, it takes
/// three times as long, and so does every line of memory that goes with it: then only larger work is shared. Which thread does a slice
/// makes no difference to the bits.
double work_worth(double handover_nanoseconds) { return handover_nanoseconds > 600 ? 220 * handover_nanoseconds : 0; }

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// What EMBER_NUM_THREADS asks for, or the cores; a warning where it asks for what cannot be.
int initial_threads() {
  const int cores = available_cores();
  const char* const text = std::getenv("EMBER_NUM_THREADS");
  if (!text || !*text) return cores;
  int wanted = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, wanted);
  if (error == std::errc() && stop == end && wanted >= 1 && wanted <= kMostThreads) return wanted;
  warn(fmt::format("EMBER_NUM_THREADS: expected a number of threads from 1 to {}, got '{}'; {} are used", kMostThreads, text, cores));
  return cores;
}

/// Moves this thread to another core when it runs on `core`. Linux likes to wake a thread beside the one that woke it, and there it
/// would stay, taking turns with the caller.
void leave_core(int core) {
  if (sched_getcpu() != core) return;
  cpu_set_t all, others;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  others = all;
  CPU_CLR(core, &others);
  if (CPU_COUNT(&others) == 0) return;
  sched_setaffinity(0, sizeof others, &others);
  sched_setaffinity(0, sizeof all, &all);
}

thread_local bool inside = false;

/// How far a job has come, in one word: its number, how many slices were claimed from the back, how many from the front.
struct Ticket {
  static constexpr int kBits = 20;
  static constexpr std::uint64_t kBackOne = std::uint64_t(1) << kBits, kMask = kBackOne - 1;
  static std::uint64_t open(std::uint32_t job) { return std::uint64_t(job) << (2 * kBits); }
  static std::uint64_t closed(std::uint32_t job) { return open(job) | kMask; }
  static bool is_of(std::uint64_t ticket, std::uint32_t job) { return (ticket ^ open(job)) >> (2 * kBits) == 0; }
  static int64_t front(std::uint64_t ticket) { return int64_t(ticket & kMask); }
  static int64_t back(std::uint64_t ticket) { return int64_t(ticket >> kBits & kMask); }
};

class Pool {
 public:
  Pool() : threads_(initial_threads()) {}
  Pool(const Pool&) = delete;
  ~Pool() { stop(); }

  int threads() const { return threads_.load(std::memory_order_relaxed); }

  void before_fork() {
    if (!inside) job_mutex_.lock();
  }
  void after_fork() {
    if (!inside) job_mutex_.unlock();
  }
  /// The child has no workers: their threads were left in the parent. The next job starts others.
  void in_child() {
    std::construct_at(&workers_);  // threads that do not exist cannot be joined
    sleeping_ = 0;
    after_fork();
  }

  void resize(int threads) {
    check<RuntimeError>(!inside, "set_num_threads: cannot be called from inside of parallel work");
    const std::lock_guard lock(job_mutex_);
    stop();
    threads_ = threads;
  }

  void run(detail::SliceFunction function, void* context, int64_t slices, double work) {
    static constinit thread_local std::uint32_t calls = 0;
    std::unique_lock lock(job_mutex_, std::defer_lock);
    const bool probes = !inside && ++calls % kCallsBetweenProbes == 0;
    if (inside || threads() == 1 || (work < worth_sharing_.load(std::memory_order_relaxed) && !probes) || !lock.try_lock()) {
      for (int64_t slice = 0; slice < slices; ++slice) function(context, slice);
      return;
    }
    if (workers_.empty()) start();
    if (probes)
      if (const double time = handover_nanoseconds(); time > 0) worth_sharing_.store(work_worth(time), std::memory_order_relaxed);
    share(function, context, slices);
  }

 private:
  void share(detail::SliceFunction function, void* context, int64_t slices) {
    const std::uint32_t job = job_.load(std::memory_order_relaxed) + 1;
    ticket_.store(Ticket::closed(job));  // nobody can claim while the fields change, not even a late worker
    function_ = function;
    context_ = context;
    slices_ = slices;
    done_.store(0, std::memory_order_relaxed);
    caller_core_.store(sched_getcpu(), std::memory_order_relaxed);
    error_ = nullptr;
    ticket_.store(Ticket::open(job), std::memory_order_release);
    job_.store(job);  // seq_cst: pairs with a worker's last look before it sleeps
    if (sleeping_.load()) job_.notify_all();
    inside = true;
    work(job, true);
    inside = false;
    for (int spins = 0; done_.load(std::memory_order_acquire) != slices; ++spins) {
      if (spins < kJoinSpins) pause();
      else std::this_thread::yield();
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  /// The time of a job of two empty slices, of which a worker took one: the least of a few. 0 when no worker came.
  double handover_nanoseconds() {
    struct Probe {
      std::atomic<bool> begun{false};
      const bool* caller = &inside;
      bool handed_over = false;
    };
    double least = 0;
    for (int round = 0; round < 6; ++round) {
      Probe probe;
      const auto start = std::chrono::steady_clock::now();
      share(
          [](void* context, int64_t slice) {
            Probe& p = *static_cast<Probe*>(context);
            if (slice == 1) {
              p.handed_over = p.caller != &inside;
              p.begun.store(true, std::memory_order_release);
            }
            for (int spins = 0; spins < kProbeSpins && !p.begun.load(std::memory_order_acquire); ++spins) pause();
          },
          &probe, 2);
      const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
      if (probe.handed_over && (least == 0 || time.count() < least)) least = time.count();
    }
    return least;
  }

  void start() {
    try {
      for (int i = 1; i < threads(); ++i) workers_.emplace_back([this] { worker(); });
    } catch (const std::system_error&) {  // the system gives no more: those that there are do the work
      threads_ = int(workers_.size()) + 1;
      warn(fmt::format("the system has no more threads: {} are used", threads()));
    }
  }

  void stop() {
    if (workers_.empty()) return;
    quit_ = true;
    job_.fetch_add(1);
    job_.notify_all();
    for (std::thread& t : workers_) t.join();
    workers_.clear();
    quit_ = false;
  }

  void worker() {
    inside = true;
    std::uint32_t seen = job_.load(std::memory_order_acquire);
    work(seen, false);  // the job that started this thread may be waiting
    while (!quit_) {    // a program may end before this thread has come to its first look at job_
      std::uint32_t now;
      for (int spins = 0; (now = job_.load(std::memory_order_acquire)) == seen; ++spins) {
        if (spins < kWorkerSpins) {
          pause();
          continue;
        }
        sleeping_.fetch_add(1);
        if (job_.load() == seen) job_.wait(seen);
        sleeping_.fetch_sub(1);
        spins = 0;
      }
      seen = now;
      if (quit_) return;
      leave_core(caller_core_.load(std::memory_order_relaxed));
      work(seen, false);
    }
  }

  /// Claims slices of this job until none is left. The ticket holds the job's number, so one who comes late claims nothing. The caller
  /// claims from the front, workers from the back: in call after call a core meets the part of the data that is in its own cache.
  void work(std::uint32_t job, bool caller) {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    while (Ticket::is_of(ticket, job)) {
      const int64_t slices = slices_.load(std::memory_order_relaxed), front = Ticket::front(ticket), back = Ticket::back(ticket);
      if (front + back >= slices) return;
      const int64_t slice = caller ? front : slices - 1 - back;
      if (!ticket_.compare_exchange_weak(ticket, ticket + (caller ? 1 : Ticket::kBackOne), std::memory_order_acq_rel)) continue;
      try {
        function_(context_, slice);  // stable while a claimed slice is not done
      } catch (...) {
        const std::lock_guard lock(error_mutex_);
        if (!error_) error_ = std::current_exception();
      }
      done_.fetch_add(1, std::memory_order_release);
      ticket = ticket_.load(std::memory_order_acquire);
    }
  }

  std::mutex job_mutex_, error_mutex_;
  std::atomic<double> worth_sharing_{0};
  std::atomic<int> threads_;
  std::vector<std::thread> workers_;
  alignas(64) std::atomic<std::uint32_t> job_{0};
  alignas(64) std::atomic<std::uint64_t> ticket_{0};
  alignas(64) std::atomic<int64_t> done_{0};
  alignas(64) std::atomic<int> sleeping_{0};
  std::atomic<bool> quit_{false};
  std::atomic<int> caller_core_{-1};
  detail::SliceFunction function_ = nullptr;
  void* context_ = nullptr;
  std::atomic<int64_t> slices_{0};
  std::exception_ptr error_;
};

Pool& pool() {
  static Pool& p = []() -> Pool& {
    static Pool one;
    at_fork({.rank = 1, .before = [] { one.before_fork(); }, .in_parent = [] { one.after_fork(); }, .in_child = [] { one.in_child(); }});
    return one;
  }();
  return p;
}

}  // namespace

void work_alone() { inside = true; }

int num_threads() { return pool().threads(); }
void set_num_threads(int threads) {
  if (threads != pool().threads()) pool().resize(threads);
}

int64_t slices_for(int64_t n, int64_t grain, double work) {
  if (work < 2 * kWorkPerSlice || n <= grain) return 1;
  int64_t slices = int64_t(work / kWorkPerSlice);
  const int64_t units = (n + grain - 1) / grain;
  if (slices > units) slices = units;
  return slices < kMaxSlices ? slices : kMaxSlices;
}

void detail::run_slices(SliceFunction function, void* context, int64_t slices, double work) { pool().run(function, context, slices, work); }

}  // namespace ember::kernels

namespace ember {

int get_num_threads() { return kernels::num_threads(); }
void set_num_threads(int threads) {
  check<RuntimeError>(threads > 0, "set_num_threads expects a positive integer");
  check<RuntimeError>(threads <= kernels::kMostThreads, "set_num_threads: expected at most {} threads, got {}", kernels::kMostThreads, threads);
  kernels::set_num_threads(threads);
}

}  // namespace ember
