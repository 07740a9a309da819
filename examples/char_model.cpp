// A model of text, character by character: a transformer (or, with --model lstm, an LSTM) that says which character comes next, trained on
// sonnets; in the end it writes some lines of its own.
#include <ember/train.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "options.h"

using namespace ember;

constexpr int64_t kLength = 48;  // characters that the model sees

/// The characters of a text as numbers.
struct Text {
  std::string alphabet;
  Tensor codes;

  explicit Text(const std::string& file) {
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (text.size() <= std::size_t(2 * kLength))
      throw std::runtime_error(fmt::format("{}: expected a text of more than {} characters", file, 2 * kLength));
    std::vector<int64_t> numbers;
    for (const char c : text) {
      if (alphabet.find(c) == std::string::npos) alphabet += c;
      numbers.push_back(int64_t(alphabet.find(c)));
    }
    codes = tensor(numbers);
  }
  int64_t size() const { return int64_t(alphabet.size()); }
};

struct Model : nn::Module {
  virtual Tensor logits(const Tensor& codes) const = 0;  ///< (N, L) -> (N, L, characters)
  Tensor forward(const Tensor& codes) override { return logits(codes); }
};

struct Attention : Model {
  explicit Attention(int64_t characters) : characters(characters) {}
  const int64_t characters, width = 64;
  nn::Embedding& symbol = add("symbol", nn::Embedding(characters, width));
  nn::Embedding& position = add("position", nn::Embedding(kLength, width));
  nn::TransformerEncoder& encoder = add(
      "encoder",
      nn::TransformerEncoder(nn::TransformerEncoderLayer(width, 4, {.dim_feedforward = 4 * width, .batch_first = true, .norm_first = true}), 2,
                             nn::LayerNorm(width), false));
  nn::Linear& out = add("out", nn::Linear(width, characters));
  Tensor logits(const Tensor& codes) const override {
    const int64_t length = codes.size(1);
    const Tensor x = symbol(codes) + position(arange(length));
    return out(encoder(x, {.mask = nn::Transformer::generate_square_subsequent_mask(length), .is_causal = true}));
  }
};

struct Recurrent : Model {
  explicit Recurrent(int64_t characters) : characters(characters) {}
  const int64_t characters, width = 96;
  nn::Embedding& symbol = add("symbol", nn::Embedding(characters, width));
  nn::LSTM& lstm = add("lstm", nn::LSTM(width, width, {.num_layers = 2, .batch_first = true, .dropout = 0.1}));
  nn::Linear& out = add("out", nn::Linear(width, characters));
  Tensor logits(const Tensor& codes) const override { return out(lstm(symbol(codes)).output); }
};

/// The text goes on from `start`, each character drawn from what the model expects.
std::string write(Model& model, const Text& text, const std::string& start, int64_t count) {
  const NoGradGuard no_grad;
  model.eval();
  std::string written = start;
  for (int64_t i = 0; i < count; ++i) {
    const std::string seen = written.substr(written.size() > std::size_t(kLength) ? written.size() - std::size_t(kLength) : 0);
    std::vector<int64_t> numbers;
    for (const char c : seen) numbers.push_back(int64_t(text.alphabet.find(c)));
    const Tensor expected = softmax(model.logits(tensor(numbers).unsqueeze(0)).select(1, -1).squeeze(0) / 0.7, 0);
    written += text.alphabet[std::size_t(multinomial(expected, 1).item<int64_t>())];
  }
  return written;
}

int main(int argc, char** argv) {
  Options options{.data = EMBER_EXAMPLE_DATA "/sonnets.txt", .out = "runs/char_model", .epochs = 30};
  std::string kind = "transformer";
  CLI::App app("Trains a model of text, character by character.", "char_model");
  add_flags(app, options, "a text");
  app.add_option("--model", kind, "what reads the text")->check(CLI::IsMember({"transformer", "lstm"}))->capture_default_str();
  return run_example(app, argc, argv, options, [&] {
    const Text text(options.data);
    std::unique_ptr<Model> model;
    if (kind == "lstm") model = std::make_unique<Recurrent>(text.size());
    else model = std::make_unique<Attention>(text.size());

    // Each piece of the text, and the same one character later.
    const Tensor pieces = text.codes.unfold(0, kLength + 1, 3);
    const data::TensorDataset set({pieces.narrow(1, 0, kLength).contiguous(), pieces.narrow(1, 1, kLength).contiguous()});
    data::DataLoader loader(set, {.batch_size = 32, .shuffle = true, .drop_last = true});
    optim::AdamW optimizer(model->parameters(), {.lr = 3e-3});
    optim::OneCycleLR schedule(optimizer, {.max_lr = 3e-3, .total_steps = options.epochs * loader.size()});

    train::History history;
    double bits = 0;
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
      model->train();
      train::Progress progress(loader.size(), {.label = fmt::format("epoch {}/{}", epoch, options.epochs)});
      train::Mean mean_loss;
      for (const auto& [x, y] : loader) {
        optimizer.zero_grad();
        const Tensor loss = cross_entropy((*model)(x).flatten(0, 1), y.flatten());
        loss.backward();
        optim::clip_grad_norm_(model->parameters(), 1.0);
        optimizer.step();
        schedule.step();
        mean_loss.add(loss.item<double>());
        progress.step({{"loss", mean_loss.value()}});
      }
      bits = mean_loss.value() / std::log(2.0);
      history.add(epoch, {{"bits per character", bits}});
      progress.finish({{"bits per character", bits}});
    }
    history.save(options.out);
    save(model->state_dict(), options.out + "/model.pt");
    fmt::print("{}\n\nbits per character: {:.4f}\n", write(*model, text, "Shall I ", 300), bits);
    return 0;
  });
}
