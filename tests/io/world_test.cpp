// Files as people have them, made by PyTorch, NumPy and libtorch (tests/data/io/world.py, libtorch.cpp): what Ember reads of them, and what
// it says about the rest.
#include <ember/ember.h>
#include <ember/io/contents.h>

#include <cmath>

#include "support/close.h"
#include "support/folder.h"
#include "support/test_data.h"

using namespace ember;

namespace {

std::string world(const std::string& name) { return test_data("io/world/" + name); }

std::vector<std::string> keys_of(const Value& dict) {
  std::vector<std::string> keys;
  for (const Value::Entry& e : dict.entries()) keys.push_back(e.key.as_string());
  return keys;
}
using Names = std::vector<std::string>;

/// The warnings of a test.
std::vector<std::string>* heard = nullptr;
struct Listener {
  std::vector<std::string> warnings;
  WarningHandler before;
  Listener() {
    heard = &warnings;
    before = set_warning_handler([](const char* text) { heard->push_back(text); });
  }
  ~Listener() { set_warning_handler(before); }
};

}  // namespace

TEST_CASE("NumPy's scalars and arrays in a checkpoint are read, in every protocol") {
  for (const char* protocol : {"2", "3", "4", "5"}) {
    INFO("protocol " << protocol);
    const Value v = load(world(std::string("numpy") + protocol + ".pt"), {.convert = true});
    CHECK(v["float64"].as_float() == 0.9);
    CHECK(v["float32"].as_float() == 0.5);
    CHECK(v["float16"].as_float() == 1.5);
    CHECK(v["int64"].as_int() == -7);
    CHECK(v["int32"].as_int() == 5);
    CHECK(v["uint8"].as_int() == 255);
    CHECK(v["bool"].as_bool());
    CHECK(v["str"].as_string() ==
          "Gr\xc3\xb6\xc3\x9f"
          "e");
    CHECK(v["bytes"].as_string() == "ab");
    CHECK_THAT(v["array"].as_tensor(), is_close({{0, 1, 2}, {3, 4, 5}}));
    CHECK(v["array"].as_tensor().dtype() == kFloat64);
    CHECK_THAT(v["fortran"].as_tensor(), is_close({{0, 1, 2}, {3, 4, 5}}));
    CHECK_THAT(v["big"].as_tensor(), is_close({0, 1, 2}));
    CHECK(v["scalar_array"].as_tensor().item<double>() == 2.5);
    CHECK(v["mask"].as_tensor().dtype() == kBool);
    CHECK_THAT(v["weight"].as_tensor(), is_close({1, 1}));
  }
  const Value best = load(world("best.pt"));
  CHECK(best["best_acc"].as_float() == 0.9);
  CHECK(best["state_dict"]["fc.weight"].as_tensor().size(0) == 2);
}

TEST_CASE("plain Python objects of known layout are read, in every protocol") {
  for (const char* name : {"plain2.pt", "plain3.pt", "plain4.pt", "plain5.pt", "plain4_legacy.pt"}) {
    INFO(name);
    const Value v = load(world(name));
    CHECK(v["options"]["lr"].as_float() == 0.1);
    CHECK(v["options"]["layers"][1].as_int() == 2);
    CHECK(v["simple"]["a"].as_int() == 1);
    CHECK(v["path"].as_string() == "/data/mnist");
    CHECK(v["default"]["a"][0].as_int() == 1);
    CHECK(v["recent"].size() == 2);
    CHECK(v["set"][0].as_int() == 7);
    CHECK(v["frozen"][0].as_int() == 8);
    CHECK(v["empty_set"].size() == 0);
    CHECK(v["bytes"].as_string() == std::string("\x00\xff\x80"
                                                "a",
                                                4));
    CHECK(v["array"].as_string() == "\x01\xfe");
    CHECK(v["no_bytes"].as_string().empty());
    CHECK(v["version"].as_string() == "2.13.0");
    CHECK(v["device"].as_string() == "cpu");
    CHECK(v["dtype"].as_string() == "torch.float16");
    CHECK(v["size"][1].as_int() == 3);
    CHECK(v["counter"]["a"].as_int() == 2);
    CHECK_THAT(v["weight"].as_tensor(), is_close({0, 1, 2}));
    CHECK(v["parameter"].as_tensor().requires_grad());
  }
}

