// Module: what it holds and in which order, its state, its mode, its hooks and its text. Values and texts are PyTorch's.
#include <ember/ember.h>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;
using Names = std::vector<std::string>;

namespace {

struct Block : nn::Module {
  nn::Linear& fc = add("fc", nn::Linear(2, 3));
  nn::ReLU& act = add("act", nn::ReLU());
  Tensor forward(const Tensor& x) override { return act(fc(x)); }
};
struct Net : nn::Module {
  Tensor& scale = add_parameter("scale", ones({1}, {.requires_grad = true}));
  Block& block = add("block", Block());
  nn::Sequential& head = add("head", nn::Sequential{nn::Linear(3, 4, {.bias = false}), nn::BatchNorm1d(4)});
  nn::ModuleList& blocks = add("blocks", nn::ModuleList{nn::Dropout(0.25), nn::Flatten()});
  Tensor forward(const Tensor& x) override { return head(block(x)) * scale; }
};

template <class Pairs>
Names first_of(const Pairs& pairs) {
  Names names;
  for (const auto& pair : pairs) names.push_back(pair.first);
  return names;
}

}  // namespace

TEST_CASE("a module lists its own parameters first, then its children's, by their paths") {
  Net net;
  CHECK(first_of(net.named_parameters()) == Names{"scale", "block.fc.weight", "block.fc.bias", "head.0.weight", "head.1.weight", "head.1.bias"});
  CHECK(first_of(net.named_buffers()) == Names{"head.1.running_mean", "head.1.running_var", "head.1.num_batches_tracked"});
  CHECK(first_of(net.named_modules()) == Names{"", "block", "block.fc", "block.act", "head", "head.0", "head.1", "blocks", "blocks.0", "blocks.1"});
  CHECK(first_of(net.named_children()) == Names{"block", "head", "blocks"});
  CHECK(first_of(net.state_dict()) == Names{"scale", "block.fc.weight", "block.fc.bias", "head.0.weight", "head.1.weight", "head.1.bias",
                                            "head.1.running_mean", "head.1.running_var", "head.1.num_batches_tracked"});
  CHECK(net.parameters().size() == 6);
  CHECK(net.buffers().size() == 3);
}

TEST_CASE("a module prints as in PyTorch, over several lines, with equal neighbours of a list in one") {
  CHECK(Net().repr() ==
        "Net(\n"
        "  (block): Block(\n"
        "    (fc): Linear(in_features=2, out_features=3, bias=True)\n"
        "    (act): ReLU()\n"
        "  )\n"
        "  (head): Sequential(\n"
        "    (0): Linear(in_features=3, out_features=4, bias=False)\n"
        "    (1): BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)\n"
        "  )\n"
        "  (blocks): ModuleList(\n"
        "    (0): Dropout(p=0.25, inplace=False)\n"
        "    (1): Flatten(start_dim=1, end_dim=-1)\n"
        "  )\n"
        ")");
  CHECK(nn::Sequential().repr() == "Sequential()");
  CHECK(nn::ModuleList().repr() == "ModuleList()");
  CHECK(nn::ModuleList{nn::Linear(1, 1), nn::Linear(1, 1)}.repr() == "ModuleList(\n  (0-1): 2 x Linear(in_features=1, out_features=1, bias=True)\n)");
  CHECK(nn::ModuleDict{{"a", nn::Linear(1, 1)}}.repr() == "ModuleDict(\n  (a): Linear(in_features=1, out_features=1, bias=True)\n)");
}

TEST_CASE("lists count from either end, as Python's, and refuse what lies beyond") {
  const auto check_ends = [](const auto& list) {
    CHECK_NOTHROW(list[-3]);
    CHECK_NOTHROW(list[2]);
    CHECK(&list[-3] == &list[0]);
    CHECK(&list[-1] == &list[2]);
    CHECK_THROWS_WITH(list[3], contains("index 3 is out of range"));
    CHECK_THROWS_WITH(list[-4], contains("index -4 is out of range"));
  };
  check_ends(nn::ModuleList{nn::Tanh(), nn::ReLU(), nn::Tanh()});
  check_ends(nn::Sequential{nn::Tanh(), nn::ReLU(), nn::Tanh()});
  nn::ParameterList numbers;
  for (int i = 0; i < 3; ++i) numbers.append(full({1}, i));
  CHECK(numbers[-3].item<float>() == 0);
  CHECK(numbers[2].item<float>() == 2);
  CHECK(numbers[-1].item<float>() == 2);
  CHECK_THROWS_WITH(numbers[3], contains("index 3 is out of range"));
  CHECK_THROWS_WITH(numbers[-4], contains("index -4 is out of range"));
}

