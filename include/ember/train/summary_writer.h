// SummaryWriter: event files for TensorBoard. As torch.utils.tensorboard.SummaryWriter; look at them with `tensorboard --logdir run`.
//
//   train::SummaryWriter writer("run");
//   writer.add_scalar("loss/train", loss.item<double>(), step);
//   writer.add_module(model, step);   // histograms of parameters, gradients and running statistics
#pragma once

#include <ember/nn/module.h>

#include <memory>

namespace ember::train {

/// Writes run/events.out.tfevents.TIME.HOST.PID.N. Events are on disk after flush(), which happens by itself every two seconds and at the
/// end: a run that is killed loses no more. Tags with "/" are grouped.
class SummaryWriter {
 public:
  /// Makes the folder where it does not exist. Throws RuntimeError when the file cannot be written; so do the other functions.
  explicit SummaryWriter(const std::string& folder);
  SummaryWriter(const SummaryWriter&) = delete;
  ~SummaryWriter();  ///< close(), with a warning in place of an error

  void add_scalar(const std::string& tag, double value, int64_t step);
  /// In PyTorch's buckets: 0 and limits that grow by a tenth from 1e-12 to 1e20, both signs. Values that are not finite are left out; a
  /// tensor without any other writes nothing. Throws ValueError "The input has no element." for an empty tensor.
  void add_histogram(const std::string& tag, const Tensor& values, int64_t step);
  /// (H, W), (1, H, W) or (3, H, W): uint8, or real numbers 0 .. 1, which are cut off there. Throws ValueError for other shapes and dtypes.
  void add_image(const std::string& tag, const Tensor& image, int64_t step);
  /// Markdown.
  void add_text(const std::string& tag, const std::string& text, int64_t step);
  /// Histograms of every parameter, its gradient where there is one, and of every buffer of real numbers, by their paths.
  void add_module(const nn::Module& module, int64_t step);

  void flush();
  void close();  ///< afterwards nothing can be added
  const std::string& path() const;

 private:
  struct File;
  const std::unique_ptr<File> file_;
};

}  // namespace ember::train