TEST_CASE("what is foreign in a checkpoint costs only itself, when asked for, and is named") {
  for (const char* name : {"foreign.pt", "foreign_legacy.pt"}) {
    INFO(name);
    CHECK_THROWS_WITH(load(world(name)),
                      contains("the pickle names datetime.datetime") && contains("load(path, {.skip_unreadable = true}) reads the rest"));
    const Listener listener;
    const Value v = load(world(name), {.skip_unreadable = true});
    CHECK(keys_of(v) == Names{"epoch", "weight", "list", "nested"});
    CHECK_THAT(v["weight"].as_tensor(), is_close({0, 1, 2, 3}));
    CHECK(v["list"].size() == 3);
    CHECK(v["list"][1].is_none());
    CHECK(v["list"][2].as_int() == 2);
    CHECK(v["nested"]["kept"].as_float() == 1.5);
    const std::string start = world(name) + ": ";
    CHECK(listener.warnings ==
          Names{start + "when was left out: it is an object of datetime.datetime", start + "custom was left out: it is an object of project.Custom",
                start + "list.1 was left out: it is an object of project.Custom", start + "complex was left out: it is a tensor of complex64",
                start + "sparse was left out: it is an object of torch._utils._rebuild_sparse_tensor",
                start + "nested.inner was left out: it is an object of project.Custom",
                start + "dates was left out: it is a NumPy array of type 'M8'"});
  }
  CHECK_THROWS_WITH(load(world("custom.pt"), {.skip_unreadable = true}), contains("it is an object of project.Custom"));
}

TEST_CASE("arrays of strings, objects, records and dates in a .npz cost only themselves, when asked for, and are named") {
  CHECK_THROWS_WITH(load(world("labels.npz")), contains("names") && contains("(strings)") && contains("{.skip_unreadable = true}"));
  const Listener listener;
  const nn::StateDict arrays = load_npz(world("labels.npz"), {.skip_unreadable = true});
  CHECK(arrays.size() == 2);
  CHECK_THAT(arrays["weight"], is_close({{1, 1}, {1, 1}}));
  CHECK_THAT(arrays["after"], is_close({0, 1, 2}));
  REQUIRE(listener.warnings.size() == 5);
  for (const char* word : {"names", "objects", "record", "when", "wave"})
    CHECK(std::any_of(listener.warnings.begin(), listener.warnings.end(),
                      [&](const std::string& w) { return w.find(std::string(word) + ".npy was left out") != std::string::npos; }));
}

TEST_CASE("TorchScript archives and those of libtorch give their parameters and buffers") {
  const Names names{"scale",           "fc.weight",       "fc.bias",        "bn.weight",
                    "bn.bias",         "bn.running_mean", "bn.running_var", "bn.num_batches_tracked",
                    "blocks.0.weight", "blocks.0.bias"};
  const Value expected = load(world("best.pt"))["state_dict"];
  for (const char* name : {"script.pt", "traced.pt"}) {
    INFO(name);
    const Value v = load(world(name));
    CHECK(keys_of(v) == names);
    for (const std::string& n : names) CHECK(equal(v[n].as_tensor(), expected[n].as_tensor()));
    CHECK(read_file(world(name)).kind == "TorchScript");
  }
  CHECK(keys_of(load(world("libtorch_module.pt"))) == Names{"w", "fc1.weight", "fc1.bias", "bn.weight", "bn.bias", "bn.running_mean",
                                                            "bn.running_var", "bn.num_batches_tracked", "head.0.weight", "head.0.bias"});
  CHECK_THAT(load(world("libtorch_tensor.pt"))["0"].as_tensor(), is_close({{0, 1, 2}, {3, 4, 5}}));
  CHECK(load(world("libtorch_list.pt")).size() == 2);
  CHECK_THAT(load(world("libtorch_pickle.pt"))["b"].as_tensor(), is_close({{1, 0}, {0, 1}}));
}

TEST_CASE("a whole saved module is named as such; on request its parameters are read") {
  for (const char* name : {"whole.pt", "whole_legacy.pt"}) {
    INFO(name);
    CHECK_THROWS_WITH(load(world(name)), contains("project.Net: a whole module was saved") && contains("Save model.state_dict() instead") &&
                                             contains("{.skip_unreadable = true}"));
    const Value v = load(world(name), {.skip_unreadable = true}), expected = load(world("best.pt"))["state_dict"];
    CHECK(v.size() == expected.size());
    for (const Value::Entry& e : expected.entries()) CHECK(equal(v[e.key.as_string()].as_tensor(), e.value.as_tensor()));
  }
}

