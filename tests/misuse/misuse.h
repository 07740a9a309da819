// Wrong uses, class by class: each program throws the documented kind of error with the documented words, and leaves what it was given
// as it was. What is right instead, or does not compile (does_not_compile/), is tested there.
#pragma once

#include <ember/ember.h>

#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"

namespace ember {

/// Values, history and versions of tensors and the state of the default generator, to be compared with a later moment.
class State {
 public:
  explicit State(const std::vector<Tensor>& tensors) : tensors_(tensors), generator_(get_rng_state()) {
    for (const Tensor& t : tensors) {
      values_.push_back(t.detach().clone());
      facts_.push_back(facts(t));
    }
  }
  /// What has changed since; "" when nothing has.
  std::string change() const {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const std::string which = "tensor " + std::to_string(i);
      if (facts(tensors_[i]) != facts_[i]) return which + ": " + facts_[i] + " became " + facts(tensors_[i]);
      if (!isclose(tensors_[i].detach(), values_[i], 0, 0, true).all().item<bool>()) return which + " has other values";
    }
    return get_rng_state().equal(generator_) ? "" : "the generator has moved";
  }

 private:
  static std::string facts(const Tensor& t) {
    std::string text = std::string(name(t.dtype())) + " [";
    for (int64_t size : t.sizes()) text += std::to_string(size) + " ";
    return text + "] version " + std::to_string(t.version()) + (t.requires_grad() ? " by " + t.grad_fn_name() : "") +
           (t.grad().defined() ? " with a gradient" : "");
  }

  std::vector<Tensor> tensors_, values_;
  std::vector<std::string> facts_;
  Tensor generator_;
};

/// `program` throws exactly a Kind whose text has these words, and neither the tensors of `state` nor the default generator change.
template <class Kind, class Program>
void refused(const std::string& program_text, const std::string& words, const std::vector<Tensor>& state, Program&& program) {
  INFO(program_text);
  const State before(state);
  std::string thrown = "nothing was thrown";
  bool right_kind = false;
  try {
    program();
  } catch (const Error& error) {
    right_kind = typeid(error) == typeid(Kind);
    thrown = error.what();
  } catch (const std::exception& error) {
    thrown = std::string("not an error of Ember: ") + error.what();
  }
  CHECK_THAT(thrown, contains(words));
  CHECK(right_kind);
  CHECK_THAT(before.change(), equals(""));
}
template <class Kind, class Program>
void refused(const std::string& program_text, const std::string& words, Program&& program) {
  refused<Kind>(program_text, words, {}, std::forward<Program>(program));
}

}  // namespace ember
