// Cases about modules: construct, load, run the steps, compare outputs, gradients and states.
#include "cases.h"

namespace ember::parity {
void run_module(const Suite&, const Json& json, Findings&) { throw Unsupported("module " + json["module"].get<std::string>()); }
}
