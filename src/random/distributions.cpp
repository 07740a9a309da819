// What is drawn from the generator: uniform and normal numbers, integers, coin flips, permutations.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/reduce.h>
#include <ember/random.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "error_format.h"
#include "kernels/kernels.h"
#include "random/draws.h"
#include "random/noise.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"
#include "tensor/defined.h"
#include "tensor/impl.h"
#include "with_type.h"

namespace ember {
namespace {

constexpr int64_t kChunk = 1024;

/// fill(dense) writes the elements of a row-major tensor one after the other; t gets them in the order of its memory.
template <class Fill>
const Tensor& fill_in_memory_order(const Tensor& t, Fill&& fill) {
  check_inplace(t);
  NoGradGuard no_grad;
  if (is_dense(t)) {
    fill(make_alias(t, {t.numel()}, {1}, 0));
    t.bump_version();
    return t;
  }
  Shape order;
  for (int d = 0; d < t.dim(); ++d) order.push_back(d);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return t.strides()[int(a)] > t.strides()[int(b)]; });
  const Tensor permuted = t.detach().permute(order);
  const Tensor values = make_dense(permuted.sizes(), t.dtype());
  fill(values.view({values.numel()}));
  permuted.copy_(values);
  return t;
}

/// next() for each element.
template <class Next>
const Tensor& fill_each(const Tensor& t, Next&& next) {
  return fill_in_memory_order(t, [&](const Tensor& flat) {
    with_type(t.dtype(), [&](auto zero) {
      using T = decltype(zero);
      T* p = static_cast<T*>(flat.data_ptr());
      for (int64_t i = 0; i < flat.numel(); ++i) p[i] = T(next());
    });
  });
}

void uniform_into(MersenneTwister& g, int64_t n, float from, float to, float* out) {
  std::uint32_t words[kChunk];
  for (int64_t i = 0; i < n; i += kChunk) {
    const int64_t count = std::min(kChunk, n - i);
    g.fill(count, words);
    kernels::random_loops().uniform_float(count, words, from, to, out + i);
  }
}
void uniform_into(MersenneTwister& g, int64_t n, double from, double to, double* out) {
  std::uint32_t words[2 * kChunk];
  for (int64_t i = 0; i < n; i += kChunk) {
    const int64_t count = std::min(kChunk, n - i);
    g.fill(2 * count, words);
    kernels::random_loops().uniform_double(count, words, from, to, out + i);
  }
}

void box_muller(int64_t blocks, float mean, float std, float* x) { kernels::random_loops().normal_float(blocks, mean, std, x); }
void box_muller(int64_t blocks, double mean, double std, double* x) {
  for (; blocks > 0; --blocks, x += 16)
    for (int i = 0; i < 8; ++i) {
      const double radius = std::sqrt(-2.0 * std::log(1.0 - x[i])), theta = 2.0 * M_PI * x[i + 8];
      x[i] = std::fma(radius * std::cos(theta), std, mean);
      x[i + 8] = std::fma(radius * std::sin(theta), std, mean);
    }
}

/// 16 and more numbers, row-major: blocks of 16 uniform ones; the last 16 are drawn anew when n is not a multiple.
template <class T>
void normal_blocks(MersenneTwister& g, int64_t n, T mean, T std, T* x) {
  uniform_into(g, n, T(0), T(1), x);
  box_muller(n / 16, mean, std, x);
  if (n % 16 == 0) return;
  uniform_into(g, 16, T(0), T(1), x + n - 16);
  box_muller(1, mean, std, x + n - 16);
}

void check_real(const char* name, const Tensor& t) {
  check<NotImplementedError>(is_floating_point(t.dtype()), "\"{}\" not implemented for '{}'", name, scalar_type_name(t.dtype()));
}

/// u < p for a 53-bit u in [0, 1) is the same question for integers.
std::uint64_t threshold_of(double p) { return std::uint64_t(std::ceil(p * 0x1p53)); }

}  // namespace

const Tensor& Tensor::uniform_(double from, double to, Generator* generator) const {
  require_defined("uniform_", *this);
  check_real("check_uniform_bounds", *this);
  check<RuntimeError>(from <= to, "uniform_ expects to return a [from, to) range, but found from={} > to={}", from, to);
  const Draws g(generator);
  return fill_in_memory_order(*this, [&](const Tensor& flat) {
    if (dtype() == kFloat32) uniform_into(*g, flat.numel(), float(from), float(to), flat.data<float>());
    else uniform_into(*g, flat.numel(), from, to, flat.data<double>());
  });
}

