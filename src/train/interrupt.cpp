// A flag that a signal sets. The handler does only what signal-safety(7) allows.
#include <ember/train/interrupt.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "error_format.h"

namespace ember::train {

namespace {

volatile std::sig_atomic_t came = 0;  // the number of the signal
bool installed = false;
struct sigaction interrupt_before, terminate_before;

void ask(int number) {
  came = number;
  constexpr char text[] = "\nfinishing this step; once more ends the program at once\n";
  [[maybe_unused]] const ssize_t ignored = ::write(2, text, sizeof text - 1);
}

}  // namespace

Interrupt::Interrupt() {
  check<RuntimeError>(!installed, "Interrupt: there is one already; one at a time");
  came = 0;
  struct sigaction action{};
  action.sa_handler = ask;
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);  // the second signal finds the default: the end
  ::sigaction(SIGINT, &action, &interrupt_before);
  ::sigaction(SIGTERM, &action, &terminate_before);
  installed = true;
}

Interrupt::~Interrupt() {
  ::sigaction(SIGINT, &interrupt_before, nullptr);
  ::sigaction(SIGTERM, &terminate_before, nullptr);
  installed = false;
}

bool Interrupt::requested() const { return came != 0; }

int Interrupt::stop(const std::string& how_to_resume) const {
  if (!how_to_resume.empty()) fmt::print(stderr, "stopped and saved. To go on: {}\n", how_to_resume);
  return 128 + (came ? came : SIGINT);
}

}  // namespace ember::train
