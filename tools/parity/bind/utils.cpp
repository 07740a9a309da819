// torch.nn.utils and torch.utils.data: what of them is a function of tensors.
#include "bind/binding.h"

#include <ember/ops/shape.h>
#include <ember/optim/clip_grad.h>

namespace ember::parity {
namespace {

/// Samples as a batch: tensors are stacked, numbers become a tensor, lists are put together member by member.
Value collated(const List& samples) {
  if (samples.empty()) throw IndexError("list index out of range");
  static const std::string name = "batch";
  const Value& first = samples.front();
  if (first.is<Tensor>()) return stack(Argument(Value(samples), name).tensors());
  if (first.is<int64_t>()) {
    std::vector<int64_t> numbers = Argument(Value(samples), name).ints();
    return from_blob(numbers.data(), {int64_t(numbers.size())}, kInt64).clone();
  }
  if (first.is<double>()) {
    std::vector<double> numbers = Argument(Value(samples), name).reals();
    return from_blob(numbers.data(), {int64_t(numbers.size())}, kFloat64).clone();
  }
  const auto* members = first.as<List>();
  if (!members) throw TypeError("default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found " + first.describe());
  List batch;
  for (std::size_t i = 0; i < members->size(); ++i) {
    List column;
    for (const Value& sample : samples) {
      const auto* list = sample.as<List>();
      if (!list || list->size() != members->size()) throw RuntimeError("each element in list of batch should be of equal size");
      column.push_back((*list)[i]);
    }
    batch.push_back(collated(column));
  }
  return batch;
}

}  // namespace

Table utils_table() {
  return {
      {"nn.utils.parameters_to_vector", "parameters", [](Args& a) { return nn::utils::parameters_to_vector(a[0].tensors()); }},
      {"nn.utils.vector_to_parameters", "vec parameters", [](Args& a) { return nn::utils::vector_to_parameters(a[0], a[1].tensors()), Result(); }},
      {"utils.data.default_collate", "batch",
       [](Args& a) {
         if (!a[0].is_list()) throw TypeError("default_collate: expected a list");
         return Result{collated(*a[0].value().as<List>())};
       }},
  };
}

}  // namespace ember::parity
