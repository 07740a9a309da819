// How a matrix product is cut: into column panels of B, packed where the instruction set cannot read them as they lie, and into
// cells of rows for the pool. Every number of C is summed in the same order whatever the cut, so the bits do not depend on it.

#include "kernels/gemm/gemm.h"

#include <algorithm>
#include <optional>

#include "kernels/gemm/provider.h"
#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels {
namespace {

constexpr int64_t kDepth = 512;                   // longest sum in registers: a packed panel of it stays in the L2 cache
constexpr int64_t kMultiplyAddsOfCell = 1 << 18;  // a few microseconds: what is worth a claim by another thread
constexpr int64_t kMostCells = 64;
constexpr int64_t kBandRows = 8;             // bands of rows are cut at multiples of this: whole register tiles
constexpr int64_t kPackedNumbers = 1 << 19;  // of B, packed at a time for all threads
constexpr int64_t kDepthOfPart = 1024;       // sums this long may be cut into parts
constexpr int64_t kMultiplyAddsOfPart = 1 << 19;
constexpr int64_t kTransposeSteps = 5;  // vector operations for each vector that is transposed in registers
constexpr int64_t kFewRows = 3;         // so few leave registers for a vector more, and sums in flight are what counts
constexpr int64_t kRowsOfDot = 4;       // up to here, packing B costs more than it saves
constexpr int64_t kStreamDepth = 16;    // rows of B that a single row of A meets at a time, as caches and pages follow
constexpr int64_t kNumbersOfBand = 1 << 15;
constexpr int64_t kShallow = 4;  // sums so short that writing C is what counts: along its rows

int64_t blocks(int64_t n, int64_t most) { return (n + most - 1) / most; }

/// Vectors that n numbers fill.
template <class T>
int64_t vectors_of(const GemmFamily<T>& f, int64_t n) {
  return (n + f.lanes - 1) >> __builtin_ctz(unsigned(f.lanes));
}

template <class T>
struct Problem {
  int64_t m, n, k;
  Matrix<T> a, b;
  T* c;
  int64_t ldc;
  Epilogue<T> epilogue;

  double multiply_adds() const { return double(m) * double(n) * double(k); }
  double work() const { return multiply_adds() / 8; }  // in the pool's steps: a vector does many multiply-adds at once
};

/// Columns [j, j + columns) of B, rows [k0, k0 + depth), as contiguous rows of whole vectors; zeros beyond the columns.
template <class T>
void pack(const GemmFamily<T>& f, Matrix<T> b, int64_t k0, int64_t depth, int64_t j, int columns, T* out, int64_t out_row) {
  const T* from = b.data + k0 * b.row_stride + j * b.column_stride;
  if (b.row_stride == 1) return f.pack_transposed(depth, columns, from, b.column_stride, out, out_row);
  if (b.column_stride == 1) return f.pack_rows(depth, columns, from, b.row_stride, out, out_row);
  for (int64_t p = 0; p < depth; ++p, from += b.row_stride, out += out_row) {
    for (int i = 0; i < columns; ++i) out[i] = from[i * b.column_stride];
    for (int64_t i = columns; i < out_row; ++i) out[i] = T(0);
  }
}

/// Must B be copied before a panel can read it, or is it worth it?
template <class T>
bool wants_packing(const GemmFamily<T>& f, const Problem<T>& p) {
  if (p.b.column_stride != 1) return true;
  if (!f.masked_loads && p.n % f.lanes != 0) return true;
  // Rows of B a page or more apart cost a TLB miss each; packing pays when enough rows of A use the copy.
  return p.b.row_stride * int64_t(sizeof(T)) >= 2048 && p.m >= 64 && p.k >= 64;
}

/// One matrix product in the order of its panels: the k0-th part of the sums of a panel's columns, for some rows. Panels are of the
/// widest kind, but two of two vectors rather than three and one; an even number of them shares better. Most products of a small net
/// have one panel and one part: these divide nothing.
template <class T>
struct Panels {
  const Problem<T>& p;
  const GemmFamily<T>& f = gemm_loops<T>();
  const bool shared;
  const int64_t vectors = vectors_of(f, p.n);
  const int64_t widest = f.panel_vectors + (p.m <= kFewRows);
  const int64_t count = vectors <= widest ? 1 : even(blocks(vectors, widest));
  const int64_t width = std::min<int64_t>(widest, vectors) * f.lanes;  // of a packed panel, at most
  const bool packs = wants_packing(f, p);
  const bool streams = !packs && p.m == 1 && p.k >= 2 * kStreamDepth && p.b.row_stride * int64_t(sizeof(T)) >= 2048;
  const int64_t most = streams ? kStreamDepth : kDepth;
  const int64_t depth = p.k <= most ? p.k : blocks(p.k, blocks(p.k, most));

