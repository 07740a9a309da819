// Errors of a shared library are caught by their types, in a program that hides its own symbols.
#include <ember/ember.h>

#include <cstring>

using namespace ember;

int main() {
  try {
    matmul(ones({2, 3}), ones({4, 5}));
  } catch (const RuntimeError& error) {
    try {
      load("no such file");
    } catch (const Error& second) {
      return std::strstr(error.what(), "cannot be multiplied") && std::strstr(second.what(), "cannot read") ? 0 : 1;
    }
  }
  return 1;
}
