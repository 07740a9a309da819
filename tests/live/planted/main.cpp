// Ember's side of tests/live/planted.py: small training runs with, perhaps, one mistake in them. net.py is the same in PyTorch.
// usage: planted OUT.npz NET OPTIMISER STEPS [MISTAKE]
#include <ember/ember.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>

using namespace ember;

static std::string mistake;
static bool has(const char* name) { return mistake == name; }

/// Convolutions with batch norm, a shortcut, dropout, and a head of two layers.
struct Cnn : nn::Module {
  nn::Conv2d& conv1 = add("conv1", nn::Conv2d(1, 8, 3, {.padding = has("dilation") ? 2 : 1, .dilation = has("dilation") ? 2 : 1}));
  nn::BatchNorm2d& norm1 = add("norm1", nn::BatchNorm2d(8, {.eps = has("bn_eps") ? 1e-3 : has("bn_eps_small") ? 1e-6 : 1e-5}));
  nn::LeakyReLU& act1 = add("act1", nn::LeakyReLU(has("slope") ? 0.02 : 0.01));
  nn::Conv2d& conv2 = add("conv2",
                          nn::Conv2d(8, 8, 3, {.padding = 1, .bias = !has("no_bias"), .padding_mode = has("padding_mode") ? "reflect" : "zeros"}));
  nn::BatchNorm2d& norm2 = add("norm2", nn::BatchNorm2d(8, {.momentum = has("bn_momentum")        ? 0.01
                                                                        : has("bn_momentum_read") ? 0.9
                                                                                                  : 0.1,
                                                            .track_running_stats = !has("no_track")}));
  nn::ReLU& act2 = add("act2", nn::ReLU());
  nn::MaxPool2d& pool = add("pool", nn::MaxPool2d(2));
  nn::AvgPool2d& average = add("average", nn::AvgPool2d(2));
  nn::Dropout& drop = add("drop", nn::Dropout(has("dropout") ? 0.25 : 0.2));
  nn::Linear& fc1 = add("fc1", nn::Linear(128, 32));
  nn::GELU& act3 = add("act3", nn::GELU(has("gelu") ? "tanh" : "none"));
  nn::Linear& fc2 = add("fc2", nn::Linear(32, 10));

  Tensor forward(const Tensor& images) override {
    Tensor x = norm1(conv1(images));
    if (!has("no_act")) x = act1(x);
    Tensor shortcut = has("detach") ? x.detach() : x;
    if (has("drawn")) randn({1});
    if (has("scaled_shortcut")) shortcut = shortcut * 0.9;
    x = has("same_norm") ? norm1(conv2(x)) : norm2(conv2(x));
    if (has("act_first")) x = act2(x) + shortcut;
    else x = act2(has("no_shortcut") ? x : x + shortcut);
    x = has("avg_pool") ? average(x) : pool(x);
    if (has("flat_nhwc")) x = x.permute({0, 2, 3, 1});
    if (has("drop_late")) x = drop(act3(fc1(flatten(x, 1))));
    else if (has("bias_unused")) x = act3(linear(drop(flatten(x, 1)), fc1.weight));
    else x = act3(fc1(drop(flatten(x, 1))));
    if (has("extra_relu")) return relu(fc2(x));
    if (has("double_softmax")) return softmax(fc2(x), 1);
    return has("scaled_output") ? fc2(x) * 1.001 : fc2(x);
  }
};

struct Mlp : nn::Module {
  nn::Linear& fc1 = add("fc1", nn::Linear(64, 32));
  nn::ReLU& act1 = add("act1", nn::ReLU());
  nn::Linear& fc2 = add("fc2", nn::Linear(32, 32));
  nn::Tanh& act2 = add("act2", nn::Tanh());
  nn::Linear& fc3 = add("fc3", nn::Linear(32, 10));
  Tensor forward(const Tensor& images) override {
    Tensor x = act1(fc1(flatten(images, 1)));
    return fc3(act2(fc2(x)));
  }
};

struct Residual : nn::Module {
  nn::Linear& stem = add("stem", nn::Linear(64, 32));
  nn::Linear& a = add("a", nn::Linear(32, 32));
  nn::LayerNorm& norm = add("norm", nn::LayerNorm({32}));
  nn::Linear& b = add("b", nn::Linear(32, 32));
  nn::Linear& head = add("head", nn::Linear(32, 10));
  Tensor forward(const Tensor& images) override {
    Tensor x = relu(stem(flatten(images, 1)));
    x = relu(x + a(norm(x)));
    x = relu(x + b(x));
    return head(x);
  }
};