  /// Rows of A that stay in the second-level cache beside the panels; few where sums are short.
  int64_t band_rows() const { return p.k <= kShallow ? 2 * kBandRows : std::max<int64_t>(48, kNumbersOfBand / depth / 48 * 48); }

  int64_t even(int64_t n) const { return shared ? std::min(vectors, n + n % 2) : n; }
  int64_t start(int64_t panel) const { return panel == 0 ? 0 : panel == count ? p.n : vectors * panel / count * f.lanes; }
  int columns(int64_t panel) const { return int(start(panel + 1) - start(panel)); }
  int64_t packed_row(int64_t panel) const { return vectors_of(f, columns(panel)) * f.lanes; }
  int64_t length(int64_t k0) const { return std::min(depth, p.k - k0); }

  void pack_panel(int64_t panel, int64_t k0, T* out) const { pack(f, p.b, k0, length(k0), start(panel), columns(panel), out, packed_row(panel)); }

  /// Rows [i0, i1) of one column panel of C. packed: what pack_panel wrote, or null where B is read as it lies.
  void run(int64_t panel, int64_t k0, const T* packed, int64_t i0, int64_t i1) const {
    const int64_t j = start(panel);
    const bool last = k0 + depth >= p.k;
    Panel<T> q{};
    q.rows = i1 - i0;
    q.columns = columns(panel);
    q.a = p.a.data + i0 * p.a.row_stride + k0 * p.a.column_stride;
    q.a_row = p.a.row_stride;
    q.b = packed ? packed : p.b.data + k0 * p.b.row_stride + j;
    q.c = p.c + i0 * p.ldc + j;
    q.c_row = p.ldc;
    q.inner = {length(k0), p.a.column_stride, packed ? packed_row(panel) : p.b.row_stride};
    q.epilogue.accumulate = p.epilogue.accumulate || k0 > 0;
    if (last && p.epilogue.bias) q.epilogue.bias = p.epilogue.bias + j;
    q.epilogue.relu = last && p.epilogue.relu;
    f.panel(q);
  }
};

/// Rows [i0, i1) of some panels by bands of rows: a band is multiplied by all panels that stay in the cache packed before the next one comes. For
/// many rows, which would be read from memory again for each panel, and for short sums, whose results are written along rows.
template <class T>
void run_by_bands(const Panels<T>& panels, int64_t first, int64_t end, int64_t i0, int64_t i1) {
  const int64_t size = panels.depth * panels.width,
                group = panels.packs ? std::clamp<int64_t>(2 * kNumbersOfBand / size, 1, end - first) : end - first, rows = panels.band_rows();
  const Scratch<T> packed(panels.packs ? group * size : 0);
  for (int64_t from = first; from < end; from += group)
    for (int64_t k0 = 0; k0 < panels.p.k; k0 += panels.depth) {
      const int64_t to = std::min(end, from + group);
      const auto place = [&](int64_t panel) { return panels.packs ? packed + (panel - from) * size : nullptr; };
      for (int64_t panel = from; panels.packs && panel < to; ++panel) panels.pack_panel(panel, k0, place(panel));
      for (int64_t i = i0; i < i1; i += rows)
        for (int64_t panel = from; panel < to; ++panel) panels.run(panel, k0, place(panel), i, std::min(i1, i + rows));
    }
}

/// Rows [i0, i1) of some panels: each is packed and used while it is in the cache.
template <class T>
void run_in_order(const Panels<T>& panels, int64_t first, int64_t end, int64_t i0, int64_t i1) {
  if (end - first > 1 && (i1 - i0 > panels.band_rows() || panels.streams)) return run_by_bands(panels, first, end, i0, i1);
  std::optional<Scratch<T>> packed;
  if (panels.packs) packed.emplace(panels.depth * panels.width);
  for (int64_t panel = first; panel < end; ++panel)
    for (int64_t k0 = 0; k0 < panels.p.k; k0 += panels.depth) {
      if (packed) panels.pack_panel(panel, k0, packed->data());
      panels.run(panel, k0, packed ? packed->data() : nullptr, i0, i1);
    }
}

/// First the panels of a group are packed, each once, then its cells of panel and rows are shared out.
template <class T>
void run_cells(const Panels<T>& panels) {
  const Problem<T>& p = panels.p;
  const double parts = double(blocks(p.k, panels.depth));
  const int64_t size = panels.depth * panels.width;
  const int64_t group = panels.packs ? std::clamp<int64_t>(kPackedNumbers / size, 1, panels.count) : panels.count;
  std::optional<Scratch<T>> packed;
  if (panels.packs) packed.emplace(group * size);
  const int64_t wanted = std::min(kMostCells, int64_t(p.multiply_adds() / kMultiplyAddsOfCell) + 1);
  const int64_t bands = std::clamp<int64_t>(std::max(blocks(wanted, panels.count), blocks(p.m, 2 * panels.band_rows())), 1, blocks(p.m, kBandRows));
  for (int64_t first = 0; first < panels.count; first += group) {
    const int64_t end = std::min(panels.count, first + group), count = end - first;
    const double work = p.work() * double(count) / double(panels.count) / parts;
    for (int64_t k0 = 0; k0 < p.k; k0 += panels.depth) {
      const auto place = [&](int64_t i) { return packed ? packed->data() + i * size : nullptr; };
      if (packed)
        parallel_for(count, 1, double(count * size), [&](int64_t from, int64_t to) {
          for (int64_t i = from; i < to; ++i) panels.pack_panel(first + i, k0, place(i));
        });
      parallel_for(count * bands, 1, work, [&](int64_t from, int64_t to) {
        for (int64_t cell = from; cell < to; ++cell) {
          const Range rows = slice_range(p.m, kBandRows, cell / count, bands);
          if (rows.begin < rows.end) panels.run(first + cell % count, k0, place(cell % count), rows.begin, rows.end);
        }
      });
    }
  }
}

/// Which side of C are the features of a layer? In a training step one thread should meet the same features in every product, where
/// weights and activations are in its own cache: moving them between two cores can cost more than the arithmetic.
enum class Features : std::uint8_t { Columns, Rows };

template <class T>
void run_panels(const Problem<T>& p, Features features) {
  const int64_t threads = num_threads(), slices = threads > 1 ? slices_for(p.m * p.n, 1, p.work()) : 1;
  const Panels<T> panels{.p = p, .shared = slices > 1};
  if (slices == 1) return run_in_order(panels, 0, panels.count, 0, p.m);
  if (features == Features::Rows) {
    const int64_t parts = std::min({slices, threads, blocks(p.m, kBandRows)});
    return parallel_slices(
        parts,
        [&](int64_t part) {
          const Range rows = slice_range(p.m, kBandRows, part, parts);
          run_in_order(panels, 0, panels.count, rows.begin, rows.end);
        },
        p.work());
  }
  if (panels.count % threads == 0 || panels.count > 4 * threads)
    return parallel_for(panels.count, 1, p.work(), [&](int64_t first, int64_t end) { run_in_order(panels, first, end, 0, p.m); });
  run_cells(panels);
}

/// C has few cells and its sums are long: each part of the sums goes into a matrix of its own; these are added in order.
template <class T>
void run_split_sums(const Problem<T>& p, int64_t parts) {
  const int64_t size = p.m * p.n;
  Scratch<T> partial(size * parts);
  const int64_t depth = blocks(p.k, parts);
  parallel_for(parts, 1, p.work(), [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      Problem<T> q = p;
      q.a.data += part * depth * p.a.column_stride;
      q.b.data += part * depth * p.b.row_stride;
      q.k = std::min(depth, p.k - part * depth);
      q.c = partial + part * size;
      q.ldc = p.n;
      q.epilogue = {};
      run_panels(q, Features::Columns);
    }
  });
  for (int64_t i = 0; i < p.m; ++i)
    for (int64_t j = 0; j < p.n; ++j) {
      T sum = partial[i * p.n + j];
      for (int64_t part = 1; part < parts; ++part) sum += partial[part * size + i * p.n + j];
      T& out = p.c[i * p.ldc + j];
      if (p.epilogue.bias) sum += p.epilogue.bias[j];
      if (p.epilogue.accumulate) sum += out;
      out = p.epilogue.relu && sum < T(0) ? T(0) : sum;
    }
}

