// Exports networks to ONNX with an input of another batch and the output that Ember has for it: tests/integration/onnx.sh compares these with
// onnxruntime. usage: onnx_export FOLDER [MODEL...]      FOLDER/MODEL.onnx, MODEL.x.npy, MODEL.y.npy for each; without names: all but the large ones
#include <ember/ember.h>
#include <ember/models.h>
#include <ember/onnx.h>

#include <cmath>
#include <cstdio>
#include <string>

#include "operations.h"

using namespace ember;

namespace {

/// Running statistics and weights of batch norms as if they had been trained: the values at the start hide mistakes.
void stir(nn::Module& model) {
  const NoGradGuard no_grad;
  for (const auto& [name, b] : model.named_buffers()) {
    if (name.ends_with("running_mean")) b.normal_(0, 0.2);
    if (name.ends_with("running_var")) b.uniform_(0.5, 1.5);
  }
  for (const auto& [name, p] : model.named_parameters())
    if (p.dim() == 1) p.add_(randn(p.sizes()) * 0.05);
}

struct Double : nn::Module {
  Double(int64_t in, int64_t out) : in(in), out(out) {}
  const int64_t in, out;
  nn::Sequential& body = add("body", nn::Sequential{nn::Conv2d(in, out, 3, {.padding = 1}), nn::BatchNorm2d(out), nn::ReLU(),
                                                    nn::Conv2d(out, out, 3, {.padding = 1}), nn::ReLU()});
  Tensor forward(const Tensor& x) override { return body(x); }
};

struct UNet : nn::Module {
  Double& down = add("down", Double(1, 8));
  Double& bottom = add("bottom", Double(8, 16));
  nn::ConvTranspose2d& up = add("up", nn::ConvTranspose2d(16, 8, 2, {.stride = 2}));
  nn::Upsample& smooth = add("smooth", nn::Upsample({.scale_factor = {2}, .mode = "bilinear"}));
  Double& join = add("join", Double(32, 8));
  nn::Conv2d& head = add("head", nn::Conv2d(8, 2, 1));
  Tensor forward(const Tensor& x) override {
    const Tensor fine = down(x), coarse = bottom(max_pool2d(fine, 2));
    return head(join(cat({fine, up(coarse), smooth(coarse)}, 1)));
  }
};

nn::Sequential generator() {
  return nn::Sequential{nn::ConvTranspose2d(32, 64, 2, {.bias = false}),
                        nn::BatchNorm2d(64),
                        nn::ReLU(),
                        nn::ConvTranspose2d(64, 32, 4, {.stride = 2, .padding = 1, .bias = false}),
                        nn::BatchNorm2d(32),
                        nn::ReLU(),
                        nn::ConvTranspose2d(32, 1, 4, {.stride = 2, .padding = 1, .bias = false}),
                        nn::Tanh()};
}

nn::Sequential critic() {
  return nn::Sequential{nn::Conv2d(1, 32, 4, {.stride = 2, .padding = 1, .bias = false}),
                        nn::LeakyReLU(0.2),
                        nn::Conv2d(32, 64, 4, {.stride = 2, .padding = 1, .bias = false}),
                        nn::BatchNorm2d(64),
                        nn::LeakyReLU(0.2),
                        nn::Conv2d(64, 1, 2, {.bias = false}),
                        nn::Flatten()};
}

nn::Sequential digits_cnn() {
  return nn::Sequential{nn::Conv2d(1, 16, 3, {.padding = 1}),
                        nn::BatchNorm2d(16),
                        nn::ReLU(),
                        nn::MaxPool2d(2),
                        nn::Conv2d(16, 32, 3, {.padding = 1}),
                        nn::BatchNorm2d(32),
                        nn::ReLU(),
                        nn::MaxPool2d(2),
                        nn::Flatten(),
                        nn::Linear(32 * 2 * 2, 10)};
}

/// Attention by hand: products of batches, permutations, softmax, layer norm.
struct Attention : nn::Module {
  nn::Linear& qkv = add("qkv", nn::Linear(16, 48));
  nn::Linear& out = add("out", nn::Linear(16, 16));
  nn::LayerNorm& norm = add("norm", nn::LayerNorm(16));
  Tensor forward(const Tensor& x) override {
    const int64_t n = x.size(0), t = x.size(1);
    const Tensor parts = qkv(norm(x)).view({n, t, 3, 4, 4}).permute({2, 0, 3, 1, 4});
    const Tensor scores = matmul(parts[0], parts[1].transpose(-1, -2)) / 2.0;
    const Tensor mask = ones({t, t}).triu(1) > 0;
    const Tensor mixed = matmul(softmax(scores.masked_fill(mask, -INFINITY), -1), parts[2]);
    return x + out(mixed.transpose(1, 2).reshape({n, t, 16}));
  }
};

/// Words to classes: indices, an average over positions, positions added to a batch of any size.
struct Words : nn::Module {
  nn::Embedding& words = add("words", nn::Embedding(20, 8));
  Tensor& places = add_parameter("places");
  nn::Linear& head = add("head", nn::Linear(8, 3));
  Words() { set_parameter(places, randn({5, 8})); }
  Tensor forward(const Tensor& x) override {
    const Tensor start = zeros({x.size(0), 1, 8});
    return log_softmax(head(cat({start, words(x) + places}, 1).mean(1)), 1);
  }
};

/// Sequences of any number, read in both directions by two layers.
struct Reader : nn::Module {
  nn::LSTM& lstm = add("lstm", nn::LSTM(6, 8, {.num_layers = 2, .batch_first = true, .bidirectional = true}));
  nn::GRU& gru = add("gru", nn::GRU(16, 5, {.batch_first = true}));
  nn::Linear& head = add("head", nn::Linear(5, 3));
  Tensor forward(const Tensor& x) override { return head(gru(lstm(x).output).output.select(1, -1)); }
};

/// Many elementwise operations, selections and reductions in a row.
struct Everything : nn::Module {
  nn::PReLU& prelu = add("prelu", nn::PReLU(6));
  nn::GroupNorm& group = add("group", nn::GroupNorm(2, 6));
  nn::RMSNorm& rms = add("rms", nn::RMSNorm(5));
  nn::InstanceNorm1d& instance = add("instance", nn::InstanceNorm1d(6, {.affine = true}));
  nn::Conv1d& conv = add("conv", nn::Conv1d(6, 6, 3, {.padding = 1, .groups = 3}));
  Tensor forward(const Tensor& given) override {  // (N, 6, 5)
    Tensor x = prelu(given);
    x = group(x) + rms(x) * 0.5 - instance(x);
    x = conv(x) + avg_pool1d(x, 3, {.stride = 1, .padding = 1}) + max_pool1d(x, 3, {.stride = 1, .padding = 1});
    x = gelu(x) + silu(x) + mish(x) * 0.3 + softplus(x, 2) - elu(x, 0.7) + selu(x) + celu(x, 0.5) + hardswish(x) + hardsigmoid(x) + softsign(x);
    x = x + leaky_relu(x, 0.1) + hardtanh(x, -0.5, 0.5) + relu6(x) + softshrink(x, 0.2) + hardshrink(x, 0.2) + threshold(x, 0.1, -1) + logsigmoid(x) +
        gelu(x, "tanh") + tanhshrink(x);
    x = x + exp(-x.abs()) + log(x.abs() + 1) + log1p(x.square()) + sqrt(x * x + 1) + rsqrt(x * x + 1) + x.clamp(-1, 1) + pow(x.abs() + 0.1, 0.7) +
        x.pow(2) + sin(x) * cos(x) + erf(x) + sigmoid(x) + tanh(x);
    x = x + where(x > 0.3, x * 2, -x) + maximum(x, given) - minimum(x, 0.5 * given) + floor(x) + trunc(x) * 0.1 + remainder(x, 1.5) +
        lerp(x, given, 0.3) + addcmul(x, given, given, 0.2);
    x = x - x.mean(2, true) / (x.std(2, 1, true) + 1) + x.amax(1, true) + logsumexp(x, 2, true) + x.norm(2, 2, true) + x.sum({1, 2}, true) * 0.01 +
        x.var(1, 0, true) + prod(x * 0.1, 2, true);
    x = cat({x.slice(2, 1, 4), x.slice(2, 0, 5, 2), x.flip(2), pad(x, {1, 2}, PadMode::Constant, 0.5), pad(x, {2, 1}, PadMode::Reflect), x.cumsum(2)},
            2);
    const Tensor first = x.select(1, 0), last = x.select(2, -1);
    return (x.permute({0, 2, 1}).reshape({x.size(0), -1, 3}).unsqueeze(1).expand({x.size(0), 2, -1, 3}).flatten(1) * 0.5) + first.mean(1, true) +
           last.sum(1, true);
  }
};

/// (7, 7) from other sizes: windows that overlap.
nn::Sequential adaptive() {
  return nn::Sequential{nn::AdaptiveAvgPool2d({5, 3}), nn::Conv2d(2, 4, 3, {.padding = 1}), nn::AdaptiveMaxPool2d(1), nn::Flatten()};
}

void save_case(const std::string& folder, const std::string& name, nn::Module& model, const Tensor& example, const Tensor& x) {
  export_onnx(model, example, folder + "/" + name + ".onnx");
  const bool trains = model.is_training();
  model.eval();
  const NoGradGuard no_grad;
  save_npy(x, folder + "/" + name + ".x.npy");
  save_npy(model(x), folder + "/" + name + ".y.npy");
  if (!trains) std::printf("FAILED  %s came back in evaluation\n", name.c_str());
}

void save_images(const std::string& folder, const std::string& name, nn::Module& model, Shape sizes) {
  stir(model);
  sizes.insert(0, 1);
  const Tensor example = rand(sizes);
  sizes[0] = sizes.numel() > 40000 ? 2 : 5;
  save_case(folder, name, model, example, rand(sizes));
}

void save_model(const std::string& folder, const std::string& name) {
  manual_seed(0);
  if (name == "digits_cnn") {
    nn::Sequential model = digits_cnn();
    save_images(folder, name, model, {1, 8, 8});
  } else if (name == "unet") {
    UNet model;
    save_images(folder, name, model, {1, 16, 16});
  } else if (name == "generator") {
    nn::Sequential model = generator();
    save_images(folder, name, model, {32, 1, 1});
  } else if (name == "critic") {
    nn::Sequential model = critic();
    save_images(folder, name, model, {1, 8, 8});
  } else if (name == "adaptive") {
    nn::Sequential model = adaptive();
    save_images(folder, name, model, {2, 9, 7});
  } else if (name == "attention") {
    Attention model;
    save_case(folder, name, model, randn({1, 6, 16}), randn({4, 6, 16}));
  } else if (name == "words") {
    Words model;
    save_case(folder, name, model, zeros({3, 5}, kInt64).random_(20), zeros({7, 5}, kInt64).random_(20));
  } else if (name == "lstm") {
    Reader model;
    save_case(folder, name, model, randn({2, 7, 6}), randn({4, 7, 6}));
  } else if (name == "encoder") {
    nn::TransformerEncoder model(nn::TransformerEncoderLayer(16, 4, {.dim_feedforward = 32, .batch_first = true}), 2);
    save_case(folder, name, model, randn({2, 6, 16}), randn({5, 6, 16}));
  } else if (name == "volumes") {
    const std::unique_ptr<nn::Module> model = onnx_test::volumes();
    save_images(folder, name, *model, {2, 6, 7, 5});
  } else if (name == "everything") {
    Everything model;
    stir(model);
    save_case(folder, name, model, randn({2, 6, 5}), randn({3, 6, 5}));
  } else {
    models::AnyModel model = models::create(name);
    save_images(folder, name, *model, models::image_shape(name));
  }
}

/// One operation on a scaled input.
struct Single : nn::Module {
  const onnx_test::Operation operation;
  Tensor& scale = add_parameter("scale");
  explicit Single(onnx_test::Operation operation) : operation(std::move(operation)) { set_parameter(scale, full({}, 1.5)); }
  Tensor forward(const Tensor& x) override { return operation.run(x * scale); }
};

void save_operation(const std::string& folder, const onnx_test::Operation& operation) {
  manual_seed(1);
  Single model(operation);
  Shape sizes = IntArrayRef(operation.sizes).shape();
  sizes.insert(0, 2);
  const Tensor example = randn(sizes);
  sizes[0] = 3;
  save_case(folder, "operation_" + operation.name, model, example, randn(sizes));
}

/// What cannot be exported says so, by operation and module.
struct Pick : nn::Module {
  std::string kind;
  explicit Pick(std::string kind) : kind(std::move(kind)) {}
  Tensor forward(const Tensor& x) override {
    if (kind == "median") return x.median(1).values;
    if (kind == "item") return x * x.max().item<double>();
    if (kind == "branch") return x.max().item<double>() > 1.2 ? x * 2 : x.exp();
    if (kind == "size") return x * double(x.size(0));
    return batch_norm(x, {}, {}, {}, {}, true);
  }
};
struct Refused : nn::Module {
  Pick& head;
  explicit Refused(const std::string& kind) : head(add("head", Pick(kind))) {}
  Tensor forward(const Tensor& x) override { return head(x * 2); }
};

void refuse(const std::string& folder, const std::string& kind, const char* expected) {
  Refused model(kind);
  try {
    export_onnx(model, full({2, 40}, 0.7), folder + "/refused.onnx");
    std::printf("FAILED  %s was exported\n", kind.c_str());
  } catch (const Error& error) {
    const bool good = std::string(error.what()).find(expected) != std::string::npos;
    std::printf("%s refuses %s%s%s\n", good ? "ok     " : "FAILED ", kind.c_str(), good ? "" : ": ", good ? "" : error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = argv[1];
  std::vector<std::string> names(argv + 2, argv + argc);
  const auto attempt = [](const std::string& name, const auto& save) {
    try {
      save();
    } catch (const std::exception& error) {
      std::printf("FAILED  %s: %s\n", name.c_str(), error.what());
    }
  };
  if (names.empty()) {
    names = {"digits_cnn", "unet",    "generator",  "critic", "adaptive", "attention", "words",       "lstm",
             "encoder",    "volumes", "everything", "lenet",  "resnet20", "resnet18",  "mobilenet_v2"};
    for (const onnx_test::Operation& operation : onnx_test::operations()) attempt(operation.name, [&] { save_operation(folder, operation); });
    refuse(folder, "median", "the operation Median of module head has no counterpart in ONNX");
    refuse(folder, "item", "no recorded operation has made it");
    refuse(folder, "branch", "the forward ran other operations for another batch");
    refuse(folder, "size", "no recorded operation has made it");
    refuse(folder, "statistics", "NativeBatchNorm of module head takes the statistics of the batch");
  }
  for (const std::string& name : names) attempt(name, [&] { save_model(folder, name); });
}
