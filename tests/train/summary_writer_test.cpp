// Event files byte by byte, against those of torch.utils.tensorboard; tests/integration/tensorboard.sh lets TensorBoard itself read them.
#include <ember/ember.h>
#include <ember/train/summary_writer.h>

#include <cmath>

#include "support/catch.h"
#include "support/folder.h"

using namespace ember;

namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr char digits[] = "0123456789abcdef";
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[c & 15];
  }
  return text;
}

/// The events of a file, without the frames around them and the nine bytes of the time that each begins with.
std::vector<std::string> events(const std::string& path) {
  const std::string file = bytes_of(path);
  std::vector<std::string> result;
  for (std::size_t at = 0; at < file.size();) {
    std::uint64_t length = 0;
    for (std::size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(file.at(at + i));
    result.push_back(hex(file.substr(at + 12 + 9, length - 9)));
    at += 12 + length + 4;
  }
  return result;
}

}  // namespace

TEST_CASE("scalars, histograms and texts are the bytes that PyTorch's SummaryWriter writes") {
  const Folder folder;
  std::string path;
  {
    train::SummaryWriter writer(folder / "run");
    writer.add_scalar("loss/train", 0.5, 3);
    writer.add_histogram("w", tensor({0.5, 0.5, 0.625}, kFloat64), 300);
    writer.add_text("note", "a **b**", 3);
    path = writer.path();
  }
  const auto found = events(path);
  REQUIRE(found.size() == 4);
  CHECK(found[0] == "1a0d" + hex("brain.Event:2"));
  CHECK(found[1] == "10032a130a110a0a6c6f73732f747261696e150000003f");
  CHECK(found[2] ==
        "10ac022a780a760a01772a7109000000000000e03f11000000000000e43f19000000000000084021000000000000fa3f29000000000080ec3f3220fae55a25d31f"
        "de3fb03125ee8091e03f0f1d5c6ca739e23f2b53652a380ce43f3a20000000000000000000000000000000400000000000000000000000000000f03f");
  CHECK(found[3] == "10032a320a300a116e6f74652f746578745f73756d6d61727942110807120412020801420761202a2a622a2a4a080a060a0474657874");
}

TEST_CASE("the frame of a record is TFRecord's: length and bytes with masked CRC-32C") {
  const Folder folder;
  std::string path;
  {
    train::SummaryWriter writer(folder / "run");
    path = writer.path();
  }
  const std::string file = bytes_of(path);
  CHECK(file.size() == 12 + 24 + 4);
  CHECK(hex(file.substr(0, 12)) == "1800000000000000a37f4b22");  // as in every event file there is: 24 bytes follow
}

TEST_CASE("a histogram leaves out what is not finite, an empty one is refused") {
  const Folder folder;
  train::SummaryWriter writer(folder / "run");
  writer.add_histogram("a", tensor({NAN, INFINITY}), 0);
  CHECK_THROWS_WITH(writer.add_histogram("b", zeros({0}), 0), starts_with("The input has no element."));
  writer.add_histogram("c", tensor({NAN, 1.0}), 0);
  writer.add_histogram("d", tensor({1, 2, 3}), -1);
  writer.close();
  CHECK(events(writer.path()).size() == 3);
  CHECK_THROWS_WITH(writer.add_scalar("x", 1, 0), contains("is closed"));
}

TEST_CASE("images are PNG, of one or three channels, uint8 or 0 .. 1") {
  const Folder folder;
  train::SummaryWriter writer(folder / "run");
  writer.add_image("a", tensor({{0.0, 2.0}, {-1.0, 0.5}}), 1);
  writer.add_image("b", full({3, 5, 4}, 200, kUInt8), 1);
  CHECK_THROWS_WITH(writer.add_image("c", zeros({2, 5, 4}), 1),
                    "add_image: expected an image of shape (H, W), (1, H, W) or (3, H, W), got [2, 5, 4]");
  CHECK_THROWS_AS(writer.add_image("c", zeros({1, 5, 4}, kInt64), 1), ValueError);
  CHECK_THROWS_AS(writer.add_image("c", zeros({0, 4}), 1), ValueError);
  writer.close();
  const auto found = events(writer.path());
  REQUIRE(found.size() == 3);
  CHECK_THAT(found[1], contains("080210021801") && contains(hex("\x89PNG")));
  CHECK_THAT(found[2], contains("080510041803") && contains(hex("\x89PNG")));
}

TEST_CASE("a model's parameters, gradients and running statistics are histograms by their paths") {
  const Folder folder;
  nn::Sequential model{nn::Linear(3, 2), nn::BatchNorm1d(2)};
  model(randn({4, 3})).square().sum().backward();
  train::SummaryWriter writer(folder / "run");
  writer.add_module(model, 7);
  writer.flush();
  std::string all;
  for (const std::string& event : events(writer.path())) all += event;
  for (const char* tag : {"parameters/0.weight", "gradients/1.bias", "buffers/1.running_var"}) CHECK_THAT(all, contains(hex(tag)));
  CHECK(all.find(hex("num_batches_tracked")) == std::string::npos);
  CHECK_THROWS_AS(train::SummaryWriter("/dev/null/run"), RuntimeError);
}
