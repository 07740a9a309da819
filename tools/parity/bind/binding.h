// One table binds PyTorch's names to Ember: {"nn.functional.conv2d", "input weight bias=None stride=1 ...", [](Args& a) {...}}.
//
// The signature names the parameters in PyTorch's order with PyTorch's defaults (Python literals). `name:kind` restricts what fits
// (tensor, int, number, bool, text, list, dtype, none, several joined by |), which chooses among rows of the same name; `*name`
// takes all further positional arguments as one list (or the one list that is given); parameters after a lone `*` go by keyword
// only; `name=~default` accepts nothing but its default. A name ending in * is a method of Tensor as well, one ending in *_ also
// a method that writes its result into the tensor; several names may stand in one row.
#pragma once

#include "runner/value.h"

#include <ember/nn/module.h>

#include <functional>
#include <map>
#include <memory>

namespace ember::parity {

/// The arguments of one call in the order of the signature.
class Args;

/// One argument. It converts to the type of the parameter that it is handed to, or throws what Python would: TypeError.
class Argument {
 public:
  Argument(const Value& value, const std::string& name) : value_(value), name_(name) {}

  const Value& value() const { return value_; }
  bool is_none() const { return value_.is_none(); }
  bool is_tensor() const { return value_.is<Tensor>(); }
  bool is_list() const { return value_.is<List>(); }
  bool is_number() const { return value_.is_number(); }
  bool is_text() const { return value_.is<std::string>(); }

  Tensor tensor() const;  ///< undefined for None
  int64_t integer() const;
  double real() const;
  bool boolean() const;   ///< also of a number
  Scalar scalar() const;  ///< also of a tensor with one element
  std::string text() const;
  DType dtype() const;                ///< Undefined for None
  std::vector<int64_t> ints() const;  ///< of a list, or of one number
  std::vector<Tensor> tensors() const;
  std::vector<double> reals() const;
  int64_t integer_or(int64_t none) const { return is_none() ? none : integer(); }
  double real_or(double none) const { return is_none() ? none : real(); }

  operator Tensor() const { return tensor(); }
  operator int64_t() const { return integer(); }
  operator int() const { return int(integer()); }
  operator double() const { return real(); }
  operator bool() const { return boolean(); }
  operator Scalar() const { return scalar(); }
  operator std::string() const { return text(); }
  operator DType() const { return dtype(); }
  operator std::vector<int64_t>() const { return ints(); }
  operator std::vector<Tensor>() const { return tensors(); }
  operator Shape() const;
  operator Dims() const;     ///< None: all of them
  operator Operand() const;  ///< a tensor, a number or None
  template <int N>
  operator ExpandingArray<N>() const {
    const std::vector<int64_t> given = ints();
    if (given.size() != 1 && given.size() != N) wrong_length(int(given.size()), N);
    ExpandingArray<N> array(given[0]);
    for (std::size_t i = 0; i < given.size() && given.size() == N; ++i) array.values[i] = given[i];
    return array;
  }

 private:
  [[noreturn]] void wrong_kind(const char* wanted) const;
  [[noreturn]] void wrong_length(int given, int wanted) const;

  const Value& value_;
  const std::string& name_;
};

struct Parameter {
  std::string name;
  std::string kinds;  ///< "tensor|number", "" for any
  bool has_default = false, only_default = false, takes_rest = false, keyword_only = false;
  Value default_value;
};

class Signature {
 public:
  explicit Signature(const char* text);

  /// The arguments in order, defaults filled in. Throws Unsupported naming the argument that has no place.
  List bind(const std::string& name, const List& positional, const std::vector<std::pair<std::string, Value>>& keywords) const;
  const std::vector<Parameter>& parameters() const { return parameters_; }

 private:
  std::vector<Parameter> parameters_;
  std::size_t positional_ = 0;
};

class Args {
 public:
  Args(const Signature& signature, List values) : signature_(signature), values_(std::move(values)) {}
  Argument operator[](std::size_t i) const { return {values_.at(i), signature_.parameters()[i].name}; }
  std::size_t size() const { return values_.size(); }
  /// The same with another first argument.
  Args with_first(Tensor first) const {
    Args other = *this;
    other.values_.at(0) = Value(std::move(first));
    return other;
  }

 private:
  const Signature& signature_;
  List values_;
};

/// div's "trunc", "floor" or None.
Rounding rounding_of(const Argument& mode);

using Keywords = std::vector<std::pair<std::string, Value>>;

struct Operation {
  Signature signature;
  std::function<Result(Args&)> run;
};

/// One row of a table of functions.
struct Row {
  template <class Run>
  Row(const char* names, const char* signature, Run run) : names(names), signature(signature), run([run](Args& a) { return Result(run(a)); }) {}
  const char* names;
  const char* signature;
  std::function<Result(Args&)> run;
};
using Table = std::vector<Row>;

/// Calls the function of this name: the first row whose signature fits. Throws Unsupported when there is none.
Result call(const std::string& name, const List& positional, const Keywords& keywords);
std::vector<std::string> bound_names();
std::vector<std::string> signatures();  ///< "names\tsignature" of each row, in the order of the tables

// The tables, one for each family.
Table elementwise_table();
Table reduce_table();
Table linalg_table();
Table shape_table();
Table nn_table();
Table loss_table();
Table random_table();
Table inplace_table();
Table utils_table();
Table special_table();
Table statistics_table();
Table arrange_table();
Table sequence_table();

}  // namespace ember::parity
