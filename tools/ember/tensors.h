// The tensors of a file by their names, for the subcommands.
#pragma once

#include <ember/io/contents.h>

#include <string>
#include <vector>

struct Named {
  std::string name;
  ember::Tensor tensor;
};

/// Every tensor of a value under its path through dictionaries and lists, "optimizer.state.0.exp_avg", in the file's order. Throws when
/// views show so much more than the file of `path` holds that listing them would fill the memory.
std::vector<Named> tensors_of(const ember::Value& value, const std::string& path);

/// The same as one flat dictionary; a file that is one tensor calls it "tensor". Throws when two would have the same name.
ember::nn::StateDict flat(const ember::Value& value, const std::string& path);

/// Numbers, strings and other values that are no tensors.
std::int64_t count_other_values(const ember::Value& value);

/// What there is to say about the whole file: parameters, memory that tensors share, metadata, what a checkpoint was at.
void print_summary(const ember::FileContents& file, const std::vector<Named>& tensors);

/// The dictionary of weights: the file itself, or what a checkpoint keeps under "model", "state_dict" and the like, whose name is returned
/// as well. Null where there is none.
const ember::Value* weights_of(const ember::Value& value, std::string& name);

/// For a terminal: without control characters.
std::string printable(const std::string& text);
