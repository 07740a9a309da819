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
  return std::make_unique<optim::Adadelta>(params);
}

int main(int, char** argv) {
  const Tensor p = load(argv[3]).as_tensor().clone().requires_grad_();
  const auto optimizer = make(argv[1], {p});
  if (std::string(argv[4]) != "-") optimizer->load_state_dict(to_optimizer_state(load(argv[4])));
  for (int i = 0; i < std::stoi(argv[2]); ++i) {
    p.set_grad(p.detach() * 2 - 1);
    optimizer->step();
  }
  save(p.detach(), argv[3]);
  save(to_value(optimizer->state_dict()), argv[5]);
}
