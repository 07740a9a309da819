// Parameters in a list or under names. As torch.nn.ParameterList, ParameterDict.
#pragma once

#include <ember/nn/module.h>
#include <ember/owned.h>

namespace ember::nn {

/// Parameters "0", "1", ... in order: `nn::ParameterList weights{randn({2, 3}), zeros({3})}`. What is handed over becomes a parameter, a leaf
/// that requires grad, on the same memory.
class ParameterList final : public Module {
 public:
  ParameterList() = default;
  ParameterList(std::initializer_list<Tensor> values);
  ParameterList clone() const;
  Tensor& append(const Tensor& value);
  int64_t size() const;
  Tensor operator[](int64_t index) const;  ///< negative counts from the end; throws IndexError
  std::string extra_repr() const override;

 private:
  Boxed<std::vector<Tensor*>> values_;
};

/// Parameters by name, in the order of insertion.
class ParameterDict final : public Module {
 public:
  ParameterDict() = default;
  ParameterDict(std::initializer_list<std::pair<const char*, Tensor>> values);
  ParameterDict clone() const;
  Tensor& insert(const std::string& name, const Tensor& value);  ///< throws where the name is taken
  int64_t size() const;
  bool contains(const std::string& name) const;
  Tensor operator[](const std::string& name) const;  ///< throws RuntimeError when there is none
  std::vector<std::string> keys() const;
  std::string extra_repr() const override;

 private:
  Boxed<std::vector<std::pair<std::string, Tensor*>>> values_;
};

}  // namespace ember::nn
