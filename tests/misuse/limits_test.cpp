// The limits of what constructors and C++ forms of calls take: the last values that they take and the first that they refuse, as in PyTorch
// (torch.nn, torch.optim, torch.utils.data, torchvision.transforms); those of functions are comparison cases, tests/parity/limits.
#include <ember/ember.h>

#include "support/catch.h"
#include "support/folder.h"

using namespace ember;
namespace rnn = ember::nn::utils::rnn;
namespace transforms = ember::data::transforms;

namespace {

struct Toy {
  Tensor w = ones({3}).requires_grad_();
  optim::SGD sgd = optim::SGD(std::vector<Tensor>{w}, {.lr = 0.1});
};

std::vector<Tensor> one_parameter() { return {ones({2, 2}).requires_grad_()}; }

}  // namespace

TEST_CASE("limits: views and indices") {
  const Tensor number = scalar_tensor(2), x = ones({4, 2});
  CHECK_THROWS_WITH(number.slice(0, 0, 1, 1), starts_with("slice() cannot be applied to a 0-dim tensor."));
  CHECK_THROWS_WITH(number.narrow(0, 0, 0), starts_with("narrow() cannot be applied to a 0-dim tensor."));
  CHECK_THROWS_WITH(number[0], starts_with("invalid index of a 0-dim tensor."));
  CHECK_THROWS_WITH(x.slice(0, 0, 2, 0), starts_with("step must be greater than zero"));
  CHECK(x.slice(0, 0, 4, 3).size(0) == 2);
  CHECK(x.slice(0, 4, 9, 1).size(0) == 0);
  CHECK(x.slice(0, -9, -3, 1).size(0) == 1);
}

TEST_CASE("limits: packed sequences") {
  const Tensor padded = ones({3, 2, 4});
  CHECK_THROWS_WITH(rnn::unpad_sequence(padded, tensor({1, 2, 3}, kInt64)), contains("expected a length for each of 2 sequences, got 3"));
  CHECK_THROWS_WITH(rnn::unpad_sequence(padded, tensor({1, 2}, kInt64), true), contains("expected a length for each of 3 sequences, got 2"));
  CHECK_THROWS_WITH(rnn::unpad_sequence(ones({3}), tensor({1}, kInt64)), contains("at least 2 dimensions"));
  CHECK(rnn::unpad_sequence(ones({3, 1}), tensor({2}, kInt64))[0].numel() == 2);
  CHECK_THROWS_WITH(rnn::pack_padded_sequence(padded, {3, 0}), starts_with("Length of all samples has to be greater than 0"));
  CHECK_THROWS_WITH(rnn::pack_padded_sequence(padded, {4, 1}), contains("at most 3"));
  CHECK_THROWS_WITH(rnn::pack_padded_sequence(padded, {1, 3}), starts_with("`lengths` array must be sorted"));
  CHECK_THROWS_WITH(rnn::pack_padded_sequence(ones({0, 2, 4}), {1, 1}), starts_with("Cannot pack empty tensors."));
  const rnn::PackedSequence packed = rnn::pack_padded_sequence(padded, {2, 1});
  CHECK_THROWS_WITH(rnn::pad_packed_sequence(packed, {.total_length = 1}), starts_with("Expected total_length to be at least"));
  CHECK(rnn::pad_packed_sequence(packed, {.total_length = 2}).output.sizes() == IntArrayRef({2, 2, 4}));
  CHECK(rnn::pad_packed_sequence(packed, {.total_length = 5}).output.sizes() == IntArrayRef({5, 2, 4}));
}

