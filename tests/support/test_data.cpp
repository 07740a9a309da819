// The path of the fixtures, as CMake wrote it down.
#include "support/test_data.h"

namespace ember {

std::string test_data(const std::string& name) { return std::string(EMBER_TEST_DATA "/") + name; }

}  // namespace ember