/// About how many vector operations rows x columns sums of k cost, with the packing of B.
template <class T>
int64_t steps_of(const GemmFamily<T>& f, int64_t rows, int64_t columns, int64_t k, Matrix<T> b) {
  const int64_t vectors = vectors_of(f, columns);
  const bool transposes = b.column_stride != 1;
  return vectors * (rows * k + (transposes ? kTransposeSteps * vectors_of(f, k) * f.lanes : 0));
}

/// Does C^T = B^T A^T cost less? Where C has few columns its vectors would be half empty, and where A is small beside B there is less
/// to pack. The sums are the same.
template <class T>
bool pays_transposed(const Problem<T>& p) {
  const GemmFamily<T>& f = gemm_loops<T>();
  if (p.m <= kRowsOfDot) return false;
  if (p.b.column_stride != 1 && p.b.column_stride * int64_t(sizeof(T)) % 4096 == 0) return false;  // its rows map to the same cache sets
  const int64_t whole = p.n >> __builtin_ctz(unsigned(f.lanes)), rest = p.n - whole * f.lanes;
  const int64_t write = kTransposeSteps * whole * f.lanes * vectors_of(f, p.m) + 2 * rest * p.m;
  return steps_of(f, p.n, p.m, p.k, p.a.transposed()) + write < steps_of(f, p.m, p.n, p.k, p.b);
}