const Tensor& Tensor::normal_(double mean, double std, Generator* generator) const {
  require_defined("normal_", *this);
  check_real("normal_kernel_cpu", *this);
  check<RuntimeError>(std >= 0, "normal expects std >= 0.0, but found std {}", std);
  const Draws g(generator);
  if (numel() < 16 || !is_contiguous()) return fill_each(*this, [&] { return std::fma(g->normal(), std, mean); });
  return fill_in_memory_order(*this, [&](const Tensor& flat) {
    if (dtype() == kFloat32) normal_blocks(*g, flat.numel(), float(mean), float(std), flat.data<float>());
    else normal_blocks(*g, flat.numel(), mean, std, flat.data<double>());
  });
}

namespace {

const Tensor& fill_bernoulli(const Tensor& t, double p, float value, MersenneTwister& g) {
  const std::uint64_t threshold = threshold_of(p);
  return fill_in_memory_order(t, [&](const Tensor& flat) {
    constexpr int64_t kPart = 4 * 312;  // two words each, in whole blocks of the generator
    std::uint32_t words[2 * kPart];
    for (int64_t i = 0; i < flat.numel(); i += kPart) {
      const int64_t count = std::min(kPart, flat.numel() - i);
      g.fill(2 * count, words);
      kernels::random_loops().bernoulli_float(count, words, threshold, value, flat.data<float>() + i);
    }
  });
}

}  // namespace

const Tensor& Tensor::bernoulli_(double p, Generator* generator) const {
  require_defined("bernoulli_", *this);
  check<RuntimeError>(p >= 0 && p <= 1, "bernoulli_ expects p to be in [0, 1], but got p={}", p);
  const Draws g(generator);
  if (dtype() == kFloat32) return fill_bernoulli(*this, p, 1.0f, *g);
  const std::uint64_t threshold = threshold_of(p);
  return fill_each(*this, [&] { return (g->random64() & ((std::uint64_t(1) << 53) - 1)) < threshold; });
}

void fill_noise(const Tensor& noise, double keep) {
  if (noise.dtype() == kFloat32) fill_bernoulli(noise, keep, 1.0f / float(keep), *Draws(nullptr));
  else noise.bernoulli_(keep).div_(keep);
}

void drop_out(const Tensor& x, double keep, const Tensor& y, const Tensor& kept) {
  constexpr int64_t kPart = 64 * 312;
  const int64_t n = x.numel(), parts = (n + kPart - 1) / kPart;
  const std::uint64_t threshold = threshold_of(keep);
  const kernels::RandomKernels& k = kernels::random_loops();
  const kernels::Scratch<std::uint8_t> unkept(kept.defined() ? 0 : 2 * kPart);
  const auto coins = [&](int64_t part) { return kept.defined() ? kept.data<std::uint8_t>() + part * kPart : unkept + part % 2 * kPart; };
  const auto size = [&](int64_t part) { return std::min(kPart, n - part * kPart); };
  const Draws draws(nullptr);
  const auto toss = [&](int64_t part) { draws->toss(size(part), threshold, coins(part)); };
  const auto use = [&](int64_t part) {
    k.keep_float(size(part), coins(part), 1.0f / float(keep), x.data<float>() + part * kPart, y.data<float>() + part * kPart);
  };
  // The generator can only go on from where it is; a second thread uses the coins of the part before.
  toss(0);
  for (int64_t part = 1; part < parts; ++part)
    kernels::parallel_slices(2, [&](int64_t slice) { slice == 0 ? toss(part) : use(part - 1); }, 5 * double(kPart));
  use(parts - 1);
}

void drop_out_again(const Tensor& dy, double keep, const Tensor& kept, const Tensor& dx) {
  kernels::parallel_for(dy.numel(), 64, double(dy.numel()), [&](int64_t begin, int64_t end) {
    kernels::random_loops().keep_float(end - begin, kept.data<std::uint8_t>() + begin, 1.0f / float(keep), dy.data<float>() + begin,
                                       dx.data<float>() + begin);
  });
}

const Tensor& Tensor::bernoulli_(const Tensor& p, Generator* generator) const {
  require_defined("bernoulli_", *this, p);
  check_real("bernoulli_tensor_cpu_p_", p);
  NoGradGuard no_grad;
  check<RuntimeError>(p.numel() == 0 || (ember::ge(p, 0) & ember::le(p, 1)).all().item<bool>(),
                      "Expected p_in >= 0 && p_in <= 1 to be true, but got false.");
  check_inplace(*this);
  const Tensor probability = p.detach().expand(sizes());
  const Tensor draws = empty_strided(sizes(), strides_like(*this), p.dtype());  // in the order of the memory that is filled
  draws.uniform_(0, 1, generator);
  copy_(ember::lt(draws, probability));
  return *this;
}