TEST_CASE("limits: what modules are made with") {
  for (const double p : {0.0, 1.0}) CHECK(nn::Dropout(p).repr() == (p == 0 ? "Dropout(p=0.0, inplace=False)" : "Dropout(p=1.0, inplace=False)"));
  for (const double p : {-0.001, 1.001, double(NAN)}) CHECK_THROWS_WITH(nn::Dropout(p), starts_with("dropout probability has to be between 0 and 1"));
  for (const double decay : {0.0, 1.0}) CHECK_NOTHROW(optim::swa_utils::get_ema_avg_fn(decay));
  for (const double decay : {-0.01, 1.01}) CHECK_THROWS_WITH(optim::swa_utils::get_ema_avg_fn(decay), starts_with("Invalid decay value"));
  CHECK_THROWS_WITH(nn::MultiheadAttention(0, 1), starts_with("embed_dim and num_heads must be greater than 0"));
  CHECK_THROWS_WITH(nn::MultiheadAttention(4, 0), starts_with("embed_dim and num_heads must be greater than 0"));
  CHECK_NOTHROW(nn::MultiheadAttention(1, 1));
  CHECK_NOTHROW(nn::Conv2d(0, 2, 1));
  CHECK_THROWS_WITH(nn::Conv2d(-1, 2, 1), contains("0 or more"));
  CHECK_THROWS_WITH(nn::Conv2d(2, -2, 1), contains("0 or more"));
  CHECK_THROWS_WITH(nn::Conv2d(2, 2, 1, {.groups = 0}), starts_with("groups must be a positive integer"));
  CHECK_THROWS_WITH(nn::Conv2d(2, 2, 0), starts_with("kernel size should be greater than zero"));
  CHECK_THROWS_WITH(nn::Conv2d(2, 2, 1, {.stride = 0}), starts_with("non-positive stride is not supported"));
  CHECK_THROWS_WITH(nn::Conv2d(2, 2, 1, {.padding = -1}), starts_with("negative padding is not supported"));
  CHECK_THROWS_WITH(nn::Conv2d(2, 2, 1, {.dilation = 0}), starts_with("dilation should be greater than zero"));
  CHECK_NOTHROW(nn::BatchNorm1d(0));
  CHECK_THROWS_AS(nn::BatchNorm1d(-1), RuntimeError);
  CHECK_THROWS_WITH(nn::GroupNorm(0, 4), starts_with("num_channels (4) must be divisible by num_groups (0)"));
  CHECK_NOTHROW(nn::GroupNorm(4, 4));
  for (const int64_t row : {-3, 2}) CHECK_NOTHROW(nn::Embedding(3, 2, {.padding_idx = row}));
  for (const int64_t row : {-4, 3}) CHECK_THROWS_WITH(nn::Embedding(3, 2, {.padding_idx = row}), starts_with("Padding_idx must be within"));
  for (const int64_t row : {-3, 2}) CHECK_NOTHROW(nn::EmbeddingBag(3, 2, {.padding_idx = row}));
  for (const int64_t row : {-4, 3}) CHECK_THROWS_WITH(nn::EmbeddingBag(3, 2, {.padding_idx = row}), starts_with("padding_idx must be within"));
  CHECK_THROWS_WITH(nn::Bilinear(0, 2, 2), starts_with("in1_features must be > 0"));
  CHECK_NOTHROW(nn::Bilinear(1, 0, 2));
  CHECK_THROWS_WITH(nn::TripletMarginLoss({.margin = 0}), starts_with("TripletMarginLoss: expected margin to be greater than 0"));
  CHECK_NOTHROW(nn::TripletMarginLoss({.margin = 0.01}));
  CHECK_THROWS_WITH(nn::MaxPool2d(0), starts_with("kernel size should be greater than zero"));
  CHECK_THROWS_WITH(nn::MaxPool2d(2, {.stride = 0}), starts_with("stride should be"));
  CHECK_THROWS_WITH(nn::MaxPool2d(2, {.padding = -1}), starts_with("pad must be non-negative"));
  CHECK_THROWS_WITH(nn::MaxPool2d(3, {.padding = 2}), starts_with("pad should be at most half"));
  CHECK_NOTHROW(nn::MaxPool2d(2, {.padding = 1}));
  CHECK_THROWS_WITH(nn::MaxPool2d(2, {.dilation = 0}), starts_with("dilation should be greater than zero"));
}

