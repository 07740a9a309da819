// What programs call, and the report.
#include <ember/train/doctor.h>

#include <cstdlib>

#include "error_format.h"
#include "runtime/immortal.h"
#include "train/doctor/session.h"

namespace ember::doctor {

namespace {

/// Its last words are said at the end of the program.
Session& session() {
  static Immortal<Session> one;
  return one.value;
}

void watch_everything_from_now(bool everything) {
  static const bool once = [] {
    std::atexit([] {
      if (session().active) session().last_words();
    });
    return true;
  }();
  (void)once;
  autograd::set_loss_observer([](const Tensor& loss) { session().on_loss(loss); });
  optim::set_optimizer_observer([](const optim::Optimizer& optimizer, optim::OptimizerEvent event) { session().on_optimizer(optimizer, event); });
  session().begin(everything);
}

}  // namespace

void watch(nn::Module& model, const Options& options) {
  watch_everything_from_now(false);
  session().add(model, nullptr, options);
}

void watch(nn::Module& model, const optim::Optimizer& optimizer, const Options& options) {
  watch_everything_from_now(false);
  session().add(model, &optimizer, options);
}

void stop() {
  if (session().everything) return;
  session().end();
}

std::vector<Finding> findings() { return session().findings(); }

std::string report() {
  const std::vector<Finding> all = findings();
  if (all.empty()) return "doctor: nothing found\n";
  std::size_t place = 6, name = 7;
  for (const Finding& f : all) {
    place = std::max(place, f.module.size());
    name = std::max(name, f.finding.size());
  }
  std::string table = fmt::format("{:<5}  {:>6}  {:<{}}  {:<{}}  {}\n", "kind", "step", "module", place, "finding", name, "what, and the cure");
  for (const Finding& f : all) {
    table += fmt::format("{:<5}  {:>6}  {:<{}}  {:<{}}  {}\n", f.note ? "note" : "fault", f.step, f.module, place, f.finding, name, f.text);
    table += fmt::format("{:<{}}  {}\n", "", 5 + 2 + 6 + 2 + place + 2 + name, f.cure);
  }
  return table;
}

bool detail::watch_as_environment_asks() {
  const char* const asked = std::getenv("EMBER_DOCTOR");
  if (!asked || !*asked || std::string(asked) == "0" || session().everything) return false;
  watch_everything_from_now(true);
  if (std::string(asked) != "1") session().write_to(asked);
  return true;
}

}  // namespace ember::doctor