namespace {

/// What random_() may give: integers up to the largest that the type holds exactly.
std::uint64_t largest_exact(DType dtype) {
  return with_type(dtype, []<class T>(T) {
    if constexpr (std::is_floating_point_v<T>) return std::uint64_t(1) << std::numeric_limits<T>::digits;
    else return std::uint64_t(std::numeric_limits<T>::max());
  });
}

/// Where `to` - 1 or `from` + 1 rounds beyond the bound, the bound moves by one step of T at that size. As PyTorch's update_to and update_from.
template <class T>
void move_inwards(int64_t& from, int64_t& to) {
  constexpr int digits = std::numeric_limits<T>::digits;
  const auto step = [](std::uint64_t magnitude) { return int64_t(1) << (int(std::bit_width(magnitude)) - digits); };
  if (const auto above = int64_t(T(from + 1)); above < from) from = above + step(std::uint64_t(std::abs(from + 1)));
  if (const auto below = int64_t(T(to - 1)); below >= to) to = below - step(std::uint64_t(std::abs(to - 1)));
}

}  // namespace

const Tensor& Tensor::random_(Generator* generator) const {
  require_defined("random_", *this);
  const Draws g(generator);
  const DType type = dtype();
  const std::uint64_t range = largest_exact(type) + 1;
  return fill_each(*this,
                   [&g, type, range] { return type == kInt64 || type == kFloat64 ? int64_t(g->random64() % range) : int64_t(g->random() % range); });
}
const Tensor& Tensor::random_(int64_t to, Generator* generator) const {
  require_defined("random_", *this);
  return random_(0, to, generator);
}
const Tensor& Tensor::random_(int64_t from, int64_t to, Generator* generator) const {
  require_defined("random_", *this);
  check<RuntimeError>(from < to, "random_ expects 'from' to be less than 'to', but got from={} >= to={}", from, to);
  if (dtype() == kUInt8 || dtype() == kBool) {
    const int64_t most = dtype() == kBool ? 1 : 255;
    check<RuntimeError>(from >= 0 && from <= most, "from is out of bounds for {}", dtype() == kBool ? "bool" : "unsigned char");
    check<RuntimeError>(to - 1 <= most, "to - 1 is out of bounds for {}", dtype() == kBool ? "bool" : "unsigned char");
  }
  const Draws g(generator);
  // Reals move the bounds to numbers that they hold, before the range decides between one word and two.
  if (dtype() == kFloat32) move_inwards<float>(from, to);
  else if (dtype() == kFloat64) move_inwards<double>(from, to);
  const std::uint64_t range = std::uint64_t(to) - std::uint64_t(from);
  return fill_each(*this, [&] {
    const std::uint64_t v = range >= (std::uint64_t(1) << 28) ? g->random64() : g->random();
    return int64_t(v % range + std::uint64_t(from));
  });
}

const Tensor& Tensor::exponential_(double lambda, Generator* generator) const {
  require_defined("exponential_", *this);
  check_real("exponential_", *this);
  check<RuntimeError>(lambda > 0, "exponential_ expects lambda > 0.0, but found lambda={}", lambda);
  const Draws g(generator);
  return fill_each(*this, [&] { return (-1.0 / lambda) * std::log1p(-g->uniform()); });
}

// --- factories

namespace {
/// A new tensor has not been written to, however it came by its values.
Tensor as_new(const Tensor& filled, bool requires_grad = false) {
  filled.impl()->storage->version = 0;
  return filled.requires_grad_(requires_grad);
}
}  // namespace

Tensor rand(IntArrayRef sizes, TensorOptions options, Generator* generator) {
  return as_new(empty(sizes, {.dtype = options.dtype}).uniform_(0, 1, generator), options.requires_grad);
}
Tensor randn(IntArrayRef sizes, TensorOptions options, Generator* generator) {
  return as_new(empty(sizes, {.dtype = options.dtype}).normal_(0, 1, generator), options.requires_grad);
}
Tensor randint(int64_t low, int64_t high, IntArrayRef sizes, TensorOptions options, Generator* generator) {
  const DType dtype = options.dtype == DType::Undefined ? kInt64 : options.dtype;
  return as_new(empty(sizes, dtype).random_(low, high, generator), options.requires_grad);
}
Tensor randint(int64_t high, IntArrayRef sizes, TensorOptions options, Generator* generator) { return randint(0, high, sizes, options, generator); }
Tensor rand_like(const Tensor& like, DType dtype) {
  require_defined("rand_like", like);
  return as_new(empty_like(like, dtype).uniform_());
}
Tensor randn_like(const Tensor& like, DType dtype) {
  require_defined("randn_like", like);
  return as_new(empty_like(like, dtype).normal_());
}
Tensor randint_like(const Tensor& like, int64_t low, int64_t high, DType dtype) {
  require_defined("randint_like", like);
  return as_new(empty_like(like, dtype).random_(low, high));
}