TEST_CASE("limits: recurrent layers and transformers") {
  for (const double dropout : {0.0, 1.0}) CHECK_NOTHROW(nn::LSTM(1, 1, {.num_layers = 2, .dropout = dropout}));
  for (const double dropout : {-0.1, 1.1})
    CHECK_THROWS_WITH(nn::LSTM(1, 1, {.dropout = dropout}), starts_with("dropout should be a number in range"));
  CHECK_THROWS_WITH(nn::GRU(0, 1), starts_with("input_size must be greater than zero"));
  CHECK_THROWS_WITH(nn::GRU(1, 0), starts_with("hidden_size must be greater than zero"));
  CHECK_THROWS_WITH(nn::GRU(1, 1, {.num_layers = 0}), starts_with("num_layers must be greater than zero"));
  CHECK_THROWS_WITH(nn::LSTM(1, 2, {.proj_size = 2}), starts_with("proj_size has to be smaller than hidden_size"));
  CHECK_THROWS_WITH(nn::LSTM(1, 2, {.proj_size = -1}), starts_with("proj_size should be a positive integer"));
  CHECK_NOTHROW(nn::LSTM(1, 2, {.proj_size = 1}));
  CHECK_THROWS_WITH(nn::RNN(1, 2)(ones({0, 1, 1})), starts_with("Expected sequence length to be larger than 0 in RNN"));
}

TEST_CASE("limits: children and initialisers") {
  nn::Sequential net{nn::Linear(2, 3), nn::ReLU()};
  CHECK(net[-2].repr() == net[0].repr());
  CHECK(net[1].repr() == "ReLU()");
  CHECK_THROWS_WITH(net[2], starts_with("index 2 is out of range"));
  CHECK_THROWS_WITH(net[-3], starts_with("index -3 is out of range"));
  CHECK_NOTHROW(nn::init::xavier_uniform_(ones({2, 3})));
  CHECK_THROWS_WITH(nn::init::xavier_uniform_(ones({3})), starts_with("Fan in and fan out can not be computed"));
  CHECK_THROWS_WITH(nn::init::orthogonal_(ones({3})), starts_with("Only tensors with 2 or more dimensions"));
  for (const int dims : {3, 4, 5}) CHECK_NOTHROW(nn::init::dirac_(ones(Shape::filled(dims, 2))));
  for (const int dims : {2, 6}) CHECK_THROWS_WITH(nn::init::dirac_(ones(Shape::filled(dims, 2))), starts_with("Only tensors with 3, 4, or 5"));
  // The centre of the kernel passes a channel on, the last channels of the output have none.
  const Tensor w = nn::init::dirac_(empty({3, 2, 3, 2}));
  CHECK(w.sum().item<float>() == 2);
  CHECK(w[0][0][1][1].item<float>() == 1);
  CHECK(w[1][1][1][1].item<float>() == 1);
  const Tensor grouped = nn::init::dirac_(empty({4, 2, 3}), 2);
  for (int64_t o = 0; o < 4; ++o) CHECK(grouped[o][o % 2][1].item<float>() == 1);
  CHECK(grouped.sum().item<float>() == 4);
}

TEST_CASE("limits: optimisers") {
  CHECK_NOTHROW(optim::Adadelta(one_parameter(), {.rho = 0}));
  CHECK_NOTHROW(optim::Adadelta(one_parameter(), {.rho = 1}));
  for (const double rho : {-0.1, 1.1}) CHECK_THROWS_WITH(optim::Adadelta(one_parameter(), {.rho = rho}), starts_with("Invalid rho value"));
  for (const optim::Pair etas : {optim::Pair{0.0, 1.2}, {1.0, 1.2}, {0.5, 1.0}})
    CHECK_THROWS_WITH(optim::Rprop(one_parameter(), {.etas = etas}), starts_with("Invalid eta values"));
  CHECK_NOTHROW(optim::Rprop(one_parameter(), {.etas = {0.999, 1.001}}));
  CHECK_THROWS_WITH(optim::SGD(one_parameter(), {.momentum = 0, .nesterov = true}), starts_with("Nesterov momentum requires"));
  CHECK_THROWS_WITH(optim::SGD(one_parameter(), {.momentum = 0.9, .dampening = 0.1, .nesterov = true}), starts_with("Nesterov momentum requires"));
  CHECK_NOTHROW(optim::SGD(one_parameter(), {.momentum = 0.9, .nesterov = true}));
  CHECK_NOTHROW(optim::SGD(one_parameter(), {.lr = 0}));
  CHECK_THROWS_WITH(optim::Muon(one_parameter(), {.ns_steps = 100}), starts_with("Number of steps must be less than 100"));
  CHECK_NOTHROW(optim::Muon(one_parameter(), {.ns_steps = 99}));
  CHECK_THROWS_WITH(optim::Adafactor(one_parameter(), {.beta2_decay = 0.1}), starts_with("beta2_decay should be <= 0"));
  CHECK_NOTHROW(optim::Adafactor(one_parameter(), {.beta2_decay = 0}));
}

