// Reductions on all threads.
#include "kernels/reduce/reduce.h"

#include "kernels/kernels.h"
#include "runtime/parallel.h"

namespace ember::kernels {

void reduce(ReduceLoop loop, const ReduceCall& call, int64_t x_bytes, int64_t y_bytes, double work, int64_t grain) {
  const auto part = [&](int64_t o0, int64_t o1, int64_t i0, int64_t i1) {
    ReduceCall own = call;
    own.outer = o1 - o0;
    own.inner = i1 - i0;
    own.x = static_cast<const char*>(call.x) + (o0 * call.x_outer + i0) * x_bytes;
    own.y = static_cast<char*>(call.y) + (o0 * call.y_outer + i0) * y_bytes;
    loop(own);
  };
  if (call.outer > 1) parallel_for(call.outer, 1, work, [&](int64_t begin, int64_t end) { part(begin, end, 0, call.inner); });
  else parallel_for(call.inner, grain, work, [&](int64_t begin, int64_t end) { part(0, 1, begin, end); });
}

template <class T>
void row_moments(int64_t rows, int64_t n, const T* x, double* mean, double* squares) {
  parallel_for(rows, 1, double(rows * n) * 2,
               [&](int64_t begin, int64_t end) { moments_loops<T>().rows(end - begin, n, x + begin * n, mean + begin, squares + begin); });
}

template void row_moments(int64_t, int64_t, const float*, double*, double*);
template void row_moments(int64_t, int64_t, const double*, double*, double*);

}  // namespace ember::kernels
