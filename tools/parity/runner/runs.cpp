// Cases about random numbers on the default generator, and whole training runs.
#include "bind/optimizer_binding.h"
#include "error_format.h"
#include "runner/cases.h"

#include <ember/autograd.h>
#include <ember/data/loader.h>
#include <ember/ops/elementwise.h>
#include <ember/optim/clip_grad.h>
#include <ember/random.h>

namespace ember::parity {
namespace {

/// random_split(n, lengths): the indices of each part.
Result random_split_of(const List& positional) {
  const std::string what = "lengths";
  const int64_t n = *positional.at(0).as<int64_t>();
  const data::TensorDataset whole({arange(n)});
  const Argument lengths(positional.at(1), what);
  bool fractions = false;
  for (const Value& v : *positional[1].as<List>()) fractions = fractions || v.is<double>();
  const auto parts = fractions ? data::random_split(whole, lengths.reals()) : data::random_split(whole, lengths.ints());
  List result;
  for (const data::Subset& part : parts) {
    Tensor indices = empty({part.size()}, kInt64);
    for (int64_t i = 0; i < part.size(); ++i) indices.data<int64_t>()[i] = part.indices()[std::size_t(i)];
    result.push_back(Value(indices));
  }
  return result;
}

Result call_entry(const Suite& suite, const Json& entry, const Json* layouts = nullptr) {
  Inputs inputs(suite, entry.contains("layout") ? &entry["layout"] : layouts, nullptr);
  const List positional = entry.contains("args") ? inputs.list(entry["args"]) : List();
  const Keywords keywords = keywords_of(entry, inputs);
  if (entry["call"] == "utils.data.random_split") return random_split_of(positional);
  NoGradGuard no_grad;
  return call(entry["call"], positional, keywords);
}

std::unique_ptr<Generator> generator_of(const Json& json) {
  if (!json.contains("generator") || json["generator"].is_null()) return nullptr;
  return std::make_unique<Generator>(std::uint64_t(json["generator"].get<int64_t>()));
}

std::unique_ptr<data::Sampler> sampler_of(const Json& json, int64_t n, Inputs& inputs, Generator* generator) {
  Keywords keywords;
  for (const auto& [key, value] : json.items())
    if (key != "name" && key != "generator") keywords.emplace_back(key, inputs.value(value));
  const std::string name = json["name"];
  const auto bind = [&](const char* text) {
    static std::map<std::string, Signature> signatures;
    const Signature& signature = signatures.try_emplace(text, text).first->second;
    return Args(signature, signature.bind(name, {}, keywords));
  };
  if (name == "SequentialSampler") return std::make_unique<data::SequentialSampler>(n);
  if (name == "RandomSampler") {
    Args a = bind("replacement=False num_samples=None");
    return std::make_unique<data::RandomSampler>(
        n, data::RandomSamplerOptions{.replacement = a[0], .num_samples = a[1].integer_or(-1), .generator = generator});
  }
  if (name == "SubsetRandomSampler") {
    Args a = bind("indices");
    return std::make_unique<data::SubsetRandomSampler>(a[0].ints(), generator);
  }
  if (name == "WeightedRandomSampler") {
    Args a = bind("weights num_samples replacement=True");
    return std::make_unique<data::WeightedRandomSampler>(a[0].reals(), a[1].integer(), a[2].boolean(), generator);
  }
  throw Unsupported("sampler " + name);
}

void run_loader(const Suite& suite, const Json& entry, Findings& findings, const std::string& what) {
  const Json& json = entry["loader"];
  Inputs inputs(suite, nullptr, nullptr);
  const int64_t n = json["n"];
  const data::TensorDataset set({arange(n)});
  const std::unique_ptr<Generator> generator = generator_of(json);
  std::unique_ptr<Generator> sampler_generator;
  std::unique_ptr<data::Sampler> sampler;
  if (json.contains("sampler") && !json["sampler"].is_null()) {
    sampler_generator = generator_of(json["sampler"]);
    sampler = sampler_of(json["sampler"], n, inputs, sampler_generator.get());
  }
  for (const auto& [key, value] : json.items())
    if (key != "n" && key != "batch_size" && key != "shuffle" && key != "drop_last" && key != "epochs" && key != "generator" && key != "sampler")
      throw Unsupported("kwarg " + key + " of DataLoader");
  const bool single = json.contains("batch_size") && json["batch_size"].is_null();  // batch_size=None: one after the other, in no batch
  data::DataLoader loader(set, {.batch_size = single ? 1 : json.value("batch_size", int64_t(1)),
                                .shuffle = json.value("shuffle", false),
                                .drop_last = json.value("drop_last", false),
                                .sampler = sampler.get(),
                                .generator = generator.get()});
  List batches;
  for (int epoch = 0; epoch < json.value("epochs", 1); ++epoch)
    for (const auto& [batch] : loader.as<1>()) batches.push_back(Value(single ? batch[0] : batch));
  compare_outputs(findings, what, batches, entry["outputs"], suite, {0, 0});
}

}  // namespace

void run_random(const Suite& suite, const Json& json, Findings& findings) {
  Tolerance tolerance = Tolerance::of_case(json);
  if (tolerance.rtol < 0 && tolerance.atol < 0) tolerance = {0, 0};
  manual_seed(json["seed"].is_number_unsigned() ? json["seed"].get<std::uint64_t>() : std::uint64_t(json["seed"].get<int64_t>()));
  for (std::size_t i = 0; i < json["rng"].size(); ++i) {
    const Json& entry = json["rng"][i];
    const std::string what = fmt::format("entry {}: ", i);
    if (entry.contains("loader")) {
      run_loader(suite, entry, findings, what);
    } else if (entry.contains("module")) {
      const BoundModule bound = module_of(suite, entry);
      run_steps(bound, suite, entry, findings, tolerance);
    } else {
      const Result result = call_entry(suite, entry, json.contains("layout") ? &json["layout"] : nullptr);
      if (entry.contains("outputs")) compare_outputs(findings, what, result.values, entry["outputs"], suite, tolerance);
    }
  }
}

namespace {

/// Modules one after the other under given names; as a residual block, x is added to what comes out.
class Chain final : public nn::Module {
 public:
  explicit Chain(bool residual) : residual_(residual) {}
  void append(const std::string& name, std::unique_ptr<nn::Module> module) { parts_.push_back(&add_child(name, std::move(module))); }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (nn::Module* part : parts_) y = (*part)(y);
    return residual_ ? x + y : y;
  }

