// Writes the files of this folder that libtorch wrote: a module, and tensors saved by torch::save.
#include <torch/torch.h>
#include <fstream>
struct Net : torch::nn::Module {
  Net() {
    fc1 = register_module("fc1", torch::nn::Linear(3, 4));
    bn = register_module("bn", torch::nn::BatchNorm1d(4));
    head = register_module("head", torch::nn::Sequential(torch::nn::Linear(4, 2), torch::nn::ReLU()));
    w = register_parameter("w", torch::ones({2}));
  }
  torch::nn::Linear fc1{nullptr};
  torch::nn::BatchNorm1d bn{nullptr};
  torch::nn::Sequential head;
  torch::Tensor w;
};
int main() {
  torch::manual_seed(0);
  auto net = std::make_shared<Net>();
  torch::save(net, "libtorch_module.pt");
  torch::save(torch::arange(6).reshape({2, 3}).to(torch::kFloat), "libtorch_tensor.pt");
  std::vector<torch::Tensor> v{torch::ones(2), torch::zeros({1, 2})};
  torch::save(v, "libtorch_list.pt");
  torch::optim::Adam opt(net->parameters(), torch::optim::AdamOptions(1e-3));
  net->fc1->forward(torch::ones({1, 3})).sum().backward();
  opt.step();
  torch::save(opt, "libtorch_adam.pt");
  c10::Dict<std::string, torch::Tensor> d;
  d.insert("a", torch::ones(2));
  d.insert("b", torch::eye(2));
  auto bytes = torch::pickle_save(d);
  std::ofstream("libtorch_pickle.pt", std::ios::binary).write(bytes.data(), bytes.size());
}
