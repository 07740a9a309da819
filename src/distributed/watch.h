// Keeps watch over the rank before this one. Each rank tells the next one, twice a second, how many collectives its program has asked for
// and when it last gave a sign of life; who hears nothing, or waits for a rank that shows none, ends the job with a message that names it.
#pragma once

#include "distributed/communicator.h"

#include <time.h>

#include <chrono>

namespace ember::distributed {

using Clock = std::chrono::steady_clock;

/// What one rank tells the next.
struct Pulse {
  std::uint64_t count = 0;   // collectives that its program has asked for
  double idle = 0;           // seconds since its program was last seen to compute, read or write
  std::int32_t leaving = 0;  // the program has come to its end
};

/// Seconds for which the program, on the thread that called init, has neither used its processor nor read or written anything.
class SignsOfLife {
 public:
  explicit SignsOfLife(clockid_t program) : program_(program) {}  ///< the clock of the program's thread
  double idle();

 private:
  clockid_t program_;
  double used_ = 0;
  std::uint64_t bytes_ = 0;
  Clock::time_point last_ = Clock::now();
};

class Watch {
 public:
  Watch(Communicator& owner, const InitOptions& options, clockid_t program);
  ~Watch();
  /// To be called often; sends and receives when it is time. Ends the job when the rank before this one is gone.
  void look();

 private:
  void send();
  void receive();
  void judge();
  std::string verdict(double waited) const;

  Communicator& owner_;
  InitOptions options_;
  SignsOfLife life_;
  int before_, after_;
  Pulse mine_, incoming_, theirs_;
  MPI_Request sending_ = MPI_REQUEST_NULL, receiving_ = MPI_REQUEST_NULL;
  Clock::time_point next_ = Clock::now(), heard_ = Clock::now(), waits_since_ = Clock::now();
  std::uint64_t waits_for_ = 0;
  bool told_ = false;
};

}  // namespace ember::distributed