template <class T>
void run_transposed(const Problem<T>& p) {
  const Scratch<T> product(p.n * p.m);
  run_panels(Problem<T>{p.n, p.m, p.k, p.b.transposed(), p.a.transposed(), product, p.m, {}}, Features::Rows);
  parallel_for(p.n, gemm_loops<T>().lanes, double(p.n * p.m), [&](int64_t begin, int64_t end) {
    Epilogue<T> e = p.epilogue;
    if (e.bias) e.bias += begin;
    gemm_loops<T>().write_transposed(p.m, end - begin, product + begin * p.m, p.m, p.c + begin, p.ldc, e);
  });
}

/// Few rows of A against rows of B^T: dot products, nothing is packed.
template <class T>
void run_dots(const Problem<T>& p) {
  std::optional<Scratch<T>> rows;
  Matrix<T> a = p.a;
  if (a.column_stride != 1) {
    rows.emplace(p.m * p.k);
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t q = 0; q < p.k; ++q) rows->data()[i * p.k + q] = a.data[i * a.row_stride + q * a.column_stride];
    a = {rows->data(), p.k, 1};
  }
  const int64_t grain = std::max<int64_t>(8, blocks(kMultiplyAddsOfPart / 8, p.m * p.k));
  parallel_for(p.n, grain, p.work(), [&](int64_t begin, int64_t end) {
    Epilogue<T> e = p.epilogue;
    if (e.bias) e.bias += begin;
    gemm_loops<T>().dot_rows(p.m, end - begin, p.k, a.data, a.row_stride, p.b.data + begin * p.b.column_stride, p.b.column_stride, p.c + begin, p.ldc,
                             e);
  });
}

template <class T>
void run_outer_product(const Problem<T>& p) {
  parallel_for(p.m, 4, p.work(), [&](int64_t begin, int64_t end) {
    gemm_loops<T>().outer_product(end - begin, p.n, p.a.data + begin * p.a.row_stride, p.a.row_stride, p.b.data, p.c + begin * p.ldc, p.ldc,
                                  p.epilogue.accumulate);
  });
}

template <class T>
void run_empty_sums(const Problem<T>& p) {
  for (int64_t i = 0; i < p.m; ++i)
    for (int64_t j = 0; j < p.n; ++j) {
      T& out = p.c[i * p.ldc + j];
      const T sum = (p.epilogue.accumulate ? out : T(0)) + (p.epilogue.bias ? p.epilogue.bias[j] : T(0));
      out = p.epilogue.relu && sum < T(0) ? T(0) : sum;
    }
}

}  // namespace

