// The subcommands of `ember`. Each returns the exit status: 0 done, 1 there are differences, 2 a file was refused.
#pragma once

#include <ember/io/pt.h>

#include <functional>
#include <string>

int inspect(const std::string& path, bool json);
int convert(const std::string& from, const std::string& to);

struct DiffOptions {
  double rtol = -1, atol = -1;  ///< negative: the default of what is compared
  std::string html;             ///< of traces: a page to write
};
int diff(const std::string& a, const std::string& b, const DiffOptions& options);

/// visit(name, tensor) for every tensor of a value, under its path through dictionaries and lists.
void for_each_tensor(const ember::Value& value, const std::string& path,
                     const std::function<void(const std::string&, const ember::Tensor&)>& visit);
/// All of them by these paths.
ember::nn::StateDict flat(const ember::Value& value);
