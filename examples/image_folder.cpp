// Images of one's own: a folder for each class, a residual network, a picture of the first batch. Without --data it makes a small folder of
// circles, squares and stripes first, so that there is something to look at.
#include <ember/data/image.h>
#include <ember/data/transforms.h>
#include <ember/models.h>
#include <ember/train.h>

#include <filesystem>

#include "options.h"

using namespace ember;
namespace transforms = ember::data::transforms;

/// (3, 48, 48): a shape of some colour, size and place on a dark ground.
static Tensor draw(int shape) {
  const Tensor rows = arange(48).to(kFloat32).reshape({48, 1}), columns = rows.t();
  const double y = 16 + 16 * rand({}).item<double>(), x = 16 + 16 * rand({}).item<double>(), size = 7 + 6 * rand({}).item<double>();
  const Tensor dy = (rows - y).abs(), dx = (columns - x).abs();
  const Tensor inside = shape == 0   ? (dy * dy + dx * dx).sqrt() < size
                        : shape == 1 ? maximum(dy + 0 * dx, dx + 0 * dy) < size
                                     : ((rows + 0 * columns) / 4).floor().remainder(2) < 0.5;
  return inside.to(kFloat32) * (0.4 + 0.6 * rand({3, 1, 1})) + 0.1 * rand({3, 48, 48});
}

static void make_images(const std::string& folder) {
  const char* const names[] = {"circle", "square", "stripes"};
  for (int shape = 0; shape < 3; ++shape) {
    std::filesystem::create_directories(folder + "/" + names[shape]);
    for (int i = 0; i < 80; ++i) data::write_image(fmt::format("{}/{}/{:03}.png", folder, names[shape], i), draw(shape));
  }
}

int main(int argc, char** argv) {
  Options options{.data = "", .out = "runs/image_folder", .epochs = 15};
  CLI::App app("Learns to tell the images in one folder from those in others.", "image_folder");
  add_flags(app, options, "folder with a folder for each class; made where it is left out");
  return run_example(app, argc, argv, options, [&] {
    const std::string folder = options.data.empty() ? options.out + "/images" : options.data;
    if (options.data.empty()) make_images(folder);
    const data::ImageFolder images(folder, {.resize = 32, .crop = 32});
    const auto parts = data::random_split(images, {0.8, 0.2});
    data::DataLoader loader(parts[0],
                            {.batch_size = 32,
                             .shuffle = true,
                             .drop_last = true,
                             .num_workers = 1,
                             .transform = transforms::Compose{transforms::RandomHorizontalFlip(), transforms::RandomCrop(32, {.padding = 2})}});
    data::DataLoader test_loader(parts[1], {.batch_size = 64});
    const auto classes = int64_t(images.classes().size());
    models::CifarResNet model(1, {.num_classes = classes});
    optim::Adam optimizer(model.parameters(), {.lr = 0.005});

    train::Classification metrics(classes, images.classes());
    train::History history;
    std::filesystem::create_directories(options.out);
    bool drawn = false;
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
      model.train();
      train::Mean mean_loss;
      for (const auto& [x, y] : loader) {
        if (!drawn) data::write_image(options.out + "/batch.png", data::make_grid(x));
        drawn = true;
        optimizer.zero_grad();
        const Tensor loss = cross_entropy(model(x), y);
        loss.backward();
        optimizer.step();
        mean_loss.add(loss.item<double>());
      }
      model.eval();
      NoGradGuard no_grad;
      metrics.reset();
      for (const auto& [x, y] : test_loader) metrics.add(model(x), y, x);
      history.add(epoch, {{"train loss", mean_loss.value()}, {"test accuracy", metrics.accuracy()}});
      fmt::print("epoch {}   loss {:.4f}   test accuracy {:.4f}\n", epoch, mean_loss.value(), metrics.accuracy());
    }
    history.save(options.out);
    metrics.save(options.out);
    fmt::print("{}\ntest accuracy: {:.4f}\n", metrics.table(), metrics.accuracy());
    return 0;
  });
}
