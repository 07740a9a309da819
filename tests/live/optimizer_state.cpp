// usage: exchange OPTIMISER STEPS PARAMETER STATE_IN|- STATE_OUT: reads a parameter and perhaps a state, takes steps, writes both.
#include <ember/ember.h>

#include <memory>
#include <string>

using namespace ember;

static std::unique_ptr<optim::Optimizer> make(const std::string& name, std::vector<Tensor> params) {
  if (name == "SGD") return std::make_unique<optim::SGD>(params, optim::SGDOptions{.lr = 0.1, .momentum = 0.9});
  if (name == "Adam") return std::make_unique<optim::Adam>(params, optim::AdamOptions{.amsgrad = true});
  if (name == "AdamW") return std::make_unique<optim::AdamW>(params);
  if (name == "Adamax") return std::make_unique<optim::Adamax>(params);
  if (name == "NAdam") return std::make_unique<optim::NAdam>(params);
  if (name == "RAdam") return std::make_unique<optim::RAdam>(params);
  if (name == "RMSprop") return std::make_unique<optim::RMSprop>(params, optim::RMSpropOptions{.momentum = 0.9, .centered = true});
  if (name == "Adagrad") return std::make_unique<optim::Adagrad>(params);
  if (name == "Rprop") return std::make_unique<optim::Rprop>(params);
  if (name == "ASGD") return std::make_unique<optim::ASGD>(params, optim::ASGDOptions{.lr = 0.1, .t0 = 2});
  if (name == "Adafactor") return std::make_unique<optim::Adafactor>(params);
  if (name == "Muon") return std::make_unique<optim::Muon>(params);
  if (name == "LBFGS")
    return std::make_unique<optim::LBFGS>(params, optim::LBFGSOptions{.max_iter = 2, .history_size = 3, .line_search_fn = "strong_wolfe"});
  return std::make_unique<optim::Adadelta>(params);
}

int main(int, char** argv) {
  const Tensor p = load(argv[3]).as_tensor().clone().requires_grad_();
  const auto optimizer = make(argv[1], {p});
  if (std::string(argv[4]) != "-") optimizer->load_state_dict(to_optimizer_state(load(argv[4])));
  const auto loss = [&] {
    p.set_grad(p.detach() * 2 - 1 + (p.detach() - 1).pow(3));
    return ((p.detach() * p.detach() - p.detach()) + (p.detach() - 1).pow(4) / 4).sum();
  };
  for (int i = 0; i < std::stoi(argv[2]); ++i) optimizer->step(loss);
  save(p.detach(), argv[3]);
  save(to_value(optimizer->state_dict()), argv[5]);
}