static void change_initialisation(nn::Module& net) {
  NoGradGuard no_grad;
  for (auto& [name, p] : net.named_parameters()) {
    if (has("init_layer") && name == "fc1.weight") p.mul_(1.2);
    if (has("init_bias") && name == "conv2.bias") p.zero_();
    if (has("init_transposed") && name == "conv2.weight") p.copy_(p.transpose(0, 1).contiguous());
    if (has("init_two") && (name == "conv1.weight" || name == "fc2.bias")) p.add_(0.01);
    if (has("init_tiny") && name == "fc2.weight") p.mul_(1.0001);
    if (has("frozen") && name == "conv2.weight") p.requires_grad_(false);
    if (has("frozen_bias") && name == "fc1.bias") p.requires_grad_(false);
  }
}

static std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& kind, nn::Module& net) {
  std::vector<Tensor> one, rest;
  for (auto& [name, p] : net.named_parameters())
    ((has("decay_biases") && name.ends_with("bias")) || (has("decay_matrices") && p.dim() > 1) ||
             ((has("decay_one_bias") || has("left_out")) && name == "fc2.bias") || (has("rate_of_head") && name.starts_with("fc2"))
         ? one
         : rest)
        .push_back(p);
  std::vector<optim::ParamGroup> groups{{.params = rest}};
  if (kind == "sgd" || kind == "plain") {
    optim::SGDOptions o{.lr = has("lr") ? 0.051 : 0.05, .momentum = kind == "plain" ? 0 : has("momentum") ? 0.85 : 0.9};
    if (has("decay")) o.weight_decay = 1e-4;
    if (has("nesterov")) o.nesterov = true;
    if (has("dampening")) o.dampening = 0.1;
    if (has("maximize")) o.maximize = true;
    if (one.empty()) return std::make_unique<optim::SGD>(net.parameters(), o);
    if (!has("left_out")) groups.push_back({.params = one});
    if (has("decay_one_bias") || has("decay_biases") || has("decay_matrices")) groups.back().weight_decay = 1e-4;
    if (has("rate_of_head")) groups.back().lr = 0.02;
    return std::make_unique<optim::SGD>(groups, o);
  }
  if (kind == "rmsprop")
    return std::make_unique<optim::RMSprop>(net.parameters(),
                                            optim::RMSpropOptions{.lr = 1e-3, .alpha = has("alpha") ? 0.9 : 0.99, .centered = has("centered")});
  if (has("adamw")) return std::make_unique<optim::AdamW>(net.parameters());
  optim::AdamOptions o;
  if (has("beta2")) o.betas = {0.9, 0.99};
  if (has("beta1")) o.betas = {0.8, 0.999};
  if (has("adam_eps")) o.eps = 1e-6;
  if (has("decay")) o.weight_decay = 1e-4;
  if (has("amsgrad")) o.amsgrad = true;
  if (has("lr")) o.lr = 1.02e-3;
  if (one.empty()) return std::make_unique<optim::Adam>(net.parameters(), o);
  if (!has("left_out")) groups.push_back({.params = one});
  if (has("decay_one_bias") || has("decay_biases") || has("decay_matrices")) groups.back().weight_decay = 1e-4;
  if (has("rate_of_head")) groups.back().lr = 2e-4;
  return std::make_unique<optim::Adam>(groups, o);
}

static Tensor loss_of(const Tensor& scores, const Tensor& labels, nn::Module& net, const Tensor& images) {
  CrossEntropyOptions o;
  if (has("smoothing")) o.label_smoothing = 0.1;
  if (has("sum")) o.reduction = Reduction::Sum;
  if (has("class_weight")) o.weight = linspace(0.5, 1.5, 10);
  Tensor loss = cross_entropy(scores, labels, o);
  if (has("squares")) loss = mse_loss(softmax(scores, 1), one_hot(labels, 10).to(scores.dtype()));
  if (has("l2_loss"))
    for (const Tensor& p : net.parameters()) loss = loss + p.square().sum() * 5e-5;
  if (has("l1_loss"))
    for (const Tensor& p : net.parameters()) loss = loss + p.abs().sum() * 1e-4;
  if (has("score_loss")) loss = loss + scores.square().mean() * 0.01;
  if (has("half_loss")) loss = loss / 2;
  (void)images;
  return loss;
}

