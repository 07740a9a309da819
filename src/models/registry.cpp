// One row for each network.
#include <ember/models.h>

#include "error_format.h"

namespace ember::models {

namespace {

struct Row {
  const char* name;
  Shape image;
  int64_t classes;
  AnyModel (*create)(int64_t classes);
};

template <class Network>
AnyModel owned(Network&& network) {
  return std::make_unique<Network>(std::move(network));
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"lenet", {1, 28, 28}, 10, [](int64_t n) { return owned(LeNet({.num_classes = n})); }},
      {"mobilenet_v2", {3, 224, 224}, 1000, [](int64_t n) { return owned(MobileNetV2({.num_classes = n})); }},
      {"resnet18", {3, 224, 224}, 1000, [](int64_t n) { return owned(resnet18({.num_classes = n})); }},
      {"resnet34", {3, 224, 224}, 1000, [](int64_t n) { return owned(resnet34({.num_classes = n})); }},
      {"resnet50", {3, 224, 224}, 1000, [](int64_t n) { return owned(resnet50({.num_classes = n})); }},
      {"resnet20", {3, 32, 32}, 10, [](int64_t n) { return owned(resnet20({.num_classes = n})); }},
      {"resnet32", {3, 32, 32}, 10, [](int64_t n) { return owned(resnet32({.num_classes = n})); }},
      {"resnet56", {3, 32, 32}, 10, [](int64_t n) { return owned(resnet56({.num_classes = n})); }},
      {"vgg11_bn", {3, 224, 224}, 1000, [](int64_t n) { return owned(vgg11_bn({.num_classes = n})); }},
      {"vgg16_bn", {3, 224, 224}, 1000, [](int64_t n) { return owned(vgg16_bn({.num_classes = n})); }},
  };
  return all;
}

const Row& row(const std::string& name) {
  std::string known;
  for (const Row& r : rows()) {
    if (name == r.name) return r;
    known += (known.empty() ? "" : ", ") + std::string(r.name);
  }
  fail<ValueError>("Unknown model {}: there are {}", name, known);
}

}  // namespace

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const Row& r : rows()) result.emplace_back(r.name);
  return result;
}

Shape image_shape(const std::string& name) { return row(name).image; }

AnyModel create(const std::string& name, int64_t num_classes) {
  check<ValueError>(num_classes >= 0, "create: expected num_classes of 1 or more, or 0 for the network's own, got {}", num_classes);
  const Row& found = row(name);
  return found.create(num_classes ? num_classes : found.classes);
}

}  // namespace ember::models