TEST_CASE("limits: schedulers") {
  Toy toy;
  CHECK_THROWS_AS(optim::StepLR(toy.sgd, 0), ValueError);
  CHECK_NOTHROW(optim::StepLR(toy.sgd, 1));
  for (const double factor : {0.0, 1.0}) CHECK_NOTHROW(optim::ConstantLR(toy.sgd, factor));
  for (const double factor : {-0.1, 1.1}) CHECK_THROWS_WITH(optim::ConstantLR(toy.sgd, factor), starts_with("Constant multiplicative factor"));
  for (const double start : {0.0, 1.1}) CHECK_THROWS_WITH(optim::LinearLR(toy.sgd, start), starts_with("Starting multiplicative factor"));
  for (const double end : {-0.1, 1.1}) CHECK_THROWS_WITH(optim::LinearLR(toy.sgd, 1, end), starts_with("Ending multiplicative factor"));
  CHECK_NOTHROW(optim::LinearLR(toy.sgd, 1.0, 0.0));
  CHECK_THROWS_AS(optim::CosineAnnealingLR(toy.sgd, 0), ValueError);
  CHECK_NOTHROW(optim::CosineAnnealingLR(toy.sgd, 1));
  CHECK_THROWS_WITH(optim::CosineAnnealingWarmRestarts(toy.sgd, 0), starts_with("Expected positive integer T_0"));
  CHECK_THROWS_WITH(optim::CosineAnnealingWarmRestarts(toy.sgd, 1, 0), starts_with("Expected integer T_mult >= 1"));
  CHECK_THROWS_AS(optim::OneCycleLR(toy.sgd, {.max_lr = 0.1, .total_steps = 0}), ValueError);
  CHECK_THROWS_WITH(optim::OneCycleLR(toy.sgd, {.max_lr = 0.1, .epochs = 0, .steps_per_epoch = 1}), starts_with("Expected positive integer epochs"));
  CHECK_THROWS_WITH(optim::OneCycleLR(toy.sgd, {.max_lr = 0.1, .epochs = 1, .steps_per_epoch = 0}),
                    starts_with("Expected positive integer steps_per"));
  CHECK_THROWS_WITH(optim::OneCycleLR(toy.sgd, {.max_lr = 0.1, .epochs = 1}), starts_with("You must define either total_steps"));
  for (const double part : {-0.1, 1.1})
    CHECK_THROWS_WITH(optim::OneCycleLR(toy.sgd, {.max_lr = 0.1, .total_steps = 4, .pct_start = part}),
                      starts_with("Expected float between 0 and 1"));
  CHECK_THROWS_WITH(optim::ReduceLROnPlateau(toy.sgd, {.factor = 1}), starts_with("Factor should be < 1.0."));
}

