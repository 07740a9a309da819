// Operations that are exported one by one.
#pragma once

#include <ember/ember.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace onnx_test {

struct Operation {
  std::string name;
  std::vector<int64_t> sizes;  // of one element of the batch
  std::function<ember::Tensor(const ember::Tensor&)> run;
};

std::vector<Operation> operations();
std::unique_ptr<ember::nn::Module> volumes();

}  // namespace onnx_test