template <class T>
void gemm(int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b, T* c, int64_t ldc, Epilogue<T> epilogue) {
  if (m == 0 || n == 0) return;
  if (n == 1 && m > 1 && ldc == 1 && !epilogue.bias) return gemm(n, m, k, b.transposed(), a.transposed(), c, m, epilogue);

  const Problem<T> p{m, n, k, a, b, c, ldc, epilogue};
  if (k == 0) return run_empty_sums(p);
  if (openblas_takes<T>(m, n, k, a, b)) return openblas_gemm<T>(m, n, k, a, b, c, ldc, epilogue);
  if (k == 1 && m > 1 && b.column_stride == 1 && !epilogue.bias && !epilogue.relu) return run_outer_product(p);
  if (m <= kRowsOfDot && b.row_stride == 1 && b.column_stride != 1) return run_dots(p);

  if (k >= 2 * kDepthOfPart) {
    const int64_t cells = blocks(vectors_of(gemm_loops<T>(), n), gemm_loops<T>().panel_vectors) * std::max<int64_t>(1, m / 16);
    const int64_t parts = std::min<int64_t>({8, k / kDepthOfPart, int64_t(p.multiply_adds() / kMultiplyAddsOfPart)});
    if (cells < 4 && parts > 1) return run_split_sums(p, parts);
  }
  if (pays_transposed(p)) return run_transposed(p);
  run_panels(p, a.row_stride == 1 ? Features::Rows : Features::Columns);  // rows: the gradient of a weight
}

template <class T>
void column_sums(int64_t rows, int64_t n, const T* x, int64_t x_row, T* sums, bool accumulate) {
  parallel_for(n, 64, double(rows * n) / 2,
               [&](int64_t begin, int64_t end) { gemm_loops<T>().column_sums(rows, end - begin, x + begin, x_row, sums + begin, accumulate); });
}

template <class T>
void gemm_in_cache(int64_t m, int64_t n, int64_t k, Matrix<T> a, const T* b, int64_t b_row, T* c, int64_t c_row, bool accumulate, int64_t strip) {
  const GemmFamily<T>& f = gemm_loops<T>();
  const int64_t wide = strip ? strip : f.panel_vectors * f.lanes;
  for (int64_t j = 0; j < n; j += wide) {
    Panel<T> q{};
    q.rows = m;
    q.columns = int(std::min(wide, n - j));
    q.a = a.data;
    q.a_row = a.row_stride;
    q.b = b + j;
    q.c = c + j;
    q.c_row = c_row;
    q.inner = {k, a.column_stride, b_row};
    q.epilogue.accumulate = accumulate;
    f.panel(q);
  }
}
template void gemm_in_cache(int64_t, int64_t, int64_t, Matrix<float>, const float*, int64_t, float*, int64_t, bool, int64_t);
template void gemm_in_cache(int64_t, int64_t, int64_t, Matrix<double>, const double*, int64_t, double*, int64_t, bool, int64_t);

template <class T>
void gemm_batch(int64_t batch, int64_t m, int64_t n, int64_t k, Matrix<T> a, int64_t a_step, Matrix<T> b, int64_t b_step, T* c) {
  const auto one = [&](int64_t i) {
    gemm<T>(m, n, k, {a.data + i * a_step, a.row_stride, a.column_stride}, {b.data + i * b_step, b.row_stride, b.column_stride}, c + i * m * n, n);
  };
  if (batch == 1) return one(0);  // whose own cut uses all threads
  parallel_for(batch, 1, double(batch) * double(m) * double(n) * double(k) / 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) one(i);
  });
}

template void gemm_batch(int64_t, int64_t, int64_t, int64_t, Matrix<float>, int64_t, Matrix<float>, int64_t, float*);
template void gemm_batch(int64_t, int64_t, int64_t, int64_t, Matrix<double>, int64_t, Matrix<double>, int64_t, double*);

template void column_sums(int64_t, int64_t, const float*, int64_t, float*, bool);
template void column_sums(int64_t, int64_t, const double*, int64_t, double*, bool);
template void gemm(int64_t, int64_t, int64_t, Matrix<float>, Matrix<float>, float*, int64_t, Epilogue<float>);
template void gemm(int64_t, int64_t, int64_t, Matrix<double>, Matrix<double>, double*, int64_t, Epilogue<double>);

}  // namespace ember::kernels