TEST_CASE("limits: data sets, samplers and loaders") {
  const data::TensorDataset set(arange(3));
  CHECK(set[-3][0].item<int64_t>() == 0);
  CHECK(set[2][0].item<int64_t>() == 2);
  CHECK_THROWS_WITH(set.get_batch({-1}), contains("expected samples below 3, got -1"));
  CHECK_THROWS_WITH(data::TensorDataset(arange(3), scalar_tensor(1)), contains("got tensor 1 without dimensions"));
  const data::ConcatDataset both(data::TensorDataset(arange(2)), data::TensorDataset(arange(3) + 10));
  const int64_t expected[] = {0, 1, 10, 11, 12};
  for (int64_t i = 0; i < 5; ++i) CHECK((both[i][0].item<int64_t>() == expected[i] && both[i - 5][0].item<int64_t>() == expected[i]));
  CHECK_THROWS_WITH(both[-6], contains("got -6 of 5 samples"));
  const data::Subset part(set, {2, 0});
  CHECK(part[-2][0].item<int64_t>() == 2);
  CHECK_THROWS_WITH(part[-3], contains("got -3 of 2 samples"));
  CHECK(data::SequentialSampler(0).indices().empty());
  CHECK(data::RandomSampler(1).indices() == std::vector<int64_t>{0});
  CHECK(data::WeightedRandomSampler({0, 2}, 3).indices() == std::vector<int64_t>{1, 1, 1});
  CHECK_THROWS_WITH(data::WeightedRandomSampler({1, 2}, 0), starts_with("num_samples should be a positive integer value"));
  CHECK(data::WeightedRandomSampler({1, 2}, 2, false).indices().size() == 2);
  CHECK(data::BatchSampler(data::SequentialSampler(4), 2, true).size() == 2);
  CHECK(data::BatchSampler(data::SequentialSampler(5), 2, true).size() == 2);
  CHECK(data::BatchSampler(data::SequentialSampler(5), 2, false).batches() == std::vector<std::vector<int64_t>>{{0, 1}, {2, 3}, {4}});
  CHECK_THROWS_WITH(data::random_split(set, {4, -1}), contains("lengths of 0 or more, got -1"));
  CHECK(data::random_split(set, {0, 3})[0].size() == 0);
  CHECK(data::random_split(set, {0.0, 1.0})[1].size() == 3);
  CHECK_THROWS_WITH(data::random_split(set, {2, 2}), contains("the lengths sum to 4, the data set has 3 samples"));
  CHECK_THROWS_WITH(data::DataLoader(set, {.prefetch_factor = 0}), starts_with("prefetch_factor option should be non-negative"));
  CHECK_THROWS_WITH(data::DataLoader(set, {.num_workers = 1025}), contains("at most 1024 threads"));
}

TEST_CASE("limits: what transforms of images take") {
  const Tensor image = rand({3, 4, 5}), grey = rand({1, 4, 5});
  CHECK_THROWS_WITH(transforms::RandomCrop(0), contains("expected a size above 0"));
  CHECK_THROWS_WITH(transforms::CenterCrop({2, 0}), contains("expected a size above 0"));
  CHECK_THROWS_WITH(transforms::RandomCrop(2, {.padding = -1}), contains("padding of 0 or more"));
  CHECK_THROWS_WITH(transforms::RandomErasing({.scale = {-0.1, 0.5}}), starts_with("Scale should be between 0 and 1"));
  CHECK_THROWS_WITH(transforms::RandomErasing({.scale = {0.2, 1.1}}), starts_with("Scale should be between 0 and 1"));
  CHECK_THROWS_AS(transforms::RandomErasing({.scale = {0.5, 0.4}}), ValueError);
  CHECK_NOTHROW(transforms::RandomErasing({.scale = {0, 1}}));
  CHECK_THROWS_AS(transforms::RandomErasing({.ratio = {0, 1}}), ValueError);
  CHECK_THROWS_AS(transforms::RandomErasing({.ratio = {2, 1}}), ValueError);
  CHECK_THROWS_AS(transforms::Cutout(0), ValueError);
  CHECK_THROWS_AS(transforms::Cutout(1, -1), ValueError);
  CHECK_NOTHROW(transforms::Cutout(1, 0));
  CHECK_THROWS_WITH(transforms::affine(image.unsqueeze(0), 0, {.scale = 0}), starts_with("Argument scale should be positive"));
  CHECK_THROWS_AS(transforms::RandomAffine(-1), ValueError);
  CHECK_THROWS_AS(transforms::RandomAffine(1, {.translate_x = 1.1}), ValueError);
  CHECK_THROWS_AS(transforms::RandomAffine(1, {.translate_y = -0.1}), ValueError);
  CHECK_NOTHROW(transforms::RandomAffine(0, {.translate_x = 1, .translate_y = 1}));
  CHECK_THROWS_AS(transforms::RandomAffine(1, {.scale = {0, 1}}), ValueError);
  for (const double hue : {-0.5, 0.5}) CHECK_NOTHROW(transforms::adjust_hue(image, hue));
  for (const double hue : {-0.51, 0.51}) CHECK_THROWS_WITH(transforms::adjust_hue(image, hue), contains("is not in [-0.5, 0.5]"));
  CHECK(transforms::adjust_brightness(image, 0).equal(zeros({3, 4, 5})));
  CHECK_THROWS_WITH(transforms::adjust_brightness(image, -0.1), contains("is not non-negative"));
  CHECK_THROWS_WITH(transforms::adjust_contrast(image, -0.1), contains("is not non-negative"));
  CHECK_THROWS_WITH(transforms::adjust_saturation(image, -0.1), contains("is not non-negative"));
  CHECK(transforms::adjust_saturation(grey, 0.3).sizes() == grey.sizes());
  CHECK_THROWS_WITH(transforms::adjust_saturation(rand({2, 4, 5}), 0.3), contains("1 or 3 channels"));
  CHECK_THROWS_AS(transforms::ColorJitter({.hue = 0.6}), ValueError);
  CHECK_THROWS_AS(transforms::ColorJitter({.brightness = -0.1}), ValueError);
  CHECK_THROWS_AS(transforms::resize(image.unsqueeze(0), {0, 2}), ValueError);
  CHECK(transforms::resize(image.unsqueeze(0), {1, 1}).sizes() == IntArrayRef({1, 3, 1, 1}));
  CHECK_THROWS_AS(transforms::OneHot(0), ValueError);
  CHECK_THROWS_AS(transforms::MixUp({.alpha = 0, .classes = 2}), ValueError);
  CHECK_THROWS_AS(transforms::MixUp({.alpha = 1, .classes = 0}), ValueError);
  CHECK_THROWS_AS(transforms::Normalize({0.5}, {0.5, 0.5}), ValueError);
  CHECK_THROWS_AS(data::make_grid(image, {.nrow = 0}), ValueError);
  CHECK_THROWS_AS(data::make_grid(image, {.padding = -1}), ValueError);
}

