// Wrong uses of files and what they hold: temporaries, kinds that do not fit, nesting without end.
#include <ember/ember.h>

#include "misuse/misuse.h"
#include "support/close.h"
#include "support/folder.h"

using namespace ember;

namespace {

/// A checkpoint of a small model; every call gives a temporary.
Value checkpoint() {
  return Value{{"model", Value{{"weight", ones({2})}, {"bias", zeros({1})}}},
               {"epoch", 3},
               {"name", std::string(100, 'x')},
               {"list", Value::list({1, "two", ones({3})})}};
}

nn::Linear layer() { return nn::Linear(2, 1); }

}  // namespace

TEST_CASE("what is asked of a temporary value is a value of its own") {
  const Folder folder;
  save(checkpoint(), folder / "a.pt");
  const auto file = [&] { return load(folder / "a.pt"); };

  const Value& model = file()["model"];
  const Tensor& weight = file()["model"]["weight"].as_tensor();
  const std::string& name = file()["name"].as_string();
  const Value& last = file()["list"][-1];
  const Value& first = file()["list"].at(0);
  const std::vector<Value>& items = file()["list"].items();
  const Value& by_text = file()[std::string("epoch")];
  const Tensor& of_state = layer().state_dict()["weight"];
  const auto& versions = file()["model"].versions();
  const Value scribble = Value::list({std::string(100, 'y'), std::string(100, 'z')});  // takes the place of what was freed

  CHECK(model["weight"].as_tensor().numel() == 2);
  CHECK_THAT(weight, is_close({1, 1}));
  CHECK(name == std::string(100, 'x'));
  CHECK_THAT(last.as_tensor(), is_close({1, 1, 1}));
  CHECK(first.as_int() == 1);
  CHECK(items.size() == 3);
  CHECK(by_text.as_int() == 3);
  CHECK(of_state.numel() == 2);
  CHECK(versions.empty());
}

TEST_CASE("loops over the entries of temporaries see all of them") {
  const Folder folder;
  save(checkpoint(), folder / "a.pt");
  int64_t seen = 0, elements = 0;
  for (const Value::Entry& e : load(folder / "a.pt").entries()) seen += e.key.as_string().empty() ? 0 : 1;
  for (const Value::Entry& e : load(folder / "a.pt")["model"].entries()) elements += e.value.as_tensor().numel();
  for (const Value& v : load(folder / "a.pt")["list"].items()) seen += v.is_none() ? 0 : 1;
  for (const auto& [name, tensor] : layer().state_dict()) elements += tensor.numel();
  CHECK(seen == 7);
  CHECK(elements == 6);
}

TEST_CASE("a value that is no such thing says what it is") {
  const Value v = checkpoint();
  refused<TypeError>("v.as_tensor()", "expected a tensor, got a dict with \"model\", \"epoch\"", {}, [&] { v.as_tensor(); });
  refused<TypeError>("Tensor t = v", "expected a tensor, got a dict", {}, [&] { Tensor t = v; });
  refused<TypeError>("v[\"epoch\"].as_string()", "expected a string, got a int", {}, [&] { v["epoch"].as_string(); });
  refused<TypeError>("v[\"epoch\"][\"x\"]", "expected a dict, got a int", {}, [&] { v["epoch"]["x"]; });
  refused<TypeError>("v[0]", "expected a list, got a dict", {}, [&] { v[0]; });
  refused<IndexError>("v[\"list\"][3]", "list index 3 out of range for 3 items", {}, [&] { v["list"][3]; });
  refused<RuntimeError>("v[\"best\"]", "KeyError: 'best'; there are \"model\", \"epoch\"", {}, [&] { v["best"]; });
  refused<TypeError>("nn::StateDict s = v", "value[\"model\"]", {}, [&] { nn::StateDict s = v; });
  refused<TypeError>("Value(1).append(2)", "expected a list, got a int", {}, [&] { Value(1).append(2); });
}

TEST_CASE("values that nest without end are refused where they grow, and copies and destructors reach the bottom of those that do not") {
  Value deep = Value::list({1});
  int levels = 1;
  try {
    for (; levels < 200000; ++levels) deep = Value::list({deep});
  } catch (const ValueError& error) {
    CHECK_THAT(error.what(), equals("Value: containers nested more than 256 deep"));
  }
  CHECK(levels == Value::kDeepest);
  refused<ValueError>("Value{{\"a\", deep}}", "nested more than 256 deep", {}, [&] { Value v{{"a", deep}}; });
  refused<ValueError>("Value::tuple({deep})", "nested more than 256 deep", {}, [&] { Value::tuple({deep}); });
  Value dict = Value::dict(), list = Value::list();
  refused<ValueError>("dict.set(\"a\", deep)", "nested more than 256 deep", {}, [&] { dict.set("a", deep); });
  refused<ValueError>("list.append(deep)", "nested more than 256 deep", {}, [&] { list.append(deep); });
  CHECK(dict.size() + list.size() == 0);

  const Folder folder;
  save(deep, folder / "deep.pt");
  Value back = load(folder / "deep.pt");
  for (int i = 1; i < levels; ++i) back = Value(back[0]);
  CHECK(back[0].as_int() == 1);
}

TEST_CASE("the forms that people type for files") {
  const Folder folder;
  nn::Linear net(2, 1), other(2, 1);
  save(net, folder / "net.pt");
  load(other, folder / "net.pt");
  CHECK(other.state_dict() == net.state_dict());
  other.load_state_dict(load(folder / "net.pt"));

  save(ones({2}), folder / "t.pt");
  Tensor t = load(folder / "t.pt");
  CHECK_THAT(t, is_close({1, 1}));

  Value v{{"a", 1}, {"b", Value{{"c", "text"}}}};
  CHECK(v["a"].as_int() == 1);
  CHECK(v["b"]["c"].as_string() == "text");
  CHECK(v.contains("a"));
  CHECK_FALSE(v.contains("z"));
  save({{"model", net.state_dict()}, {"epoch", 3}}, folder / "c.pt");
  CHECK(load(folder / "c.pt")["epoch"].as_int() == 3);
}
