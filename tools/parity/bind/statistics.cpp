// Reductions beyond the common ones, and searching, by PyTorch's names.
#include "bind/binding.h"

#include <ember/ops/pick.h>
#include <ember/ops/statistics.h>

namespace ember::parity {
namespace {

Result diff_of(Args& a) { return diff(a[0], {.n = a[1], .dim = a[2], .prepend = a[3], .append = a[4]}); }

Result histogram_of(Args& a) {
  HistogramOptions o{.weight = a[3], .density = a[4]};
  if (!a[2].is_none()) o.low = a[2].reals().at(0), o.high = a[2].reals().at(1);
  return a[1].is_tensor() ? histogram(a[0], a[1].tensor(), o) : histogram(a[0], a[1].integer(), o);
}

Result trapezoid_of(Args& a) {
  if (!a[1].is_none()) return trapezoid(a[0], a[1].tensor(), a[3]);
  return trapezoid(a[0], a[2].real_or(1), a[3]);
}

Result unique_of(const Unique& found) {
  Result result{found.values};
  for (const Tensor& t : {found.inverse, found.counts})
    if (t.defined()) result.values.push_back(t);
  return result;
}
Result unique_consecutive_of(Args& a) {
  return unique_of(a[3].is_none() ? unique_consecutive(a[0], a[1], a[2]) : unique_consecutive(a[0], a[1], a[2], a[3].integer()));
}

bool right_of(const Argument& right, const Argument& side) {
  if (side.is_none()) return right;
  if (side.text() != "left" && side.text() != "right")
    throw RuntimeError("torch.searchsorted(): side can only be 'left' or 'right' but got " + side.text());
  if (side.text() == "left" && right.boolean())
    throw RuntimeError("torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True");
  return side.text() == "right";
}
Result searchsorted_of(Args& a) {
  const SearchOptions o{.right = right_of(a[3], a[4]), .sorter = a[5]};
  return a[1].is_tensor() ? searchsorted(a[0], a[1].tensor(), o) : searchsorted(a[0], a[1].scalar(), o);
}
Result bucketize_of(Args& a) {
  if (a[0].is_tensor()) return bucketize(a[0], a[1], a[3]);
  return searchsorted(a[1], a[0].scalar(), {.right = a[3]});
}

}  // namespace

Table statistics_table() {
  return {
      {"nansum*", "input dim=None keepdim=False * dtype=None", [](Args& a) { return nansum(a[0], a[1], a[2], a[3]); }},
      {"nanmean*", "input dim=None keepdim=False * dtype=None", [](Args& a) { return nanmean(a[0], a[1], a[2], a[3]); }},
      {"nanmedian*", "input", [](Args& a) { return nanmedian(a[0]); }},
      {"nanmedian*", "input dim:int keepdim=False", [](Args& a) { return nanmedian(a[0], a[1].integer(), a[2]); }},
      {"cummax*", "input dim", [](Args& a) { return cummax(a[0], a[1]); }},
      {"cummin*", "input dim", [](Args& a) { return cummin(a[0], a[1]); }},
      {"logcumsumexp*", "input dim", [](Args& a) { return logcumsumexp(a[0], a[1]); }},
      {"kthvalue*", "input k dim=-1 keepdim=False", [](Args& a) { return kthvalue(a[0], a[1], a[2], a[3]); }},
      {"mode*", "input dim=-1 keepdim=False", [](Args& a) { return mode(a[0], a[1], a[2]); }},
      {"dist*", "input other p=2", [](Args& a) { return dist(a[0], a[1], a[2]); }},
      {"diff*", "input n=1 dim=-1 prepend=None append=None", diff_of},
      {"histogram*", "input bins * range=None weight=None density=False", histogram_of},
      {"cov*", "input * correction=1 fweights=None aweights=None",
       [](Args& a) { return cov(a[0], {.correction = a[1], .fweights = a[2], .aweights = a[3]}); }},
      {"corrcoef*", "input", [](Args& a) { return corrcoef(a[0]); }},
      {"trapezoid trapz", "y x=None * dx=None dim=-1", trapezoid_of},
      {"unique_consecutive*", "input return_inverse=False return_counts=False dim=None", unique_consecutive_of},
      {"searchsorted", "sorted_sequence input * out_int32=~False right=False side=None sorter=None", [](Args& a) { return searchsorted_of(a); }},
      {"bucketize", "input boundaries * out_int32=~False right=False", bucketize_of},
      {"isin", "elements test_elements * assume_unique=False invert=False", [](Args& a) { return isin(a[0], a[1], a[2], a[3]); }},
  };
}

}  // namespace ember::parity
