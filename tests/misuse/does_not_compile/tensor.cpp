// What cannot mean anything for a tensor does not compile, and the compiler's first line says what to write.
#include <ember/ember.h>

using namespace ember;

int main() {
  Tensor x = zeros({2, 2}), t = ones({2, 2});
  int numbers[2] = {1, 2};
  const float constant[2] = {1, 2};
  (void)numbers, (void)constant;
#if PROGRAM == 1  // says: ask x.defined() whether there is a tensor, or x.item<bool>() for the value of its only element
  if (x) print(x);
#elif PROGRAM == 2   // says: ask x.defined() whether there is a tensor, or x.item<bool>() for the value of its only element
  while (x > 0) x = x - 1;
#elif PROGRAM == 3   // says: ask x.defined() whether there is a tensor, or x.item<bool>() for the value of its only element
  double(x.sum());
#elif PROGRAM == 4   // says: write x.set_grad(t), or x.grad().copy_(t)
  x.grad() = t;
#elif PROGRAM == 5   // says: write x.set_grad(t), or x.grad().copy_(t)
  x.grad() = 0;
#elif PROGRAM == 6   // says: write x.fill_(2), or x = scalar_tensor(2)
  x = 2;
#elif PROGRAM == 7   // says: write x.fill_(2), or x = scalar_tensor(2)
  t = 0.5f;
#elif PROGRAM == 8   // says: a dimension is a number, not a bool: write x.sum({}, true) to keep the dimensions
  x.sum(true);
#elif PROGRAM == 9   // says: a dimension is a number, not a bool
  mean(x, false);
#elif PROGRAM == 10  // says: elements are float, double, std::int64_t, std::uint8_t or bool
  x.data<int>();
#elif PROGRAM == 11  // says: elements are float, double, std::int64_t, std::uint8_t or bool
  x.to_vector<int>();
#elif PROGRAM == 12  // says: an accessor does not keep its tensor: put the tensor into a variable first
  x.sum(0).accessor<float, 1>();
#elif PROGRAM == 13  // says: cast others to void* and name the dtype
  from_blob(numbers, {2});
#elif PROGRAM == 14  // says: not const: cast others to void* and name the dtype
  from_blob(constant, {2});
#elif PROGRAM == 15  // says: a tensor without dimensions has one element: item<T>()
  x.accessor<float, 0>();
#endif
}
