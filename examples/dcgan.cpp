// A generative adversarial network of convolutions (Radford et al. 2015) on hand-written digits: one network draws digits from noise, the
// other tells them from real ones. The picture shows what the first has learned.
#include <ember/train.h>

#include "digits.h"
#include "options.h"

using namespace ember;

/// As in the paper: normal numbers of deviation 0.02, weights of batch norms around 1.
static void init(nn::Module& model) {
  NoGradGuard no_grad;
  for (const auto& [path, p] : model.named_parameters()) {
    if (p.dim() == 4) nn::init::normal_(p, 0, 0.02);
    else if (path.find("weight") != std::string::npos) nn::init::normal_(p, 1, 0.02);
  }
}

int main(int argc, char** argv) {
  Options options{.data = EMBER_EXAMPLE_DATA "/digits.csv.gz", .out = "runs/dcgan", .epochs = 30};
  CLI::App app("Learns to draw hand-written digits of 8 x 8 pixels.", "dcgan");
  add_flags(app, options, "the table of digits");
  return run_example(app, argc, argv, options, [&] {
    constexpr int64_t kNoise = 32;
    nn::Sequential generator{nn::ConvTranspose2d(kNoise, 64, 2, {.bias = false}),
                             nn::BatchNorm2d(64),
                             nn::ReLU(),
                             nn::ConvTranspose2d(64, 32, 4, {.stride = 2, .padding = 1, .bias = false}),
                             nn::BatchNorm2d(32),
                             nn::ReLU(),
                             nn::ConvTranspose2d(32, 1, 4, {.stride = 2, .padding = 1, .bias = false}),
                             nn::Tanh()};
    nn::Sequential critic{nn::Conv2d(1, 32, 4, {.stride = 2, .padding = 1, .bias = false}),
                          nn::LeakyReLU(0.2),
                          nn::Conv2d(32, 64, 4, {.stride = 2, .padding = 1, .bias = false}),
                          nn::BatchNorm2d(64),
                          nn::LeakyReLU(0.2),
                          nn::Conv2d(64, 1, 2, {.bias = false}),
                          nn::Flatten()};
    init(generator);
    init(critic);
    const Digits digits = load_digits(options.data);
    data::TensorDataset set({digits.train_x * 2 - 1, digits.train_y});  // -1 .. 1, as tanh gives them
    data::DataLoader loader(set, {.batch_size = 64, .shuffle = true, .drop_last = true});
    optim::Adam generator_optimizer(generator.parameters(), {.lr = 0.001, .betas = {0.5, 0.999}});
    optim::Adam critic_optimizer(critic.parameters(), {.lr = 0.001, .betas = {0.5, 0.999}});
    const Tensor fixed = randn({64, kNoise, 1, 1}), real = ones({64, 1}), drawn = zeros({64, 1});

    train::History history;
    train::SummaryWriter board(options.out);
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
      train::Mean critic_loss, generator_loss;
      for (const auto& [x, y] : loader) {
        const Tensor fake = generator(randn({64, kNoise, 1, 1}));

        critic_optimizer.zero_grad();  // real ones and drawn ones in batches of their own: batch norm must not mix them
        const Tensor told = binary_cross_entropy_with_logits(critic(x), real) + binary_cross_entropy_with_logits(critic(fake.detach()), drawn);
        told.backward();
        critic_optimizer.step();

        generator_optimizer.zero_grad();
        const Tensor fooled = binary_cross_entropy_with_logits(critic(fake), real);
        fooled.backward();
        generator_optimizer.step();

        critic_loss.add(told.item<double>());
        generator_loss.add(fooled.item<double>());
      }
      history.add(epoch, {{"critic loss", critic_loss.value()}, {"generator loss", generator_loss.value()}});
      fmt::print("epoch {:>3}   critic {:.4f}   generator {:.4f}\n", epoch, critic_loss.value(), generator_loss.value());
    }
    NoGradGuard no_grad;
    const Tensor pictures = (generator(fixed) + 1) / 2;  // (64, 1, 8, 8), drawn in training mode as DCGAN does
    board.add_image("drawn", pictures.reshape({8, 8, 8, 8}).permute({0, 2, 1, 3}).reshape({64, 64}), options.epochs);
    history.save(options.out);
    save(generator.state_dict(), options.out + "/generator.pt");

    // A drawn digit is near some real one, which random pixels are not.
    const Tensor flat = digits.train_x.reshape({-1, 64});
    const auto distance = [&](const Tensor& images) {
      return (images.reshape({-1, 1, 64}) - flat).square().sum(2).amin(1).sqrt().mean().item<double>();
    };
    fmt::print("distance to the nearest real digit: drawn {:.3f}, random pixels {:.3f}\n", distance(pictures), distance(rand({64, 64})));
    return 0;
  });
}
