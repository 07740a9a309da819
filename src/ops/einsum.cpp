// einsum and tensordot: contractions by name, made of one batched matrix product for each operand after the first.
#include <ember/ops/linalg.h>
#include <ember/ops/reduce.h>
#include <ember/ops/elementwise.h>

#include <algorithm>

#include "error_format.h"
#include "tensor/defined.h"

namespace ember {
namespace {

/// A tensor whose dimensions have names; the dimensions of "..." are called '0', '1', ... from the right.
struct Named {
  Tensor value;
  std::string labels;
};

Tensor diagonal_of_repeated(Tensor x, std::string& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::size_t j = labels.find(labels[i], i + 1);
    if (j == std::string::npos) continue;
    check<RuntimeError>(x.size(int64_t(i)) == x.size(int64_t(j)),
                        "einsum(): subscript {} is repeated for operand 0 but the sizes don't match, {} != {}", labels[i], x.size(int64_t(j)),
                        x.size(int64_t(i)));
    x = x.diagonal(0, int64_t(i), int64_t(j));
    const char label = labels[i];
    labels.erase(j, 1);
    labels.erase(i, 1);
    labels += label;
    return diagonal_of_repeated(x, labels);
  }
  return x;
}

std::string expand_ellipsis(std::string labels, int dims, std::size_t operand) {
  const std::size_t at = labels.find("...");
  const int named = int(labels.size()) - (at == std::string::npos ? 0 : 3);
  if (at == std::string::npos) {
    check<RuntimeError>(named == dims,
                        "einsum(): the number of subscripts in the equation ({}) does not match the number of dimensions ({}) for operand {} and no "
                        "ellipsis was given",
                        named, dims, operand);
    return labels;
  }
  check<RuntimeError>(named <= dims,
                      "einsum(): the number of subscripts in the equation ({}) is more than the number of dimensions ({}) for operand {}", named,
                      dims, operand);
  std::string hidden;
  for (int d = dims - named; d-- > 0;) hidden += char('0' + d);
  return labels.replace(at, 3, hidden);
}

/// x with dimensions in the order of `labels`, size 1 where it lacks one.
Tensor arranged(const Named& x, const std::string& labels) {
  Shape order;
  for (char label : labels)
    if (const std::size_t at = x.labels.find(label); at != std::string::npos) order.push_back(int64_t(at));
  Tensor y = x.value.permute(order);
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (x.labels.find(labels[i]) == std::string::npos) y = y.unsqueeze(int64_t(i));
  return y;
}

Named summed(Named x, const std::string& keep) {
  std::vector<int64_t> gone;
  std::string labels;
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    if (keep.find(x.labels[i]) == std::string::npos) gone.push_back(int64_t(i));
    else labels += x.labels[i];
  }
  return gone.empty() ? x : Named{sum(x.value, gone), labels};
}