TEST_CASE("layers print their options as in PyTorch") {
  CHECK(nn::Conv2d(1, 2, 3, {.padding = "same"}).repr() == "Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=same)");
  CHECK(nn::Conv2d(2, 4, {3, 1}, {.stride = 2, .padding = {1, 0}, .groups = 2, .bias = false, .padding_mode = nn::PaddingMode::Reflect}).repr() ==
        "Conv2d(2, 4, kernel_size=(3, 1), stride=(2, 2), padding=(1, 0), groups=2, bias=False, padding_mode=reflect)");
  CHECK(nn::ConvTranspose2d(2, 4, 3, {.stride = 2, .output_padding = 1}).repr() ==
        "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), output_padding=(1, 1))");
  CHECK(nn::MaxPool2d(2).repr() == "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)");
  CHECK(nn::AvgPool2d(3, {.stride = 2, .ceil_mode = true}).repr() == "AvgPool2d(kernel_size=3, stride=2, padding=0)");
  CHECK(nn::Embedding(5, 3, {.padding_idx = 0}).repr() == "Embedding(5, 3, padding_idx=0)");
  CHECK(nn::LeakyReLU(0.2).repr() == "LeakyReLU(negative_slope=0.2)");
  CHECK(nn::GELU().repr() == "GELU(approximate='none')");
  CHECK(nn::CrossEntropyLoss().repr() == "CrossEntropyLoss()");
  CHECK(nn::PReLU().repr() == "PReLU(num_parameters=1)");
  CHECK(nn::Unflatten(1, {2, 3}).repr() == "Unflatten(dim=1, unflattened_size=(2, 3))");
  CHECK(nn::Dropout2d().repr() == "Dropout2d(p=0.5, inplace=False)");
  CHECK(nn::ZeroPad2d(1).repr() == "ZeroPad2d((1, 1, 1, 1))");
  CHECK(nn::Softplus().repr() == "Softplus(beta=1.0, threshold=20.0)");
}

TEST_CASE("loading a state reports missing, unexpected and mismatched keys at once, and changes nothing") {
  Net net;
  nn::StateDict state = Net().state_dict().clone();
  state.erase("scale");
  state.set("block.fc.weight", ones({1}));
  state.set("x", ones({1}));
  state.set("head.y", ones({2}));
  const nn::StateDict before = net.state_dict().clone();
  CHECK_THROWS_WITH(net.load_state_dict(state),
                    equals("Error(s) in loading state_dict for Net:\n\tMissing key(s) in state_dict: \"scale\". \n"
                           "\tUnexpected key(s) in state_dict: \"x\", \"head.y\". \n\tsize mismatch for block.fc.weight: copying a param "
                           "with shape torch.Size([1]) from checkpoint, the shape in current model is torch.Size([3, 2])."));
  CHECK(net.state_dict() == before);
  state.set("block.fc.weight", ones({3, 2}));
  const nn::LoadResult result = net.load_state_dict(state, {.strict = false});
  CHECK(result.missing_keys == Names{"scale"});
  CHECK(result.unexpected_keys == Names{"x", "head.y"});
  CHECK(net.block.fc.weight.equal(ones({3, 2})));
}

TEST_CASE("unexpected keys are listed module by module, as PyTorch does") {
  nn::Sequential net{nn::Linear(2, 2), nn::Linear(2, 2)};
  nn::StateDict state = net.state_dict();
  for (const char* name : {"z", "1.x", "0.y", "a", "0.b", "q.x", "0", "0.weight.k"}) state.set(name, ones({1}));

  CHECK_THROWS_WITH(net.load_state_dict(state),
                    contains(R"(Unexpected key(s) in state_dict: "z", "a", "q.x", "0", "0.y", "0.b", "0.weight.k", "1.x". )"));
  CHECK(net.load_state_dict(state, {.strict = false}).unexpected_keys ==
        std::vector<std::string>{"z", "a", "q.x", "0", "0.y", "0.b", "0.weight.k", "1.x"});
}

TEST_CASE("a state is read under other names when asked") {
  nn::Sequential from{nn::Linear(2, 2)}, to{{"fc", nn::Linear(2, 2)}};
  to.load_state_dict(from.state_dict(), {.rename = {{"0.", "fc."}}});
  CHECK(to.state_dict()["fc.weight"].equal(from.state_dict()["0.weight"]));
}

TEST_CASE("apply visits children before their parent, in order") {
  Net net;
  Names order;
  net.apply([&](nn::Module& m) { order.push_back(m.type_name()); });
  CHECK(order == Names{"Linear", "ReLU", "Block", "Linear", "BatchNorm1d", "Sequential", "Dropout", "Flatten", "ModuleList", "Net"});
}

TEST_CASE("train and eval reach every module and touch nothing but the mode") {
  Net net;
  const nn::StateDict before = net.state_dict().clone();
  net.eval();
  for (const auto& [path, module] : net.named_modules()) CHECK_FALSE(module->is_training());
  net.train();
  CHECK(net.get_submodule("head.1").is_training());
  CHECK(net.state_dict() == before);
}

TEST_CASE("to(float64) converts floating parameters, gradients and buffers in place: the optimiser keeps its references") {
  Net net;
  optim::SGD optimizer(net.parameters(), {.lr = 0.5});
  net(randn({4, 2})).sum().backward();
  const Tensor held = net.block.fc.weight;
  net.to(kFloat64);
  CHECK(held.dtype() == kFloat64);
  CHECK(held.grad().dtype() == kFloat64);
  CHECK(net.buffers()[2].dtype() == kInt64);
  CHECK(net(randn({4, 2}, {.dtype = kFloat64})).dtype() == kFloat64);
  const Tensor before = net.scale.detach().clone();
  net.scale.set_grad(ones({1}, kFloat64));
  optimizer.step();
  CHECK_THAT(net.scale, is_close(before - 0.5));
}