Tensor randperm(int64_t n, TensorOptions options, Generator* generator) {
  check<RuntimeError>(n >= 0, "n must be non-negative, got {}", n);
  const Draws g(generator);
  Tensor order = empty({n}, kInt64);
  int64_t* r = order.data<int64_t>();
  if (n < int64_t(UINT32_MAX / 20)) {
    for (int64_t i = 0; i < n; ++i) r[i] = i;
    for (int64_t i = 0; i + 1 < n; ++i) std::swap(r[i], r[i + int64_t(g->random() % std::uint64_t(n - i))]);
  } else {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t z = int64_t(g->random64() % std::uint64_t(i + 1));
      r[i] = i;
      std::swap(r[i], r[z]);
    }
  }
  return options.dtype == DType::Undefined ? order : order.to(options.dtype);
}

Tensor normal(double mean, double std, IntArrayRef sizes, TensorOptions options, Generator* generator) {
  return as_new(empty(sizes, {.dtype = options.dtype}).normal_(mean, std, generator), options.requires_grad);
}
Tensor normal(const Tensor& mean, const Operand& std, Generator* generator) {
  require_defined("normal", mean, std);
  NoGradGuard no_grad;
  if (!std.is_tensor()) return make_dense(mean.sizes(), mean.dtype()).normal_(0, std.number().to<double>(), generator) + mean;
  check<RuntimeError>(std.tensor().numel() == 0 || ge(std.tensor(), 0).all().item<bool>(), "normal expects all elements of std >= 0.0");
  const Tensor draws = make_dense(broadcast_shapes(mean.sizes(), std.tensor().sizes()), mean.dtype()).normal_(0, 1, generator);
  return draws * std.tensor() + mean;
}
Tensor normal(double mean, const Tensor& std, Generator* generator) {
  require_defined("normal", std);
  NoGradGuard no_grad;
  check<RuntimeError>(std.numel() == 0 || ge(std, 0).all().item<bool>(), "normal expects all elements of std >= 0.0");
  return make_dense(std.sizes(), std.dtype()).normal_(0, 1, generator) * std + mean;
}
Tensor bernoulli(const Tensor& p, Generator* generator) {
  require_defined("bernoulli", p);
  return as_new(empty_like(p.detach()).bernoulli_(p, generator));
}

Tensor multinomial(const Tensor& weights, int64_t num_samples, bool replacement, Generator* generator) {
  require_defined("multinomial", weights);
  check<RuntimeError>(weights.dim() == 1 || weights.dim() == 2, "prob_dist must be 1 or 2 dim");
  check<RuntimeError>(is_floating_point(weights.dtype()), "multinomial only supports floating-point dtypes for input, got: {}",
                      scalar_type_name(weights.dtype()));
  check<RuntimeError>(num_samples > 0, "cannot sample n_sample <= 0 samples");
  const int64_t classes = weights.size(-1);
  check<RuntimeError>(replacement || num_samples <= classes, "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  NoGradGuard no_grad;
  const Tensor w = weights.detach().contiguous();
  check<RuntimeError>(w.numel() == 0 || (isfinite(w) & ge(w, 0)).all().item<bool>(),
                      "probability tensor contains either `inf`, `nan` or element < 0");
  check<RuntimeError>(w.numel() == 0 || !le(w.sum(-1), 0).any().item<bool>(), "invalid multinomial distribution (sum of probabilities <= 0)");
  if (!replacement || num_samples == 1) {
    const Tensor scores = w / empty_like(w).exponential_(1, generator);
    return num_samples == 1 ? scores.argmax(-1, true) : topk(scores, num_samples, -1).indices;
  }
  const Draws g(generator);
  const Tensor cumulative = w.cumsum(-1);
  Shape sizes = w.sizes().shape();
  sizes[w.dim() - 1] = num_samples;
  Tensor samples = make_dense(sizes, kInt64);
  with_type(w.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T>) {
      const int64_t rows = w.numel() / classes;
      for (int64_t r = 0; r < rows; ++r) {
        T* sums = cumulative.data<T>() + r * classes;
        const T total = sums[classes - 1];
        for (int64_t c = 0; c < classes; ++c) sums[c] /= total;
        sums[classes - 1] = 1;
        for (int64_t s = 0; s < num_samples; ++s) {
          const double u = g->uniform();
          samples.data<int64_t>()[r * num_samples + s] = std::lower_bound(sums, sums + classes, u) - sums;
        }
      }
    }
  });
  return samples;
}

}  // namespace ember
