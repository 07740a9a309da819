// A folder of images for each class.
#include <ember/autograd.h>
#include <ember/data/image.h>
#include <ember/data/transforms.h>

#include <algorithm>
#include <filesystem>

#include "error_format.h"

namespace ember::data {
namespace {

constexpr const char* kEndings[] = {".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".pbm", ".pnm"};

bool is_image(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = char(std::tolower(static_cast<unsigned char>(c)));
  return std::find(std::begin(kEndings), std::end(kEndings), ending) != std::end(kEndings);
}

}  // namespace

ImageFolder::ImageFolder(const std::string& root, ImageFolderOptions options) : o_(std::move(options)) {
  check<ValueError>(o_.resize >= 0 && o_.crop >= 0, "ImageFolder: expected sizes of 0 or more, got {} and {}", o_.resize, o_.crop);
  namespace fs = std::filesystem;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error))
    if (entry.is_directory()) classes_.push_back(entry.path().filename().string());
  check<RuntimeError>(!error, "cannot read {}: {}", root, error.message());
  check<RuntimeError>(!classes_.empty(), "Couldn't find any class folder in {}.", root);
  std::sort(classes_.begin(), classes_.end());
  std::string without;
  for (std::size_t k = 0; k < classes_.size(); ++k) {
    std::vector<std::string> files;
    const auto follow = fs::directory_options::follow_directory_symlink;
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / classes_[k], follow, error))
      if (entry.is_regular_file() && is_image(entry.path())) files.push_back(entry.path().string());
    check<RuntimeError>(!error, "cannot read {}/{}: {}", root, classes_[k], error.message());
    if (files.empty()) without += (without.empty() ? "" : ", ") + classes_[k];
    std::sort(files.begin(), files.end());
    files_.insert(files_.end(), files.begin(), files.end());
    targets_.resize(files_.size(), int64_t(k));
  }
  check<RuntimeError>(without.empty(), "Found no valid file for the classes {}. Supported extensions are: {}", without, fmt::join(kEndings, ", "));
}

int64_t ImageFolder::size() const {
  check<RuntimeError>(!classes_.empty(), "ImageFolder: it was moved from");
  return int64_t(files_.size());
}
const std::string& ImageFolder::path(int64_t index) const& {
  check<IndexError>(index >= 0 && index < size(), "list index out of range\nImageFolder: got {} of {} images", index, size());
  return files_[std::size_t(index)];
}

Sample ImageFolder::get(int64_t index) const {
  NoGradGuard no_grad;
  const std::string& file = path(index);
  Sample batch{read_image(file, o_.mode).unsqueeze(0)};
  std::vector<Draws> draws{Draws(std::uint64_t(index))};
  if (o_.resize > 0) transforms::Resize(o_.resize).apply(batch, draws);
  if (o_.crop > 0) transforms::CenterCrop(o_.crop).apply(batch, draws);
  transforms::ToFloat().apply(batch, draws);
  if (o_.transform) o_.transform->apply(batch, draws);
  return {batch.at(0).select(0, 0), scalar_tensor(targets_[std::size_t(index)], {.dtype = kInt64})};
}

}  // namespace ember::data