TEST_CASE("limits: what can be written as an image") {
  const Folder folder;
  const std::string pgm = folder / "a.pgm", png = folder / "a.png", jpg = folder / "a.jpg";
  CHECK_THROWS_WITH(data::write_image(png, ones({2})), contains("expected an image (C, H, W) or (H, W)"));
  CHECK_THROWS_WITH(data::write_image(png, ones({1, 1, 2, 2})), contains("expected an image (C, H, W) or (H, W)"));
  CHECK_THROWS_AS(data::write_image(png, ones({2, 2}, kInt64)), TypeError);
  CHECK_THROWS_WITH(data::write_image(png, ones({5, 2, 2})), contains("expected 1 to 4 channels"));
  CHECK_THROWS_WITH(data::write_image(png, ones({3, 0, 2})), contains("with pixels"));
  CHECK_THROWS_WITH(data::write_image(png, ones({3, 2, 0})), contains("with pixels"));
  CHECK_THROWS_WITH(data::write_image(pgm, ones({2, 2, 2})), contains("expected 1 or 3 channels"));
  for (const int64_t quality : {0, 101}) CHECK_THROWS_WITH(data::write_image(jpg, ones({2, 2}), {.quality = quality}), starts_with("Image quality"));
  for (const int64_t level : {-1, 10})
    CHECK_THROWS_WITH(data::write_image(png, ones({2, 2}), {.compression = level}), starts_with("Compression level"));
  // Floats are rounded to the next of 256 steps; what is outside of 0 .. 1 is cut, NaN is black.
  data::write_image(pgm, tensor({{0.0, 1.0, 0.5}, {-2.0, 7.0, NAN}}));
  CHECK(data::read_image(pgm).equal(tensor({{{0, 255, 128}, {0, 255, 0}}}, kUInt8)));
  for (const int64_t channels : {1, 2, 3, 4}) {
    const Tensor image = randint(0, 256, {channels, 3, 2}).to(kUInt8);
    data::write_image(png, image);
    CHECK(data::read_image(png).equal(image));
  }
}
