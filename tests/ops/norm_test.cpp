// Gradients of the normalisations, in every layout and mode, against finite differences.
#include "support/close.h"
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

TEST_CASE("gradcheck: batch norm") {
  const Tensor mean = tensor({0.1, -0.2, 0.3}, kFloat64), var = tensor({0.5, 1.5, 2.0}, kFloat64);
  const auto train = [](In in) { return batch_norm_train(in[0], in[1], in[2]).y; };
  const auto eval = [=](In in) { return batch_norm(in[0], mean, var, in[1], in[2]); };
  const auto channels_last = [](In in) { return batch_norm_train(in[0].permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2}), in[1], in[2]).y; };
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{4, 3}, {4, 3, 5}, {2, 3, 2, 2}, {2, 3, 1, 2, 2}, {1, 3, 2}, {3, 3, 1, 1}}) {
    run_gradcheck({"training", train, {sizes, {3}, {3}}});
    run_gradcheck({"evaluation", eval, {sizes, {3}, {3}}});
    run_gradcheck({"training without weight", [](In in) { return batch_norm_train(in[0]).y; }, {sizes}});
    run_gradcheck({"evaluation without weight", [=](In in) { return batch_norm(in[0], mean, var); }, {sizes}});
    run_gradcheck({"training without bias", [](In in) { return batch_norm_train(in[0], in[1]).y; }, {sizes, {3}}});
    run_gradcheck(
        {"training, then relu", [](In in) { return batch_norm(in[0], {}, {}, in[1], in[2], true, 0.1, 1e-5, {.relu = true}); }, {sizes, {3}, {3}}});
    if (sizes.size() == 4 && sizes[2] >= 2)
      run_gradcheck({"training, then relu and max pooling",
                     [](In in) {
                       const Tensor x = in[0].permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2});
                       return batch_norm(x, {}, {}, in[1], in[2], true, 0.1, 1e-5, {.relu = true, .max_pool = true});
                     },
                     {sizes, {3}, {3}}});
    run_gradcheck({"evaluation, then relu",
                   [=](In in) { return batch_norm(in[0], mean, var, in[1], in[2], false, 0.1, 1e-5, {.relu = true}); },
                   {sizes, {3}, {3}}});
    for (const bool relu : {false, true}) {
      const auto train_and_add = [=](In in) { return batch_norm(in[0], {}, {}, in[1], in[2], true, 0.1, 1e-5, {.addend = in[3], .relu = relu}); };
      const auto eval_and_add = [=](In in) { return batch_norm(in[0], mean, var, in[1], in[2], false, 0.1, 1e-5, {.addend = in[3], .relu = relu}); };
      run_gradcheck({"training, sum, relu", train_and_add, {sizes, {3}, {3}, sizes}});
      run_gradcheck({"evaluation, sum, relu", eval_and_add, {sizes, {3}, {3}, sizes}});
    }
  }
  run_gradcheck({"channels last", channels_last, {{2, 3, 3, 2}, {3}, {3}}});
  run_gradcheck({"more channels than lanes", train, {{3, 19}, {19}, {19}}, -1, 1, false});
  run_gradcheck({"empty", train, {{0, 3}, {3}, {3}}});
}

TEST_CASE("fused batch norms give the bits of batch norm, sum and relu one by one") {
  for (const int64_t channels : {3, 6, 16, 20, 70})
    for (const bool last : {false, true})
      for (const bool training : {true, false})
        for (const bool adds : {false, true}) {
          INFO(channels << " channels" << (last ? " last" : "") << (training ? ", training" : ", evaluation") << (adds ? ", with a sum" : ""));
          manual_seed(3);
          const Tensor weight = randn({channels}), bias = randn({channels}), mean = randn({channels}), var = rand({channels}) + 0.5;
          const auto laid = [&](const Tensor& t) { return (last ? t.contiguous(MemoryFormat::ChannelsLast) : t).requires_grad_(); };
          Tensor x = randn({4, channels, 6, 8});
          x.data<float>()[5] = NAN;
          if (!training) x.data<float>()[9] = INFINITY;
          const Tensor addend = randn({4, channels, 6, 8}), dy = randn({4, channels, 6, 8});
          const auto run = [&](bool fused) {
            std::vector<Tensor> in{laid(x.clone()), laid(addend.clone()), weight.clone().requires_grad_(), bias.clone().requires_grad_()};
            const Tensor rm = mean.clone(), rv = var.clone();
            Tensor y;
            const Then then{.addend = adds ? in[1] : Tensor(), .relu = true};
            if (fused) y = batch_norm(in[0], rm, rv, in[2], in[3], training, 0.1, 1e-5, then);
            else y = apply(then, batch_norm(in[0], rm, rv, in[2], in[3], training));
            y.backward(dy);
            std::vector<Tensor> out{y.detach(), rm, rv};
            for (std::size_t i = 0; i < in.size(); ++i)
              if (i != 1 || adds) out.push_back(in[i].grad());
            return out;
          };
          const auto a = run(true), b = run(false);
          for (std::size_t i = 0; i < a.size(); ++i) CHECK(allclose(a[i], b[i], 0, 0, true));
        }
}

