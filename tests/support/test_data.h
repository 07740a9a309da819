// Where the fixtures of the tests lie.
#pragma once

#include <string>

namespace ember {

/// The path of a file below tests/data. Compiled in one place, so that the other tests do not depend on the folder of the checkout.
std::string test_data(const std::string& name);

}  // namespace ember