TEST_CASE("what is no file of weights is named by its kind, with the next step") {
  struct Row {
    const char *name, *words;
  };
  for (const Row& row : {Row{"lfs.pt", "a Git LFS pointer in place of the file: fetch the file itself with git lfs pull"},
                         {"tar.pt", "a tar archive, as PyTorch 0.1 saved"},
                         {"page.pt", "an HTML page"},
                         {"index.json", "a JSON text, such as the index of a model in several files"},
                         {"packed.pt", "gunzip"},
                         {"nothing.pt", "an empty file"},
                         {"sklearn.pt", "a pickle, but not one of torch.save"},
                         {"empty.zip", "an empty ZIP archive"},
                         {"photos.zip", "a ZIP archive of other files, such as a.png"}}) {
    INFO(row.name);
    CHECK_THROWS_WITH(load(world(row.name)), starts_with(world(row.name) + ": ") && contains(row.words));
    CHECK_THROWS_WITH(load(world(row.name), {.skip_unreadable = true}), contains(row.words));
  }
}

TEST_CASE("a checkpoint given as a state dict names the key of its weights; a parallel model's prefix the way to drop it") {
  nn::Sequential net{{"fc", nn::Linear(3, 2)}, {"bn", nn::BatchNorm1d(2)}};
  CHECK_THROWS_WITH(net.load_state_dict(load(world("best.pt"))), contains("value[\"state_dict\"]"));
  CHECK_THROWS_WITH(Tensor(load(world("best.pt"))), equals("expected a tensor, got a dict with \"state_dict\", \"best_acc\", \"epoch\""));
  CHECK_THROWS_WITH(load(world("best.pt"))["model"], equals("KeyError: 'model'; there are \"state_dict\", \"best_acc\", \"epoch\""));

  nn::StateDict parallel;
  for (const auto& [name, tensor] : net.state_dict()) parallel.set("module." + name, tensor);
  CHECK_THROWS_WITH(net.load_state_dict(parallel), contains("Missing key(s)") && contains(".rename = {{\"module.\", \"\"}}"));
  net.load_state_dict(parallel, {.rename = {{"module.", ""}}});
}

TEST_CASE("types and bytes are those of the file, whatever the numbers had to become") {
  const FileContents pt = read_file(world("half.pt"));
  const Tensor h = pt.value["h"].as_tensor(), b = pt.value["b"].as_tensor(), i = pt.value["i"].as_tensor(), f = pt.value["f"].as_tensor();
  CHECK(h.dtype() == kFloat32);
  CHECK(pt.dtype_in_file(h) == std::string("float16"));
  CHECK(pt.bytes_in_file(h) == std::string("\x00\x3c\x00\xc1\x00\x7c", 6));  // 1, -2.5, infinity
  CHECK(pt.bytes_in_file(h.slice(0, 1, 2)) == std::string("\x00\xc1", 2));
  CHECK(pt.dtype_in_file(b) == std::string("bfloat16"));
  CHECK(pt.bytes_in_file(b) == std::string("\x40\x40\x4a\x71", 4));
  CHECK(pt.dtype_in_file(i) == std::string("int32"));
  CHECK(pt.size_in_file(i) == 8);
  CHECK(pt.dtype_in_file(f) == std::string("float32"));
  CHECK(pt.kind == "PyTorch");

  const FileContents st = read_file(world("half.safetensors"));
  CHECK(st.kind == "safetensors");
  const Folder folder;
  save_safetensors(st.value, folder / "a.safetensors", st.metadata);
  const FileContents back = read_file(folder / "a.safetensors");
  CHECK(back.metadata == st.metadata);
  CHECK(std::find(back.metadata.begin(), back.metadata.end(), std::pair<std::string, std::string>("author", "m\xc3\xbcller")) != back.metadata.end());
}

TEST_CASE("a pickle with broken UTF-8 is refused") {
  CHECK_THROWS_WITH(load(test_data("io/hostile/no_utf8.pt")), contains("a text that is no UTF-8"));
}