 private:
  bool residual_;
  std::vector<nn::Module*> parts_;
};

std::unique_ptr<Chain> build(const Suite& suite, const Json& list, bool residual) {
  auto chain = std::make_unique<Chain>(residual);
  for (const Json& entry : list) {
    if (entry.contains("residual")) chain->append(entry["name"], build(suite, entry["residual"], true));
    else chain->append(entry["name"], module_of(suite, entry).module);
  }
  return chain;
}

}  // namespace

void run_train(const Suite& suite, const Json& json, Findings& findings) {
  const Json& run = json["train"];
  const Tolerance tolerance = Tolerance::of_case(json);
  manual_seed(std::uint64_t(run["seed"].get<int64_t>()));
  std::map<std::string, Tensor> data;
  for (std::size_t i = 0; i < run["data"].size(); ++i) {
    const Json& entry = run["data"][i];
    const Result result = call_entry(suite, entry);
    compare_outputs(findings, fmt::format("data {}: ", i), result.values, entry["outputs"], suite, {0, 0});
    const List flat = flatten_values(result.values);
    for (std::size_t k = 0; k < flat.size() && k < entry["outputs"].size(); ++k)
      if (const auto* t = flat[k].as<Tensor>()) data[entry["outputs"][k]["tensor"]] = *t;
  }
  const auto named = [&](const Json& name) {
    const std::string key = name.is_object() ? name["tensor"] : name;
    const auto found = data.find(key);
    return found != data.end() ? found->second : suite.tensor(key);
  };
  const Tensor input = named(run["input"]), target = named(run["target"]);

  const auto net = build(suite, run["net"], false);
  if (json.contains("state_init")) compare_state(findings, "initial ", *net, json["state_init"], suite, {0, 0});
  Inputs inputs(suite, nullptr, nullptr);
  const BoundModule loss_module = make_module(run["loss"]["module"], {}, keywords_of(run["loss"], inputs));
  const auto optimizer = make_optimizer(run["optimizer"]["optimizer"], {optim::ParamGroup{.params = net->parameters()}},
                                        keywords_of(run["optimizer"], inputs));
  BoundScheduler scheduler;
  if (run.contains("scheduler") && !run["scheduler"].is_null()) scheduler = make_scheduler(run["scheduler"], *optimizer, inputs);

  const data::TensorDataset set({input, target});
  const Json& options = run["loader"];
  data::DataLoader loader(set, {.batch_size = options.value("batch_size", int64_t(1)),
                                .shuffle = options.value("shuffle", false),
                                .drop_last = options.value("drop_last", false)});
  const int64_t steps = run["steps"];
  std::vector<float> losses;
  net->train();
  while (int64_t(losses.size()) < steps) {
    for (const auto& [x, y] : loader) {
      if (int64_t(losses.size()) == steps) break;
      optimizer->zero_grad();
      const Tensor loss = *loss_module({Value(net->forward(x)), Value(y)}, {}).values.at(0).as<Tensor>();
      loss.backward();
      if (run.contains("clip_grad_norm") && !run["clip_grad_norm"].is_null())
        optim::clip_grad_norm_(net->parameters(), run["clip_grad_norm"].get<double>());
      optimizer->step();
      losses.push_back(loss.detach().to(kFloat32).item<float>());
    }
    if (scheduler.plain) scheduler.plain->step();
  }
  if (json.contains("losses"))
    compare_tensors(findings, "losses", from_blob(losses.data(), {int64_t(losses.size())}).clone(), suite.tensor(json["losses"]["tensor"]),
                    tolerance);
  if (json.contains("state_after")) compare_state(findings, "final ", *net, json["state_after"], suite, tolerance);
  if (json.contains("eval_output")) {
    net->eval();
    NoGradGuard no_grad;
    compare_tensors(findings, "output in evaluation", net->forward(input), suite.tensor(json["eval_output"]["tensor"]), tolerance);
  }
}

}  // namespace ember::parity
