// What cannot mean anything for data sets and loaders does not compile, and the compiler's first line says what to write.
#include <ember/ember.h>

#include <memory>

using namespace ember;

/// A data set that holds its own place in memory.
struct Fixed : data::Dataset {
  Fixed() = default;
  Fixed(const Fixed&) = delete;
  int64_t size() const override { return 1; }
  data::Sample get(int64_t) const override { return {}; }
};

int main() {
  const Tensor x = arange(4);
  data::TensorDataset set(x, x);
  data::DataLoader loader(set, {.batch_size = 2});
#if PROGRAM == 1  // says: a DataLoader has no []: for (const auto& [x, y] : loader) gives batches, loader.dataset()[i] a sample
  loader[0];
#elif PROGRAM == 2  // says: this temporary cannot be moved: give it a name and keep it as long as what uses it
  data::DataLoader over(Fixed(), {.batch_size = 2});
#elif PROGRAM == 3  // says: a std::unique_ptr is handed over by std::move
  auto pointer = std::make_unique<Fixed>();
  data::DataLoader over(pointer, {.batch_size = 2});
#elif PROGRAM == 4  // says: use of deleted function
  const data::Dataset& gone = data::DataLoader(set).dataset();
#elif PROGRAM == 5  // says: this temporary cannot be moved: give it a name and keep it as long as what uses it
  data::Subset part(Fixed(), {0});
#elif PROGRAM == 6  // says: this temporary cannot be moved: give it a name and keep it as long as what uses it
  data::random_split(Fixed(), {1});
#endif
}