TEST_CASE("batch norm of a few channels side by side is that of float64") {
  for (const int64_t channels : {1, 2, 6, 10, 12, 24, 63})
    for (const int64_t rows : {8, 31, 32, 1000}) {
      INFO(channels << " channels, " << rows << " rows");
      const Tensor x = (randn({rows, channels}) * 3 + 5).detach(), weight = randn({channels}), bias = randn({channels});
      const auto run = [&](DType dtype) {
        std::vector<Tensor> in{x.to(dtype, true).requires_grad_(), weight.to(dtype, true).requires_grad_(), bias.to(dtype, true).requires_grad_()};
        const BatchNormResult r = batch_norm_train(in[0], in[1], in[2]);
        (r.y * r.y.detach() * r.y.detach()).sum().backward();
        return std::vector<Tensor>{r.y.detach(), r.mean, r.invstd, r.var, in[0].grad(), in[1].grad(), in[2].grad()};
      };
      const auto narrow = run(kFloat32), wide = run(kFloat64);
      for (std::size_t i = 0; i < narrow.size(); ++i) CHECK_THAT(narrow[i], is_close(wide[i], 2e-4, 2e-4 * double(i < 4 ? 1 : rows) / 100));
    }
}

TEST_CASE("layer norm over one element is its bias, and no gradient goes through it to the input, as in PyTorch") {
  for (const DType dtype : {kFloat32, kFloat64})
    for (const double v : {0.3, -1.7, 1e4}) {
      INFO(name(dtype) << " " << v);
      const Tensor x = tensor({{v}, {v + 1}, {0.1}}, dtype).requires_grad_(), weight = tensor({2.0}, dtype).requires_grad_();
      const Tensor bias = tensor({0.5}, dtype).requires_grad_();

      const Tensor y = layer_norm(x, {1}, weight, bias);
      y.backward(tensor({{1.0}, {2.0}, {3.0}}, dtype));

      CHECK_THAT(y, is_close({{0.5}, {0.5}, {0.5}}, 0, 0));
      CHECK_THAT(x.grad(), is_close({{0}, {0}, {0}}, 0, 0));
      CHECK_THAT(weight.grad(), is_close({0}, 0, 0));
      CHECK_THAT(bias.grad(), is_close({6}, 0, 0));
    }
}

TEST_CASE("a channel with an infinity has it as its running mean, with both a NaN; its neighbours keep their own, as in PyTorch") {
  const double inf = INFINITY;
  for (const Shape& sizes : {Shape{64, 3}, Shape{8, 3, 2}, Shape{8, 3, 4, 4}, Shape{400, 3, 5, 5}})
    for (const bool last : {false, true}) {
      if (last && sizes.size() != 4) continue;
      INFO("shape " << to_string(tensor(std::vector<int64_t>(sizes.begin(), sizes.end()))) << (last ? ", channels last" : ""));
      manual_seed(0);
      const Tensor plain = randn(sizes), x = last ? plain.contiguous(MemoryFormat::ChannelsLast) : plain;
      const double expected = x.select(1, 2).mean().item<double>();
      x.select(1, 0).select(0, 0).fill_(inf);
      x.select(1, 1).select(0, 1).fill_(-inf);
      const Tensor mean = zeros({3}), var = ones({3});

      batch_norm(x, mean, var, {}, {}, true, 1.0);

      CHECK_THAT(mean, is_close({inf, -inf, expected}, 1e-5, 1e-6));
      CHECK(isnan(var.slice(0, 0, 2)).all().item<bool>());
      CHECK(std::isfinite(var[2].item<double>()));

      x.select(1, 0).select(0, -1).fill_(-inf);
      const Tensor both = zeros({3});
      batch_norm(x, both, ones({3}), {}, {}, true, 1.0);

      CHECK_THAT(both, is_close({NAN, -inf, expected}, 1e-5, 1e-6));
    }
}
