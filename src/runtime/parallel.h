// Work on several cores: a fork-join pool that cuts by the size of the work, never by the number of threads, so that results are
// the same bits on any machine.
#pragma once

#include <cstdint>
#include <type_traits>

namespace ember::kernels {

using std::int64_t;

int num_threads();
void set_num_threads(int threads);

/// How many slices this work deserves: `work` counts elementary steps (a multiply-add, an element copied). At most one for each
/// `grain` of the n units, and 1 when the whole is too small to share.
int64_t slices_for(int64_t n, int64_t grain, double work);

namespace detail {
using SliceFunction = void (*)(void* context, int64_t slice);
void run_slices(SliceFunction function, void* context, int64_t slices, double work);
}  // namespace detail

/// body(slice) for each of [0, slices), on all threads, the caller among them. Calls from inside a body run inline, and so does `work`
/// that is not worth a handover to another core on this machine. The first exception reaches the caller after all slices have ended.
template <class Body>
void parallel_slices(int64_t slices, Body&& body, double work = 1e300) {
  if (slices <= 1) {
    if (slices == 1) body(int64_t(0));
    return;
  }
  using Plain = std::remove_reference_t<Body>;
  detail::run_slices([](void* context, int64_t slice) { (*static_cast<Plain*>(context))(slice); }, const_cast<void*>(static_cast<const void*>(&body)),
                     slices, work);
}

/// Part `slice` of [0, n), cut at multiples of grain.
struct Range {
  int64_t begin, end;
};
inline Range slice_range(int64_t n, int64_t grain, int64_t slice, int64_t slices) {
  const int64_t units = (n + grain - 1) / grain;
  const int64_t begin = units * slice / slices * grain, end = units * (slice + 1) / slices * grain;
  return {begin < n ? begin : n, end < n ? end : n};
}

/// body(begin, end) over [0, n) in pieces cut at multiples of `grain`.
template <class Body>
void parallel_for(int64_t n, int64_t grain, double work, Body&& body) {
  const int64_t slices = slices_for(n, grain, work);
  if (slices <= 1) {
    if (n > 0) body(int64_t(0), n);
    return;
  }
  parallel_slices(
      slices,
      [&](int64_t slice) {
        const Range range = slice_range(n, grain, slice, slices);
        if (range.begin < range.end) body(range.begin, range.end);
      },
      work);
}

}  // namespace ember::kernels
