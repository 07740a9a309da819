// The methods that write their result into the tensor (`NAME_`), and those functions of this kind that Ember has no method for: put in place.
#include "bind/binding.h"

#include <ember/autograd.h>
#include <ember/ops/activation.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/linalg.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

namespace ember::parity {
namespace {

/// x = function(x) in place. What is recorded may need x as it was.
template <class Function>
Result in_place(Args& a, Function function) {
  const Tensor x = a[0];
  check_inplace(x);
  bool records = false;
  for (std::size_t i = 0; i < a.size(); ++i) records = records || (a[i].is_tensor() && a[i].tensor().requires_grad());
  return assign_inplace(x, function(records ? x.clone() : x));
}

/// A running sum or product in place keeps the type.
template <class Function>
Result running(Args& a, Function function) {
  const Tensor x = a[0];
  if (!a[2].is_none() && a[2].dtype() != x.dtype()) throw RuntimeError("Bad in-place call: input tensor dtype and output tensor dtype should match");
  return function(x, a[1].integer());
}

Table values() {
  return {
      {"Tensor.clamp_min_ clamp_min_", "input min", [](Args& a) { return a[0].tensor().clamp_min_(a[1]); }},
      {"Tensor.clamp_max_ clamp_max_", "input max", [](Args& a) { return a[0].tensor().clamp_max_(a[1]); }},
      {"Tensor.nan_to_num_ nan_to_num_", "input nan=0.0 posinf=None neginf=None",
       [](Args& a) { return a[0].tensor().nan_to_num_(a[1].real_or(0), a[2], a[3]); }},
      {"Tensor.atan2_ Tensor.arctan2_", "input other", [](Args& a) { return a[0].tensor().atan2_(a[1]); }},
      {"Tensor.eq_", "input other", [](Args& a) { return a[0].tensor().eq_(a[1]); }},
      {"Tensor.ne_ Tensor.not_equal_", "input other", [](Args& a) { return a[0].tensor().ne_(a[1]); }},
      {"Tensor.lt_ Tensor.less_", "input other", [](Args& a) { return a[0].tensor().lt_(a[1]); }},
      {"Tensor.le_ Tensor.less_equal_", "input other", [](Args& a) { return a[0].tensor().le_(a[1]); }},
      {"Tensor.gt_ Tensor.greater_", "input other", [](Args& a) { return a[0].tensor().gt_(a[1]); }},
      {"Tensor.ge_ Tensor.greater_equal_", "input other", [](Args& a) { return a[0].tensor().ge_(a[1]); }},
      {"Tensor.logical_not_", "input", [](Args& a) { return a[0].tensor().logical_not_(); }},
      {"Tensor.logical_and_", "input other", [](Args& a) { return a[0].tensor().logical_and_(a[1]); }},
      {"Tensor.logical_or_", "input other", [](Args& a) { return a[0].tensor().logical_or_(a[1]); }},
      {"Tensor.logical_xor_", "input other", [](Args& a) { return a[0].tensor().logical_xor_(a[1]); }},
      {"Tensor.cumsum_", "input dim * dtype=None", [](Args& a) { return running(a, [](const Tensor& x, int64_t dim) { return x.cumsum_(dim); }); }},
      {"Tensor.cumprod_", "input dim * dtype=None", [](Args& a) { return running(a, [](const Tensor& x, int64_t dim) { return x.cumprod_(dim); }); }},
      {"Tensor.div_ Tensor.divide_", "input other * rounding_mode=None", [](Args& a) { return a[0].tensor().div_(a[1], rounding_of(a[2])); }},
      {"Tensor.tril_", "input diagonal=0", [](Args& a) { return a[0].tensor().tril_(a[1]); }},
      {"Tensor.triu_", "input diagonal=0", [](Args& a) { return a[0].tensor().triu_(a[1]); }},
      {"Tensor.addmm_", "input mat1 mat2 * beta=1 alpha=1", [](Args& a) { return a[0].tensor().addmm_(a[1], a[2], {.beta = a[3], .alpha = a[4]}); }},
      {"Tensor.addmv_ addmv_", "input mat vec * beta=1 alpha=1",
       [](Args& a) { return a[0].tensor().addmv_(a[1], a[2], {.beta = a[3], .alpha = a[4]}); }},
      {"Tensor.baddbmm_", "input batch1 batch2 * beta=1 alpha=1",
       [](Args& a) { return a[0].tensor().baddbmm_(a[1], a[2], {.beta = a[3], .alpha = a[4]}); }},
  };
}

Table activations() {
  return {
      {"nn.functional.leaky_relu_", "input negative_slope=0.01",
       [](Args& a) { return in_place(a, [&](const Tensor& x) { return leaky_relu(x, a[1]); }); }},
      {"nn.functional.elu_", "input alpha=1.0", [](Args& a) { return in_place(a, [&](const Tensor& x) { return elu(x, a[1]); }); }},
      {"nn.functional.celu_ celu_", "input alpha=1.0", [](Args& a) { return in_place(a, [&](const Tensor& x) { return celu(x, a[1]); }); }},
      {"nn.functional.selu_ selu_", "input", [](Args& a) { return in_place(a, [&](const Tensor& x) { return selu(x); }); }},
      {"nn.functional.hardtanh_", "input min_val=-1.0 max_val=1.0",
       [](Args& a) { return in_place(a, [&](const Tensor& x) { return hardtanh(x, a[1], a[2]); }); }},
      {"nn.functional.threshold_ threshold_", "input threshold value",
       [](Args& a) { return in_place(a, [&](const Tensor& x) { return threshold(x, a[1], a[2]); }); }},
  };
}

Table shapes() {
  return {
      {"Tensor.t_", "input", [](Args& a) { return a[0].tensor().t_(); }},
      {"Tensor.transpose_", "input dim0 dim1", [](Args& a) { return a[0].tensor().transpose_(a[1], a[2]); }},
      {"Tensor.swapaxes_", "input dim0 dim1", [](Args& a) { return a[0].tensor().swapaxes_(a[1], a[2]); }},
      {"Tensor.swapdims_", "input dim0 dim1", [](Args& a) { return a[0].tensor().swapdims_(a[1], a[2]); }},
      {"Tensor.squeeze_", "input", [](Args& a) { return a[0].tensor().squeeze_(); }},
      {"Tensor.squeeze_", "input dim:int", [](Args& a) { return a[0].tensor().squeeze_(a[1].integer()); }},
      {"Tensor.squeeze_", "input *dim:list", [](Args& a) { return a[0].tensor().squeeze_(a[1].ints()); }},
      {"Tensor.unsqueeze_", "input dim", [](Args& a) { return a[0].tensor().unsqueeze_(a[1]); }},
      {"Tensor.as_strided_ as_strided_", "input size stride storage_offset=None",
       [](Args& a) { return a[0].tensor().as_strided_(a[1].ints(), a[2].ints(), a[3].integer_or(Slice::None)); }},
      {"Tensor.detach_ detach_", "input", [](Args& a) { return a[0].tensor().detach_(); }},
      {"Tensor.requires_grad_", "input requires_grad=True", [](Args& a) { return a[0].tensor().requires_grad_(a[1].boolean()); }},
  };
}

}  // namespace

Table inplace_table() {
  Table all = values();
  for (auto* part : {activations, shapes})
    for (Row& row : part()) all.push_back(std::move(row));
  return all;
}

}  // namespace ember::parity
