// Random numbers and initialisation by PyTorch's names, on the default generator.
#include "bind/binding.h"

#include <ember/nn/init.h>
#include <ember/random.h>

namespace ember::parity {
namespace {

TensorOptions options(const Argument& dtype, const Argument& requires_grad) { return {dtype, requires_grad}; }

std::vector<int64_t> sizes_of(const Argument& sizes) { return sizes.ints(); }

nn::init::FanMode fan_mode(const Argument& mode) {
  if (mode.text() == "fan_in") return nn::init::FanMode::FanIn;
  if (mode.text() == "fan_out") return nn::init::FanMode::FanOut;
  throw ValueError("Mode " + mode.text() + " not supported, please use one of ['fan_in', 'fan_out']");
}

Result normal_of(Args& a) {
  if (!a[2].is_none()) return normal(a[0].real(), a[1].real(), a[2].ints(), options(a[3], a[4]));
  if (a[0].is_tensor()) return normal(a[0].tensor(), a[1]);
  return normal(a[0].real(), a[1].tensor());
}

/// PyTorch's gain is the integer 1 where nothing is gained.
Result gain_of(Args& a) {
  const std::string of = a[0].text();
  if (of == "linear" || of == "sigmoid" || of.starts_with("conv")) return int64_t(nn::init::calculate_gain(of));
  return a[1].is_none() ? nn::init::calculate_gain(a[0]) : nn::init::calculate_gain(a[0], a[1]);
}

Result random_of(Args& a) {
  const Tensor x = a[0];
  if (a[1].is_none()) return x.random_();
  if (a[2].is_none()) return x.random_(0, a[1].integer());
  return x.random_(a[1].integer(), a[2].integer());
}

Table draws() {
  constexpr const char* kFactory = "*size * generator=~None dtype=None requires_grad=False device=~None layout=~None pin_memory=~False";
  return {
      {"rand", kFactory, [](Args& a) { return rand(sizes_of(a[0]), options(a[2], a[3])); }},
      {"randn", kFactory, [](Args& a) { return randn(sizes_of(a[0]), options(a[2], a[3])); }},
      {"randint", "high size:list * generator=~None dtype=None requires_grad=False device=~None layout=~None",
       [](Args& a) { return randint(a[0].integer(), a[1].ints(), options(a[3], a[4])); }},
      {"randint", "low high size * generator=~None dtype=None requires_grad=False device=~None layout=~None",
       [](Args& a) { return randint(a[0].integer(), a[1].integer(), a[2].ints(), options(a[4], a[5])); }},
      {"randperm", "n * generator=~None dtype=None requires_grad=False device=~None layout=~None",
       [](Args& a) { return randperm(a[0].integer(), options(a[2], a[3])); }},
      {"rand_like", "input * dtype=None device=~None layout=~None memory_format=~None requires_grad=~False",
       [](Args& a) { return rand_like(a[0], a[1]); }},
      {"randn_like", "input * dtype=None device=~None layout=~None memory_format=~None requires_grad=~False",
       [](Args& a) { return randn_like(a[0], a[1]); }},
      {"randint_like", "input high * dtype=None device=~None layout=~None memory_format=~None requires_grad=~False",
       [](Args& a) { return randint_like(a[0], 0, a[1].integer(), a[2]); }},
      {"randint_like", "input low high * dtype=None device=~None layout=~None memory_format=~None requires_grad=~False",
       [](Args& a) { return randint_like(a[0], a[1].integer(), a[2].integer(), a[3]); }},
      {"normal", "mean=0.0 std=1.0 size=None * dtype=None requires_grad=False generator=~None device=~None layout=~None", normal_of},
      {"bernoulli*", "input * generator=~None", [](Args& a) { return bernoulli(a[0]); }},
      {"bernoulli*", "input p * generator=~None", [](Args& a) { return a[0].tensor().clone().bernoulli_(a[1].real()); }},
      {"multinomial*", "input num_samples replacement=False * generator=~None", [](Args& a) { return multinomial(a[0], a[1], a[2]); }},
      {"manual_seed random.manual_seed", "seed", [](Args& a) { return manual_seed(std::uint64_t(a[0].integer())), Result(); }},
      {"initial_seed", "", [](Args&) { return Result(int64_t(initial_seed())); }},
      {"get_rng_state", "", [](Args&) { return get_rng_state(); }},
      {"set_rng_state", "new_state", [](Args& a) { return set_rng_state(a[0]), Result(); }},
      {"Tensor.uniform_", "self from=0.0 to=1.0 * generator=~None", [](Args& a) { return a[0].tensor().uniform_(a[1], a[2]); }},
      {"Tensor.normal_", "self mean=0.0 std=1.0 * generator=~None", [](Args& a) { return a[0].tensor().normal_(a[1], a[2]); }},
      {"Tensor.bernoulli_", "self p:tensor * generator=~None", [](Args& a) { return a[0].tensor().bernoulli_(a[1].tensor()); }},
      {"Tensor.bernoulli_", "self p=0.5 * generator=~None", [](Args& a) { return a[0].tensor().bernoulli_(a[1].real()); }},
      {"Tensor.random_", "self from=None to=None * generator=~None", random_of},
      {"Tensor.exponential_", "self lambd=1.0 * generator=~None", [](Args& a) { return a[0].tensor().exponential_(a[1]); }},
  };
}

Table initialisers() {
  namespace init = nn::init;
  return {
      {"nn.init.calculate_gain", "nonlinearity param=None", gain_of},
      {"nn.init.uniform_", "tensor a=0.0 b=1.0 generator=~None", [](Args& a) { return init::uniform_(a[0], a[1], a[2]); }},
      {"nn.init.normal_", "tensor mean=0.0 std=1.0 generator=~None", [](Args& a) { return init::normal_(a[0], a[1], a[2]); }},
      {"nn.init.trunc_normal_", "tensor mean=0.0 std=1.0 a=-2.0 b=2.0 generator=~None",
       [](Args& a) { return init::trunc_normal_(a[0], a[1], a[2], a[3], a[4]); }},
      {"nn.init.constant_", "tensor val", [](Args& a) { return init::constant_(a[0], a[1]); }},
      {"nn.init.ones_", "tensor", [](Args& a) { return init::ones_(a[0]); }},
      {"nn.init.zeros_", "tensor", [](Args& a) { return init::zeros_(a[0]); }},
      {"nn.init.eye_", "tensor", [](Args& a) { return init::eye_(a[0]); }},
      {"nn.init.dirac_", "tensor groups=1", [](Args& a) { return init::dirac_(a[0], a[1]); }},
      {"nn.init.xavier_uniform_", "tensor gain=1.0 generator=~None", [](Args& a) { return init::xavier_uniform_(a[0], a[1]); }},
      {"nn.init.xavier_normal_", "tensor gain=1.0 generator=~None", [](Args& a) { return init::xavier_normal_(a[0], a[1]); }},
      {"nn.init.kaiming_uniform_", "tensor a=0 mode='fan_in' nonlinearity='leaky_relu' generator=~None",
       [](Args& a) { return init::kaiming_uniform_(a[0], a[1], fan_mode(a[2]), a[3].text().c_str()); }},
      {"nn.init.kaiming_normal_", "tensor a=0 mode='fan_in' nonlinearity='leaky_relu' generator=~None",
       [](Args& a) { return init::kaiming_normal_(a[0], a[1], fan_mode(a[2]), a[3].text().c_str()); }},
      {"nn.init.orthogonal_", "tensor gain=1 generator=~None", [](Args& a) { return init::orthogonal_(a[0], a[1]); }},
  };
}

}  // namespace

Table random_table() {
  Table all = draws();
  for (Row& row : initialisers()) all.push_back(std::move(row));
  return all;
}

}  // namespace ember::parity
