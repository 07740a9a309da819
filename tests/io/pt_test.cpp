// .pt files: what goes in comes out, and a file is there whole or not at all. Files of PyTorch itself: tests/integration/files.sh.
#include <ember/ember.h>
#include <sys/stat.h>

#include "support/catch.h"
#include "support/close.h"
#include "support/folder.h"
#include "support/test_data.h"

using namespace ember;

TEST_CASE("tensors of every size come back bit for bit, small and large ones in any order") {
  const Folder folder;
  Value value = Value::dict();
  // around the sizes at which writes are buffered, summed and mapped in pieces
  for (int64_t n : {int64_t(3), int64_t(70000), int64_t(65535), int64_t(1), int64_t(65536), int64_t(65537), int64_t(300001), int64_t(0), int64_t(17),
                    int64_t(262144), int64_t(5)})
    value.set("n" + std::to_string(n), randn({n}));
  save(value, folder / "a.pt");
  save_safetensors(value.to_state_dict(), folder / "a.safetensors");
  save_npz(value.to_state_dict(), folder / "a.npz");
  for (bool mmap : {false, true})
    for (const char* name : {"a.pt", "a.safetensors", "a.npz"}) {
      const nn::StateDict back = load(folder / name, {.mmap = mmap});
      CHECK(back.size() == value.size());
      for (const Value::Entry& e : value.entries()) CHECK(equal(back[e.key.as_string()], e.value.as_tensor()));
    }
}

TEST_CASE("a mapped file serves after it was replaced, and writes to its tensors stay in memory") {
  const Folder folder;
  const Tensor x = randn({1000});
  save(Value(x), folder / "a.pt");
  const std::string before = bytes_of(folder / "a.pt");
  const Tensor mapped = load(folder / "a.pt", {.mmap = true}).as_tensor();
  mapped.detach().add_(1);
  CHECK(bytes_of(folder / "a.pt") == before);
  save(Value(zeros({1000})), folder / "a.pt");
  CHECK(equal(mapped, x + 1));
}

TEST_CASE("views that share a storage share it again; equal values give equal bytes under any name") {
  const Folder folder;
  const Tensor base = arange(12).to(kFloat32).reshape({3, 4});
  Value value = Value::dict();
  value.set("base", base);
  value.set("column", base.select(1, 2));
  value.set("transposed", base.t());
  value.set("list", Value::list({1, 2.5, "text", Value(), true, Value::tuple({int64_t(1) << 40, -7})}));
  value.set(5, zeros({0, 3}));
  save(value, folder / "a.pt");
  save(value, folder / "b.pt");
  for (bool mmap : {false, true}) {
    const Value back = load(folder / "a.pt", {.mmap = mmap});
    CHECK(equal(back["column"].as_tensor(), base.select(1, 2)));
    CHECK(back["column"].as_tensor().shares_storage(back["base"].as_tensor()));
    CHECK(back["transposed"].as_tensor().stride(0) == 1);
    CHECK(back["list"][5][0].as_int() == int64_t(1) << 40);
    CHECK(back["list"][3].is_none());
  }
  CHECK(bytes_of(folder / "a.pt") == bytes_of(folder / "b.pt"));
}

TEST_CASE("a long history of losses is no burden") {
  const Folder folder;
  Value losses = Value::list();
  for (int i = 0; i < 300000; ++i) losses.append(1.0 / (i + 1));
  save(losses, folder / "a.pt");
  const Value back = load(folder / "a.pt");
  CHECK(back.size() == 300000);
  CHECK(back[299999].as_float() == 1.0 / 300000);
}

TEST_CASE("a damaged file is refused by its sum") {
  const Folder folder;
  save(Value(arange(100).to(kFloat32)), folder / "a.pt");
  std::string bytes = bytes_of(folder / "a.pt");
  const std::size_t at = bytes.find(std::string("\0\0\x80\x3f\0\0\0\x40", 8));  // 1.0f, 2.0f
  REQUIRE(at != std::string::npos);
  bytes[at] ^= 1;
  write_bytes(folder / "a.pt", bytes);
  CHECK_THROWS_WITH(load(folder / "a.pt"), contains("is damaged"));
}

TEST_CASE("types that Ember does not compute with are refused by name, or converted on request") {
  const std::string path = test_data("io/golden/small_types.pt");
  CHECK_THROWS_WITH(load(path), contains("is float16, which Ember does not compute with; load(path, {.convert = true}) makes it float32"));
  const Value value = load(path, {.convert = true});
  CHECK(value["half"].as_tensor().select(0, 3).item<double>() == 65504);
  CHECK(value["int32"].as_tensor().dtype() == kInt64);
}

TEST_CASE("weights go into a model under other names, and what does not fit is reported as PyTorch does") {
  const Folder folder;
  nn::Sequential trained{nn::Linear(2, 3), nn::Linear(3, 1)};
  nn::StateDict old;
  for (const auto& [name, t] : trained.state_dict()) old.set("features." + name, t);
  save(old, folder / "old.pt");
  nn::Sequential model{nn::Linear(2, 3), nn::Linear(3, 1)};
  model.load_state_dict(load(folder / "old.pt"), {.rename = {{"features.", ""}}});
  CHECK(model.state_dict() == trained.state_dict());
  CHECK_THROWS_WITH(model.load_state_dict(load(folder / "old.pt")), contains("Missing key(s) in state_dict: \"0.weight\""));
  const nn::LoadResult result = model.load_state_dict(load(folder / "old.pt"), {.strict = false});
  CHECK(result.missing_keys.size() == 4);
  CHECK(result.unexpected_keys.size() == 4);
}

TEST_CASE("what cannot be written leaves the old file alone") {
  const Folder folder;
  save(Value(ones({3})), folder / "a.pt");
  CHECK_THROWS_WITH(save(Value(zeros({3})), folder / "no/such/folder.pt"), contains("No such file"));
  CHECK_THROWS_WITH(save(Value(zeros({3})), folder.path.string()), contains("Is a directory"));
  if (std::filesystem::exists("/dev/null")) CHECK_THROWS_WITH(save(Value(zeros({3})), "/dev/null"), contains("not a regular file"));
  CHECK_THROWS_AS(save(Value(Tensor()), folder / "a.pt"), ValueError);
  nn::StateDict undefined, no_text;
  undefined.set("x", Tensor());
  no_text.set("\xff", ones({1}));
  CHECK_THROWS_AS(save_npy(Tensor(), folder / "a.pt"), ValueError);
  CHECK_THROWS_AS(save_npz(undefined, folder / "a.pt"), ValueError);
  CHECK_THROWS_AS(save_safetensors(undefined, folder / "a.pt"), ValueError);
  CHECK_THROWS_AS(save_safetensors(no_text, folder / "a.pt"), ValueError);
  CHECK(equal(load(folder / "a.pt").as_tensor(), ones({3})));
  CHECK(folder.count() == 1);  // nothing temporary is left
}

TEST_CASE("a file keeps its permissions when it is replaced, and a link to it stays one") {
  const Folder folder;
  save(Value(ones({3})), folder / "a.pt");
  std::filesystem::create_symlink("a.pt", folder / "latest.pt");
  REQUIRE(chmod((folder / "a.pt").c_str(), 0640) == 0);
  save(Value(zeros({3})), folder / "latest.pt");
  CHECK(std::filesystem::is_symlink(folder / "latest.pt"));
  CHECK(equal(load(folder / "a.pt").as_tensor(), zeros({3})));
  CHECK((std::filesystem::status(folder / "a.pt").permissions() == std::filesystem::perms(0640)));
}