/// The product of a and b, summed over labels that are not in `keep`: (batch, left, contracted) times (batch, contracted, right).
Named contract(const Named& left, const Named& right, const std::string& keep) {
  const Named a = summed(left, keep + right.labels), b = summed(right, keep + left.labels);
  std::string batch, contracted, only_a, only_b;
  for (char label : a.labels) {
    const bool in_b = b.labels.find(label) != std::string::npos;
    (!in_b ? only_a : keep.find(label) != std::string::npos ? batch : contracted) += label;
  }
  for (char label : b.labels)
    if (a.labels.find(label) == std::string::npos) only_b += label;
  const auto size = [](const Named& x, char label) { return x.value.size(int64_t(x.labels.find(label))); };
  const auto product = [&](const std::string& labels, const auto& size_of) {
    int64_t n = 1;
    for (char label : labels) n *= size_of(label);
    return n;
  };
  const auto common = [&](char label) {
    const int64_t x = size(a, label), y = size(b, label);
    check<RuntimeError>(x == y || x == 1 || y == 1,
                        "einsum(): subscript {} has size {} for operand 1 which does not broadcast with previously seen size {}", label, y, x);
    return x == 1 ? y : x;
  };
  const auto flat = [&](const Named& x, const std::string& order, IntArrayRef target) {
    Shape full;
    for (char label : order)
      full.push_back(batch.find(label) != std::string::npos || contracted.find(label) != std::string::npos ? common(label) : size(x, label));
    return arranged(x, order).expand(full).reshape(target);
  };
  const int64_t nb = product(batch, common), nk = product(contracted, common);
  const int64_t na = product(only_a, [&](char l) { return size(a, l); }), nc = product(only_b, [&](char l) { return size(b, l); });
  const Tensor y = bmm(flat(a, batch + only_a + contracted, {nb, na, nk}), flat(b, batch + contracted + only_b, {nb, nk, nc}));
  Shape sizes;
  for (char label : batch) sizes.push_back(common(label));
  for (char label : only_a) sizes.push_back(size(a, label));
  for (char label : only_b) sizes.push_back(size(b, label));
  return {y.reshape(sizes), batch + only_a + only_b};
}

}  // namespace

Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands) {
  require_defined("einsum", operands);
  check<RuntimeError>(!operands.empty(), "einsum(): must provide at least one operand");
  std::string text;
  for (char c : equation)
    if (c != ' ') text += c;
  const std::size_t arrow = text.find("->");
  std::string inputs = text.substr(0, arrow), output;
  std::vector<Named> named;
  std::string all;
  int hidden = 0;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const std::size_t comma = inputs.find(',');
    check<RuntimeError>((comma == std::string::npos) == (i + 1 == operands.size()),
                        "einsum(): {} operands were provided than specified in the equation", comma == std::string::npos ? "more" : "fewer");
    const std::string part = inputs.substr(0, comma);
    for (char c : part)
      check<RuntimeError>(c == '.' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'),
                          "einsum(): invalid subscript given at index {} in the equation string, subscripts must be in [a-zA-Z]", 0);
    Named x{operands[i], expand_ellipsis(part, operands[i].dim(), i)};
    if (part.find("...") != std::string::npos) hidden = std::max(hidden, operands[i].dim() - int(part.size()) + 3);
    all += x.labels;
    x.value = diagonal_of_repeated(x.value, x.labels);
    named.push_back(x);
    inputs = comma == std::string::npos ? "" : inputs.substr(comma + 1);
  }
  if (arrow != std::string::npos) {
    output = text.substr(arrow + 2);
    if (const std::size_t at = output.find("..."); at != std::string::npos) {
      std::string dots;
      for (int d = hidden; d-- > 0;) dots += char('0' + d);
      output.replace(at, 3, dots);
    }
  } else {
    for (int d = hidden; d-- > 0;) output += char('0' + d);
    std::string once;
    for (char c : all)
      if (c > '9' && std::count(all.begin(), all.end(), c) == 1) once += c;
    std::sort(once.begin(), once.end());
    output += once;
  }
  for (char c : output)
    check<RuntimeError>(all.find(c) != std::string::npos, "einsum(): output subscript {} does not appear in the equation for any input operand", c);

  Named result = named[0];
  for (std::size_t i = 1; i < named.size(); ++i) {
    std::string keep = output;
    for (std::size_t j = i + 1; j < named.size(); ++j) keep += named[j].labels;
    result = contract(result, named[i], keep);
  }
  return arranged(summed(result, output), output);
}

Tensor tensordot(const Tensor& a, const Tensor& b, int64_t dims) {
  require_defined("tensordot", a, b);
  check<RuntimeError>(dims >= 0, "tensordot expects dims >= 0, but got dims={}", dims);
  std::vector<int64_t> of_a, of_b;
  for (int64_t i = 0; i < dims; ++i) {
    of_a.push_back(a.dim() - dims + i);
    of_b.push_back(i);
  }
  return tensordot(a, b, of_a, of_b);
}

Tensor tensordot(const Tensor& whole_a, const Tensor& whole_b, IntArrayRef dims_a, IntArrayRef dims_b) {
  require_defined("tensordot", whole_a, whole_b);
  check<RuntimeError>(dims_a.size() == dims_b.size(), "both dimension lists should have same length");
  Tensor a = whole_a, b = whole_b;
  for (int i = 0; i < dims_a.size(); ++i) {  // where one side has size 1, the other is summed
    const int da = wrap_dim(dims_a[i], a.dim()), db = wrap_dim(dims_b[i], b.dim());
    if (a.sizes()[da] == b.sizes()[db]) continue;
    if (a.sizes()[da] == 1) b = b.sum(db, true, b.dtype());
    else if (b.sizes()[db] == 1) a = a.sum(da, true, a.dtype());
  }
  Shape order_a, order_b, sizes;
  std::uint32_t in_a = 0, in_b = 0;
  int64_t k = 1;
  for (int i = 0; i < dims_a.size(); ++i) {
    const int da = wrap_dim(dims_a[i], a.dim()), db = wrap_dim(dims_b[i], b.dim());
    check<RuntimeError>(a.sizes()[da] == b.sizes()[db],
                        "contracted dimensions need to match, but first has size {} in dim {} and second has size {} in dim {}", a.sizes()[da], da,
                        b.sizes()[db], db);
    in_a |= 1u << da;
    in_b |= 1u << db;
    k *= a.sizes()[da];
  }
  for (int d = 0; d < a.dim(); ++d)
    if (!(in_a >> d & 1)) order_a.push_back(d), sizes.push_back(a.sizes()[d]);
  const int64_t m = sizes.numel();
  for (int64_t d : dims_a) order_a.push_back(wrap_dim(d, a.dim()));
  for (int64_t d : dims_b) order_b.push_back(wrap_dim(d, b.dim()));
  int64_t n = 1;
  for (int d = 0; d < b.dim(); ++d)
    if (!(in_b >> d & 1)) order_b.push_back(d), sizes.push_back(b.sizes()[d]), n *= b.sizes()[d];
  return mm(a.permute(order_a).reshape({m, k}), b.permute(order_b).reshape({k, n})).reshape(sizes);
}

}  // namespace ember