int main(int argc, char** argv) {
  if (argc < 5) return 1;
  const std::string out = argv[1], kind = argv[2], optimiser = argv[3];
  const int steps = std::atoi(argv[4]);
  if (argc > 5) mistake = argv[5];
  Generator source(7);
  const Tensor centres = empty({10, 1, 8, 8}).normal_(0, 1, &source), labels = zeros({160}, kInt64).random_(10, &source);
  const Tensor images = centres.index_select(0, labels) + empty({160, 1, 8, 8}).normal_(0, 1, &source);
  manual_seed(has("seed") ? 1 : 0);
  std::unique_ptr<nn::Module> net;
  if (kind == "cnn") net = std::make_unique<Cnn>();
  if (kind == "mlp") net = std::make_unique<Mlp>();
  if (kind == "residual") net = std::make_unique<Residual>();
  change_initialisation(*net);
  if (has("double")) net->to(kFloat64);
  std::unique_ptr<optim::Optimizer> optimizer = make_optimizer(optimiser, *net);
  Trace trace(out, {.max_bytes = int64_t(4) << 30, .model = net.get()});
  const int size = has("batch_size") ? 20 : 16;
  for (int step = 0; step < steps; ++step) {
    if (has("per_batch")) optimizer->param_groups[0].lr *= 0.9;
    if (has("warm_up")) optimizer->param_groups[0].lr = 0.05 * (step + 1) / 5;
    if (has("new_optimizer") && step == 3) optimizer = make_optimizer(optimiser, *net);
    if (has("eval_always")) net->eval();
    if (has("schedule") && step == 3) optimizer->param_groups[0].lr /= 10;
    if (has("eval_mode") && step == 2) net->eval();
    const int from = step % 8 * size;
    Tensor x = images.narrow(0, from, size), y = labels.narrow(0, from, size);
    if (has("permuted") && step == 2) x = x.flip(0), y = y.flip(0);
    if (has("shuffled_labels")) y = y.flip(0);
    if (has("one_label") && step == 1) y = y.clone(), y.select(0, 3).copy_((y.select(0, 3) + 1) % 10);
    if (has("affine")) x = x * 0.5 + 0.1;
    if (has("mirrored")) x = x.flip(3);
    if (has("one_pixel") && step == 1) x = x.clone(), x.select(0, 3).select(0, 0).select(0, 2).select(0, 2).fill_(0);
    if (has("next_batch") && step >= 2) x = images.narrow(0, from + 16, size), y = labels.narrow(0, from + 16, size);
    if (has("last_batch") && step == 4) x = x.narrow(0, 0, 12), y = y.narrow(0, 0, 12);
    if (has("turned")) x = x.transpose(2, 3);
    if (has("nan") && step == 2) x = x.clone(), x.select(0, 5).select(0, 0).select(0, 1).select(0, 1).fill_(std::nan(""));
    if (has("per_batch_norm")) x = (x - x.mean()) / x.std();
    if (has("off_by_one")) y = (y + 1) % 10;
    if (has("double")) x = x.to(kFloat64);
    if (has("every_second") && step % 2 == 1) {
      loss_of((*net)(x), y, *net, x).backward();
      optimizer->step();
      optimizer->zero_grad();
      continue;
    }
    if (!has("zero_grad")) optimizer->zero_grad();
    loss_of((*net)(x), y, *net, x).backward();
    if (has("clip")) nn::utils::clip_grad_norm_(net->parameters(), 1.0);
    if (has("clip_value")) nn::utils::clip_grad_value_(net->parameters(), 0.02);
    if (has("lost_gradient"))
      for (auto& [name, p] : net->named_parameters())
        if (name == "conv2.weight") p.grad().zero_();
    if (has("every_second")) continue;
    if (!has("skipped_update") || step != 2) optimizer->step();
    if ((has("two_steps") && step == 1) || has("twice")) optimizer->step();
    if (has("validation") && step % 2 == 1) {
      net->eval();
      NoGradGuard no_grad;
      (*net)(images.narrow(0, 144, 16));
      net->train();
    }
  }
}
