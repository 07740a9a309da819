// What cannot mean anything for a tensor does not compile, and the compiler's first line says what to write.
#include <ember/ember.h>

using namespace ember;

int main() {
  Tensor x = zeros({2, 2});
#if PROGRAM == 1  // says: use of deleted function
  if (x) print(x);
#elif PROGRAM == 2  // says: use of deleted function
  while (x > 0) x = x - 1;
#endif
}