TEST_CASE("zero_grad and requires_grad_ reach every parameter") {
  Net net;
  net(randn({4, 2})).backward(randn({4, 4}));
  net.zero_grad(/*set_to_none=*/false);
  CHECK(net.block.fc.weight.grad().equal(zeros({3, 2})));
  net.zero_grad();
  CHECK_FALSE(net.block.fc.weight.grad().defined());
  net.block.requires_grad_(false);
  CHECK_FALSE(net.block.fc.weight.requires_grad());
  CHECK(net.scale.requires_grad());
}

TEST_CASE("hooks before and after forward run in the order they were registered, may replace values, and can be removed") {
  nn::Linear layer(2, 2);
  nn::init::eye_(layer.weight);
  nn::init::zeros_(layer.bias);
  Names calls;
  layer.register_forward_pre_hook([&](nn::Module&, const Tensor& x) { return calls.push_back("pre"), x * 2; });
  const int64_t last = layer.register_forward_hook([&](nn::Module&, const Tensor& x, const Tensor& y) {
    calls.push_back("post");
    CHECK(x.equal(full({1, 2}, 2.0)));  // what forward got
    return y + 1;
  });
  layer.register_forward_hook([&](nn::Module&, const Tensor&, const Tensor& y) {
    calls.push_back("third");
    CHECK(y.equal(full({1, 2}, 3.0)));
    return Tensor();
  });
  CHECK(layer(ones({1, 2})).equal(full({1, 2}, 3.0)));
  CHECK(calls == Names{"pre", "post", "third"});
  layer.remove_hook(last);
  layer.remove_hook(last);  // a second time is nothing
}

TEST_CASE("a shared parameter is listed once") {
  struct Tied : nn::Module {
    nn::Linear& a = add("a", nn::Linear(2, 2));
    nn::Linear& b = add("b", nn::Linear(2, 2));
    Tied() { b.weight = a.weight; }
  } tied;
  CHECK(first_of(tied.named_parameters()) == Names{"a.weight", "a.bias", "b.bias"});
  CHECK(first_of(tied.state_dict()) == Names{"a.weight", "a.bias", "b.weight", "b.bias"});
}

TEST_CASE("what is moved keeps its children, and references to them") {
  nn::Sequential net{nn::Linear(2, 3)};
  nn::Linear& added = net.append(nn::Linear(3, 1));
  nn::Sequential moved(std::move(net));
  CHECK(moved.size() == 2);
  CHECK(&moved[1] == &added);
  CHECK(moved(ones({1, 2})).sizes() == IntArrayRef({1, 1}));
}

TEST_CASE("errors of layers are PyTorch's") {
  CHECK_THROWS_WITH(nn::Linear(2, 3)(ones({4, 5})), starts_with("mat1 and mat2 shapes cannot be multiplied (4x5 and 2x3)"));
  CHECK_THROWS_WITH(
      nn::Conv2d(2, 3, 3)(ones({4, 5, 6, 6})),
      starts_with("Given groups=1, weight of size [3, 2, 3, 3], expected input[4, 5, 6, 6] to have 2 channels, but got 5 channels instead"));
  CHECK_THROWS_WITH(Net().get_submodule("block.nope"), contains("Block has no attribute `nope`"));
}

TEST_CASE("get_submodule follows a path through several levels, and names what is missing") {
  nn::Sequential net{{"body", nn::Sequential{{"first", nn::Linear(2, 3)}, {"second", nn::Sequential{nn::ReLU(), nn::Linear(3, 1)}}}}};
  CHECK(&net.get_submodule("") == &net);
  CHECK(net.get_submodule("body.first").repr() == "Linear(in_features=2, out_features=3, bias=True)");
  CHECK(net.get_submodule("body.second.0").repr() == "ReLU()");
  CHECK(net.get_submodule("body.second.1").repr() == "Linear(in_features=3, out_features=1, bias=True)");
  CHECK_THROWS_WITH(net.get_submodule("body.third"), contains("Sequential has no attribute `third`"));
  CHECK_THROWS_WITH(net.get_submodule("bod"), contains("Sequential has no attribute `bod`"));
}

TEST_CASE("the repr of a list folds equal neighbours, and only those") {
  nn::ModuleList list{nn::Linear(2, 2), nn::Linear(2, 2), nn::Linear(2, 2), nn::ReLU(), nn::Linear(2, 2), nn::Linear(2, 2), nn::Linear(2, 1)};
  CHECK(list.repr() ==
        "ModuleList(\n  (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)\n  (3): ReLU()\n"
        "  (4-5): 2 x Linear(in_features=2, out_features=2, bias=True)\n  (6): Linear(in_features=2, out_features=1, bias=True)\n)");
  nn::Sequential chain{nn::ReLU(), nn::ReLU()};
  CHECK(chain.repr() == "Sequential(\n  (0): ReLU()\n  (1): ReLU()\n)");
}
