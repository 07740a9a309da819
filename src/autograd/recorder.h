// Which operations a forward runs, told to a listener: an export writes them down. Where nobody listens this costs a look at a pointer.
#pragma once

#include <ember/autograd.h>

#include <initializer_list>
#include <utility>
#include <vector>

namespace ember {

/// What an operation was told besides its inputs: numbers, or a tensor that it has no gradient for.
struct Attribute {
  const char* name;
  std::vector<int64_t> ints = {};
  std::vector<double> reals = {};
  Tensor tensor = {};
};
using Attributes = std::vector<Attribute>;

class Recorder {
 public:
  /// An operation with a node on the tape. `inputs` are those of record(); the attributes are those noted under its name.
  virtual void recorded(const Node& node, const detail::InputRef* inputs, std::size_t count, const Tensor& output) = 0;
  /// An elementwise loop (kernels::Op) over operands as numbers of one type; it may be part of an operation with a node.
  virtual void pointwise(int op, std::initializer_list<const Operand*> operands, DType compute, const double (&parameters)[3],
                         const Tensor& output) = 0;

  /// `output`, which recorded operations have made of `inputs`, is as a whole what the operation `name` gives.
  virtual void composed(const char* name, std::initializer_list<Tensor> inputs, Attributes attributes, const Tensor& output) = 0;

  /// The attributes of the next operation, if it has this name.
  void note(const char* name, Attributes attributes) { noted_ = {name, std::move(attributes)}; }

 protected:
  ~Recorder() = default;
  std::pair<const char*, Attributes> noted_{nullptr, {}};
};

namespace detail {
extern constinit thread_local Recorder* recorder;
}

/// Notes what make() gives, where somebody listens.
template <class Make>
void note(const char* name, Make&& make) {
  if (detail::recorder) [[unlikely]]
    detail::recorder->note(name, make());
}

/// Names what several operations are together, so that a listener need not know the parts: a convolution of volumes, made of one of images.
template <class Make>
Tensor composed(const char* name, std::initializer_list<Tensor> inputs, Tensor output, Make&& make) {
  if (detail::recorder) [[unlikely]]
    detail::recorder->composed(name, inputs, make(), output);
  return output;
}

/// Listens to this thread while it lives.
class Recording {
 public:
  explicit Recording(Recorder& recorder) : before_(std::exchange(detail::recorder, &recorder)) {}
  ~Recording() { detail::recorder = before_; }
  Recording(const Recording&) = delete;

 private:
  Recorder* const before_;
};

}  // namespace ember
