// Signs of life from rank to rank, and the message that ends a job.
#include "distributed/watch.h"

#include <cstdio>

#include "error_format.h"

namespace ember::distributed {
namespace {

constexpr double kBeat = 0.5;  // seconds between two pulses

double since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

double seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

/// Bytes that this process has read and written. The communication through shared memory does not count among them.
std::uint64_t bytes_moved() {
  std::FILE* const file = std::fopen("/proc/self/io", "r");
  if (!file) return 0;
  unsigned long long read = 0, written = 0;
  if (std::fscanf(file, "rchar: %llu wchar: %llu", &read, &written) != 2) read = written = 0;
  std::fclose(file);
  return read + written;
}

/// What one look into /proc/self/io itself reads; the rest of the traffic of a sleeping program stays below this, too.
constexpr std::uint64_t kSmallTraffic = 4096;

}  // namespace

double SignsOfLife::idle() {
  const double used = seconds(program_);
  const std::uint64_t bytes = bytes_moved();
  if (used - used_ > 0.002 || bytes - bytes_ > kSmallTraffic) last_ = Clock::now();
  used_ = used;
  bytes_ = bytes;
  return since(last_);
}

Watch::Watch(Communicator& owner, const InitOptions& options, clockid_t program)
    : owner_(owner), options_(options), life_(program), before_((owner.rank_ + owner.size_ - 1) % owner.size_),
      after_((owner.rank_ + 1) % owner.size_) {}

Watch::~Watch() {
  if (receiving_ != MPI_REQUEST_NULL) {
    MPI_Cancel(&receiving_);
    MPI_Wait(&receiving_, MPI_STATUS_IGNORE);
  }
  if (sending_ != MPI_REQUEST_NULL) MPI_Wait(&sending_, MPI_STATUS_IGNORE);
}

void Watch::look() {
  if (Clock::now() < next_) return;
  next_ = Clock::now() + std::chrono::milliseconds(int(kBeat * 1000));
  send();
  receive();
  judge();
}

void Watch::send() {
  int done = 1;
  if (sending_ != MPI_REQUEST_NULL) MPI_Test(&sending_, &done, MPI_STATUS_IGNORE);
  if (!done) return;                                   // the next rank does not listen: the one behind it will say so
  const bool leaving = owner_.wants_to_leave_.load();  // its last collective is the leaving itself, which does not count
  mine_ = {owner_.count_.load() - (leaving ? 1 : 0), life_.idle(), leaving ? 1 : 0};
  MPI_Isend(&mine_, int(sizeof(Pulse)), MPI_BYTE, after_, 0, owner_.pulse_, &sending_);
}

void Watch::receive() {
  for (int done = 1; done;) {
    if (receiving_ == MPI_REQUEST_NULL) MPI_Irecv(&incoming_, int(sizeof(Pulse)), MPI_BYTE, before_, 0, owner_.pulse_, &receiving_);
    MPI_Test(&receiving_, &done, MPI_STATUS_IGNORE);
    if (!done) continue;
    theirs_ = incoming_;
    heard_ = Clock::now();
  }
}

void Watch::judge() {
  if (since(heard_) > options_.silence)
    return owner_.abort_job(
        fmt::format("rank {} has not answered for {:.0f} s: its process is stopped, or its machine is gone", before_, since(heard_)));
  const char* const waiting = owner_.waiting_.load();
  const std::uint64_t count = owner_.count_.load();
  const bool both_leave = owner_.wants_to_leave_.load() && theirs_.leaving;
  if (!waiting || count != waits_for_ || theirs_.count >= count || both_leave) {
    waits_for_ = count;
    waits_since_ = Clock::now();
    told_ = false;
    return;
  }
  const double waited = since(waits_since_);
  const std::string reason = verdict(waited);
  if (!reason.empty()) return owner_.abort_job(fmt::format("waited {:.0f} s in {}: {}", waited, waiting, reason));
  if (waited > options_.silence && !told_) {
    told_ = true;
    warn(fmt::format("distributed: rank {} has waited {:.0f} s in {} for rank {}, which is busy elsewhere; the job ends after {:.0f} s", owner_.rank_,
                     waited, waiting, before_, options_.timeout));
  }
}

/// Why there is no use in waiting longer; empty while there is.
std::string Watch::verdict(double waited) const {
  if (theirs_.leaving)
    return fmt::format("rank {} has come to the end of its program after {} collectives and will not take part", before_, theirs_.count);
  if (waited > options_.silence && theirs_.idle > options_.silence)
    return fmt::format("rank {} hangs: it does not come, and has neither computed nor read or written anything for {:.0f} s", before_, theirs_.idle);
  if (waited > options_.timeout) return fmt::format("rank {} did not come in time (init({{.timeout = ...}}))", before_);
  return "";
}

}  // namespace ember::distributed
