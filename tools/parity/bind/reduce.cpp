// Reductions, running sums, sorting and products by PyTorch's names.
#include "bind/binding.h"

#include <ember/ops/histogram.h>
#include <ember/ops/linalg.h>
#include <ember/ops/reduce.h>
#include <ember/ops/statistics.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace ember::parity {
namespace {

Tensor keep_all_dims(const Tensor& x, const Tensor& value, bool keepdim) { return keepdim ? value.reshape(Shape::filled(x.dim(), 1)) : value; }

template <bool leaves_nan_out>
Result quantile_of(Args& a) {
  if (a[1].is_tensor() && a[1].tensor().requires_grad()) throw Unsupported("the gradient of quantile with respect to q");
  static const char* const names[] = {"linear", "lower", "higher", "midpoint", "nearest"};
  const std::string name = a[4].text();
  const auto at = std::find(std::begin(names), std::end(names), name) - std::begin(names);
  if (at == 5) throw RuntimeError("quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got " + name);
  const auto interpolation = Interpolation(at);
  const Tensor x = a[0];
  const auto of = [&](const auto&... arguments) {
    if constexpr (leaves_nan_out) return a[1].is_tensor() ? nanquantile(x, a[1].tensor(), arguments...) : nanquantile(x, a[1].real(), arguments...);
    else return a[1].is_tensor() ? quantile(x, a[1].tensor(), arguments...) : quantile(x, a[1].real(), arguments...);
  };
  if (!a[2].is_none()) return of(a[2].integer(), a[3].boolean(), interpolation);
  // Without a dimension keepdim keeps all of them, of size 1.
  const Tensor y = of(interpolation);
  if (!a[3].boolean()) return y;
  Shape shape = Shape::filled(int(x.dim()), 1);
  if (a[1].is_tensor() && a[1].tensor().dim() == 1) shape.insert(0, a[1].tensor().numel());
  return y.reshape(shape);
}

Result argmax_of(Args& a) {
  if (a[1].is_none()) return keep_all_dims(a[0], argmax(a[0]), a[2]);
  return argmax(a[0], a[1].integer(), a[2]);
}
Result argmin_of(Args& a) {
  if (a[1].is_none()) return keep_all_dims(a[0], argmin(a[0]), a[2]);
  return argmin(a[0], a[1].integer(), a[2]);
}

/// p of a norm: a number, or a name.
double norm_order(const Argument& p) {
  if (p.is_none()) return 2;
  if (!p.is_text()) return p.real();
  const std::string name = p.text();
  if (name == "fro") return 2;
  if (name == "inf") return INFINITY;
  if (name == "-inf") return -INFINITY;
  throw Unsupported("norm of kind " + name);
}

Result norm_of(Args& a) {
  const Tensor x = a[4].is_none() ? a[0].tensor() : a[0].tensor().to(a[4].dtype());
  return norm(x, norm_order(a[1]), a[2], a[3]);
}

Result unique_of(Args& a) {
  const Unique found = a[4].is_none() ? unique(a[0], a[2], a[3]) : unique(a[0], a[2], a[3], a[4]);
  Result result{found.values};
  if (found.inverse.defined()) result.values.push_back(found.inverse);
  if (found.counts.defined()) result.values.push_back(found.counts);
  return result;
}

Result tensordot_of(Args& a) {
  if (!a[2].is_list()) return tensordot(a[0], a[1], a[2].integer());
  const List& dims = *a[2].value().as<List>();
  static const std::string name = "dims";
  return tensordot(a[0], a[1], Argument(dims.at(0), name).ints(), Argument(dims.at(1), name).ints());
}

Result einsum_of(Args& a) { return einsum(a[0], a[1].tensors()); }

Table sums() {
  return {
      {"sum*", "input dim=None keepdim=False * dtype=None", [](Args& a) { return sum(a[0], a[1], a[2], a[3]); }},
      {"mean*", "input dim=None keepdim=False * dtype=None", [](Args& a) { return mean(a[0], a[1], a[2], a[3]); }},
      {"prod*", "input * dtype=None", [](Args& a) { return prod(a[0], a[1].dtype()); }},
      {"prod*", "input dim:int keepdim=False * dtype=None", [](Args& a) { return prod(a[0], a[1].integer(), a[2], a[3]); }},
      {"var*", "input unbiased:bool", [](Args& a) { return var(a[0], {}, a[1].boolean() ? 1 : 0); }},
      {"var*", "input dim=None * correction=1 keepdim=False", [](Args& a) { return var(a[0], a[1], a[2].real_or(1), a[3]); }},
      {"var*", "input dim unbiased:bool=True keepdim=False", [](Args& a) { return var(a[0], a[1], a[2].boolean() ? 1 : 0, a[3]); }},
      {"std*", "input unbiased:bool", [](Args& a) { return std(a[0], {}, a[1].boolean() ? 1 : 0); }},
      {"std*", "input dim=None * correction=1 keepdim=False", [](Args& a) { return std(a[0], a[1], a[2].real_or(1), a[3]); }},
      {"std*", "input dim unbiased:bool=True keepdim=False", [](Args& a) { return std(a[0], a[1], a[2].boolean() ? 1 : 0, a[3]); }},
      {"var_mean", "input unbiased:bool", [](Args& a) { return var_mean(a[0], {}, a[1].boolean() ? 1 : 0); }},
      {"var_mean", "input dim=None * correction=1 keepdim=False", [](Args& a) { return var_mean(a[0], a[1], a[2].real_or(1), a[3]); }},
      {"var_mean", "input dim unbiased:bool=True keepdim=False", [](Args& a) { return var_mean(a[0], a[1], a[2].boolean() ? 1 : 0, a[3]); }},
      {"std_mean", "input unbiased:bool", [](Args& a) { return std_mean(a[0], {}, a[1].boolean() ? 1 : 0); }},
      {"std_mean", "input dim=None * correction=1 keepdim=False", [](Args& a) { return std_mean(a[0], a[1], a[2].real_or(1), a[3]); }},
      {"std_mean", "input dim unbiased:bool=True keepdim=False", [](Args& a) { return std_mean(a[0], a[1], a[2].boolean() ? 1 : 0, a[3]); }},
      {"logsumexp*", "input dim keepdim=False", [](Args& a) { return logsumexp(a[0], a[1], a[2]); }},
      {"all*", "input dim=None keepdim=False", [](Args& a) { return all(a[0], a[1], a[2]); }},
      {"any*", "input dim=None keepdim=False", [](Args& a) { return any(a[0], a[1], a[2]); }},
      {"count_nonzero*", "input dim=None", [](Args& a) { return count_nonzero(a[0], a[1]); }},
      {"norm*", "input p='fro' dim=None keepdim=False dtype=None", norm_of},
      {"linalg.vector_norm", "x ord=2 dim=None keepdim=False * dtype=None", norm_of},
      {"cumsum*", "input dim * dtype=None", [](Args& a) { return cumsum(a[0], a[1], a[2]); }},
      {"cumprod*", "input dim * dtype=None", [](Args& a) { return cumprod(a[0], a[1], a[2]); }},
  };
}

Table extremes() {
  return {
      {"amax*", "input dim=None keepdim=False", [](Args& a) { return amax(a[0], a[1], a[2]); }},
      {"amin*", "input dim=None keepdim=False", [](Args& a) { return amin(a[0], a[1], a[2]); }},
      {"aminmax*", "input * dim=None keepdim=False", [](Args& a) { return aminmax(a[0], a[1], a[2]); }},
      {"max*", "input", [](Args& a) { return max(a[0]); }},
      {"max*", "input dim:int keepdim=False", [](Args& a) { return max(a[0], a[1].integer(), a[2]); }},
      {"max*", "input other:tensor", [](Args& a) { return a[0].tensor().maximum(a[1]); }},
      {"min*", "input", [](Args& a) { return min(a[0]); }},
      {"min*", "input dim:int keepdim=False", [](Args& a) { return min(a[0], a[1].integer(), a[2]); }},
      {"min*", "input other:tensor", [](Args& a) { return a[0].tensor().minimum(a[1]); }},
      {"argmax*", "input dim=None keepdim=False", argmax_of},
      {"argmin*", "input dim=None keepdim=False", argmin_of},
      {"median*", "input", [](Args& a) { return median(a[0]); }},
      {"median*", "input dim:int keepdim=False", [](Args& a) { return median(a[0], a[1].integer(), a[2]); }},
      {"sort*", "input dim=-1 descending=False stable=False", [](Args& a) { return sort(a[0], a[1], a[2], a[3]); }},
      {"argsort*", "input dim=-1 descending=False stable=False", [](Args& a) { return argsort(a[0], a[1], a[2], a[3]); }},
      {"topk*", "input k dim=-1 largest=True sorted=True", [](Args& a) { return topk(a[0], a[1], a[2], a[3], a[4]); }},
      {"unique*", "input sorted=True return_inverse=False return_counts=False dim=None", unique_of},
      {"bincount*", "input weights=None minlength=0", [](Args& a) { return bincount(a[0], a[1], a[2]); }},
      {"histc*", "input bins=100 min=0 max=0", [](Args& a) { return histc(a[0], a[1], a[2].real(), a[3].real()); }},
      {"quantile*", "input q dim=None keepdim=False * interpolation='linear'", quantile_of<false>},
      {"nanquantile*", "input q dim=None keepdim=False * interpolation='linear'", quantile_of<true>},
  };
}

Table products() {
  return {
      {"matmul* Tensor.__matmul__", "input other", [](Args& a) { return matmul(a[0], a[1]); }},
      {"Tensor.__rmatmul__", "input other", [](Args& a) { return matmul(a[1], a[0]); }},
      {"mm*", "input mat2", [](Args& a) { return mm(a[0], a[1]); }},
      {"mv*", "input vec", [](Args& a) { return mv(a[0], a[1]); }},
      {"dot*", "input tensor", [](Args& a) { return dot(a[0], a[1]); }},
      {"bmm*", "input mat2", [](Args& a) { return bmm(a[0], a[1]); }},
      {"outer* ger*", "input vec2", [](Args& a) { return outer(a[0], a[1]); }},
      {"trace*", "input", [](Args& a) { return trace(a[0]); }},
      {"addmm*", "input mat1 mat2 * beta=1 alpha=1", [](Args& a) { return addmm(a[0], a[1], a[2], {.beta = a[3], .alpha = a[4]}); }},
      {"addmv*", "input mat vec * beta=1 alpha=1", [](Args& a) { return addmv(a[0], a[1], a[2], {.beta = a[3], .alpha = a[4]}); }},
      {"baddbmm*", "input batch1 batch2 * beta=1 alpha=1", [](Args& a) { return baddbmm(a[0], a[1], a[2], {.beta = a[3], .alpha = a[4]}); }},
      {"einsum", "equation *operands", einsum_of},
      {"tensordot", "a b dims=2", tensordot_of},
      {"nn.functional.linear", "input weight bias=None", [](Args& a) { return linear(a[0], a[1], a[2]); }},
  };
}

}  // namespace

Table reduce_table() {
  Table all = sums();
  for (auto* part : {extremes, products})
    for (Row& row : part()) all.push_back(std::move(row));
  return all;
}

}  // namespace ember::parity
