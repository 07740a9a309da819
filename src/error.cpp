// Errors, and warnings. The library itself prints nothing: this handler does, until another one is set.
#include <ember/error.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "error_format.h"

namespace ember {

void Error::add_place(const std::string& place) {
  if (has_place_) return;
  has_place_ = true;
  message_.insert(std::min(message_.find('\n'), message_.size()), "\n" + place);
}

static void print_warning(const char* message) { std::fprintf(stderr, "Warning: %s\n", message); }

static std::atomic<WarningHandler> handler{print_warning};

WarningHandler set_warning_handler(WarningHandler next) { return handler.exchange(next ? next : print_warning); }

void warn(const std::string& text) { handler.load()(text.c_str()); }

}  // namespace ember
