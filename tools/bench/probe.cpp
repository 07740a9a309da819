// What this machine can do: usage bench_probe THREADS. Prints the peak of fused multiply-adds in GFLOP/s, then pairs of a working set
// in bytes and the bandwidth of copying within it in GB/s (bytes read and bytes written), all threads together.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace {

#ifdef __AVX512F__
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif
typedef float Lanes __attribute__((vector_size(kLanes * 4), may_alias));

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Ten independent chains hide the latency of four cycles on two units.
double multiply_adds(int64_t rounds) {
  const Lanes a = Lanes{} + 0.999f, b = Lanes{} + 1e-3f;
  Lanes s0 = b, s1 = s0 + b, s2 = s1 + b, s3 = s2 + b, s4 = s3 + b, s5 = s4 + b, s6 = s5 + b, s7 = s6 + b, s8 = s7 + b, s9 = s8 + b;
  for (int64_t i = 0; i < rounds; ++i) {
    s0 = s0 * a + b, s1 = s1 * a + b, s2 = s2 * a + b, s3 = s3 * a + b, s4 = s4 * a + b;
    s5 = s5 * a + b, s6 = s6 * a + b, s7 = s7 * a + b, s8 = s8 * a + b, s9 = s9 * a + b;
  }
  return double((s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9)[0]);
}

struct Free {
  void operator()(float* p) const { std::free(p); }
};
using Buffer = std::unique_ptr<float, Free>;

Buffer buffer(int64_t n) {
  const int64_t page = 4096, bytes = (n * 4 + page - 1) / page * page;
  Buffer result(static_cast<float*>(std::aligned_alloc(std::size_t(page), std::size_t(bytes))));
  std::fill_n(result.get(), n, 1.0f);
  return result;
}

void copy(const float* from, float* to, int64_t n, int64_t rounds) {
  for (int64_t r = 0; r < rounds; ++r) {
    for (int64_t i = 0; i + 4 * kLanes <= n; i += 4 * kLanes)
      for (int k = 0; k < 4; ++k) *reinterpret_cast<Lanes*>(to + i + k * kLanes) = *reinterpret_cast<const Lanes*>(from + i + k * kLanes);
    asm volatile("" : : "r"(from), "r"(to) : "memory");
  }
}

/// The best of several runs of work(thread) on all threads at once, in seconds.
template <class Work>
double best_time(int threads, const Work& work) {
  double best = 1e9;
  for (int repetition = 0; repetition < 16; ++repetition) {
    std::vector<double> times(std::size_t(threads), 0.0);
    const auto timed = [&](int thread) {
      const auto start = std::chrono::steady_clock::now();
      work(thread);
      times[std::size_t(thread)] = seconds_since(start);
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(timed, t);
    timed(0);
    for (std::thread& other : others) other.join();
    best = std::min(best, *std::max_element(times.begin(), times.end()));
  }
  return best;
}

}  // namespace

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::max(1, std::atoi(arguments[1])) : 1;
  constexpr int64_t kRounds = 5'000'000;
  volatile double sink = 0;
  const double time = best_time(threads, [&](int) { sink = multiply_adds(kRounds); });
  std::printf("%.1f", 2.0 * 10 * kLanes * double(kRounds) * threads / time * 1e-9);

  // Sets that lie in L1, in L2, in L3 and in memory on today's machines; threads share the last two.
  using Set = std::pair<int64_t, bool>;
  for (const auto& [bytes, shared] :
       {Set{24 << 10, false}, {512 << 10, false}, {4 << 20, true}, {12 << 20, true}, {28 << 20, true}, {192 << 20, true}}) {
    const int64_t mine = bytes / (shared ? threads : 1), n = mine / 8;
    std::vector<Buffer> from, to;
    for (int t = 0; t < threads; ++t) from.push_back(buffer(n)), to.push_back(buffer(n));
    const int64_t rounds = std::max<int64_t>(1, (int64_t(96) << 20) / mine);
    const double took = best_time(threads, [&](int t) { copy(from[std::size_t(t)].get(), to[std::size_t(t)].get(), n, rounds); });
    std::printf(" %lld %.1f", static_cast<long long>(mine * threads), 8.0 * double(n * rounds) * threads / took * 1e-9);
  }
  std::printf("\n");
}
