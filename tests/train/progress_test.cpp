// What Progress writes: on a terminal (a pseudo-terminal of a given width) and into a pipe.
#include <ember/error.h>
#include <ember/train/progress.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "support/catch.h"

using namespace ember;
using train::Progress;

namespace {

/// A terminal of so many columns. A thread reads what is written to it, as a terminal does: its buffer holds only 4 KiB.
struct Terminal {
  explicit Terminal(unsigned short columns) : far(::posix_openpt(O_RDWR | O_NOCTTY)) {
    REQUIRE((far >= 0 && ::grantpt(far) == 0 && ::unlockpt(far) == 0));
    near = ::open(::ptsname(far), O_RDWR | O_NOCTTY);
    resize(columns);
    reader = std::thread([this] {
      char buffer[4096];
      for (ssize_t n; (n = ::read(far, buffer, sizeof buffer)) > 0;) seen.append(buffer, std::size_t(n));
    });
  }
  ~Terminal() { ::close(far); }
  void resize(unsigned short columns) const {
    const winsize size{24, columns, 0, 0};
    ::ioctl(near, TIOCSWINSZ, &size);
  }
  /// Everything; the terminal is closed then.
  std::string written() {
    ::close(near);
    reader.join();
    return seen;
  }
  int far, near = -1;
  std::string seen;
  std::thread reader;
};

struct Pipe {
  Pipe() { REQUIRE(::pipe(ends) == 0); }
  ~Pipe() { ::close(ends[0]), ::close(ends[1]); }
  std::string written() const {
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, std::size_t(n));
    return text;
  }
  int ends[2];
};

struct Variable {
  Variable(const char* name, const char* value) : name(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name); }
  const char* name;
};

/// Columns of the widest drawing: between \r and the sequence that erases the rest.
std::size_t widest(std::string text) {
  std::size_t most = 0, columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      while (i < text.size() && !std::isalpha(static_cast<unsigned char>(text[i]))) ++i;
    } else if (text[i] == '\r' || text[i] == '\n') {
      columns = 0;
    } else if ((text[i] & 0xC0) != 0x80) {
      most = std::max(most, ++columns);
    }
  }
  return most;
}

int64_t count(const std::string& text, const std::string& part) {
  int64_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("progress on a terminal is one line that stays below its width, whatever the width becomes") {
  const Variable term("TERM", "xterm");
  for (const unsigned short columns : {120, 80, 40, 12, 1}) {
    Terminal terminal(columns);
    {
      Progress progress(200, {.label = "epoch 3", .fd = terminal.near, .interval = 0});
      for (int i = 0; i < 150; ++i) progress.step({{"loss", 0.0812345}, {"accuracy", 0.975}});
    }
    const std::string text = terminal.written();
    CHECK(widest(text.substr(0, text.rfind('\r', text.size() - 3))) < std::max<std::size_t>(columns, 2));  // all but the last line
    CHECK_THAT(text.substr(text.rfind("epoch 3")), contains("accuracy 0.975"));
    CHECK(count(text, "\n") == 1);
    if (columns < 80) continue;
    for (const char* part : {"epoch 3  ", " 75%", "150/200", "█", "loss 0.08123", "accuracy 0.975", "\x1b[36m", "\x1b[K"})
      CHECK_THAT(text, contains(part));
  }
  Terminal terminal(100);
  Progress progress(200, {.label = "epoch 3", .fd = terminal.near, .interval = 0});
  for (int i = 0; i < 50; ++i) progress.step({{"loss", 0.0812345}});
  terminal.resize(30);
  progress.say("narrow");
  for (int i = 0; i < 50; ++i) progress.step({{"loss", 0.0812345}});
  progress.finish();
  const std::string text = terminal.written();
  CHECK(widest(text.substr(0, text.find("narrow"))) > 80);
  CHECK(widest(text.substr(text.find("narrow"), text.rfind("epoch") - text.find("narrow"))) < 30);
}

TEST_CASE("progress redraws no more often than its interval says") {
  const Variable term("TERM", "xterm");
  Terminal terminal(80);
  {
    Progress progress(100000, {.fd = terminal.near, .interval = 60});
    for (int i = 0; i < 1000; ++i) progress.step();
  }
  CHECK(count(terminal.written(), "\x1b[K") == 2);  // the first and the last
}

TEST_CASE("progress keeps NO_COLOR, and writes plain lines to a dumb terminal") {
  {
    const Variable term("TERM", "xterm"), no_color("NO_COLOR", "1");
    Terminal terminal(80);
    Progress(10, {.fd = terminal.near, .interval = 0}).advance(5);
    const std::string text = terminal.written();
    CHECK(text.find("\x1b[36m") == std::string::npos);
    CHECK_THAT(text, contains("█"));
  }
  const Variable term("TERM", "dumb");
  Terminal terminal(80);
  Progress(10, {.fd = terminal.near}).advance(5);
  CHECK(terminal.written().find('\x1b') == std::string::npos);
}

TEST_CASE("progress into a pipe is a few plain lines") {
  const Pipe pipe;
  {
    Progress progress(938, {.label = "epoch 1", .fd = pipe.ends[1]});
    for (int i = 0; i < 938; ++i) progress.step({{"loss", 1.0 / (i + 1)}});
    progress.say("a remark");
    progress.finish({{"accuracy", 0.9912}});
    progress.step();  // after the end nothing happens
  }
  const std::string text = pipe.written();
  CHECK(count(text, "\n") == 11);  // nine on the way, the remark, the end
  CHECK(text.find_first_of("\r\x1b") == std::string::npos);
  CHECK_THAT(text,
             contains("epoch 1   50%  469/938  ") && contains("loss 0.001066  accuracy 0.9912\n") && contains("\na remark\nepoch 1  100%  938/938"));
}

TEST_CASE("progress of an unknown number of steps counts") {
  const Variable term("TERM", "xterm");
  Terminal terminal(80);
  {
    Progress progress(0, {.fd = terminal.near, .interval = 0});
    for (int i = 0; i < 7; ++i) progress.step({{"loss", 2}});
  }
  const std::string text = terminal.written();
  CHECK_THAT(text, contains("\r7  00:00  ") && contains("loss 2"));
  CHECK(text.find('%') == std::string::npos);
}

TEST_CASE("progress never ends a training: steps beyond the total, a closed output; but a negative total is an error") {
  const Pipe pipe;
  Progress progress(2, {.fd = pipe.ends[1]});
  progress.advance(5);
  Progress(3, {.fd = -1}).advance(3);
  CHECK_THROWS_AS(Progress(-1), ValueError);
}
