// The thread that drives the communication. MPI's non-blocking collectives do not move by themselves (open-mpi#2427), so one thread makes every
// MPI call of this process: it starts what it is given in the order given, tests what runs, and keeps watch over the neighbours.
#pragma once

#include <ember/distributed/world.h>

#include <mpi.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace ember::distributed {

/// One collective on its way. The memory that it reads and writes stays valid until it is done.
struct Collective {
  const char* name = "";                             // for messages: "all_reduce"
  std::function<int(MPI_Comm, MPI_Request*)> start;  // one MPI_I... call
  MPI_Request request = MPI_REQUEST_NULL;
  std::atomic<bool> done{false};
};
using Ticket = std::shared_ptr<Collective>;

class Watch;

class Communicator {
 public:
  /// Null in a world of one, and before init.
  static Communicator* world();
  static void start(const InitOptions& options);
  explicit Communicator(const InitOptions& options);

  int rank() const { return rank_; }
  int size() const { return size_; }
  int ranks_on_this_machine() const { return local_; }

  Ticket submit(const char* name, std::function<int(MPI_Comm, MPI_Request*)> start);
  void wait(const Ticket& ticket);
  void run(const char* name, std::function<int(MPI_Comm, MPI_Request*)> start) { wait(submit(name, std::move(start))); }

  /// Prints the message after "[rank 1 of 4] " and ends all ranks. Does not return.
  [[noreturn]] void abort_job(const std::string& message);
  /// Leaves the job once everybody wants to.
  void leave();

 private:
  friend class Watch;
  void loop(const InitOptions& options, clockid_t program);
  bool enter();
  bool begin_submitted();
  bool test_running();
  void expect_success(int code, const char* name);
  void rest(bool moved);
  [[noreturn]] void die();

  int rank_ = 0, size_ = 1, local_ = 1;
  MPI_Comm comm_ = MPI_COMM_NULL, pulse_ = MPI_COMM_NULL;
  std::mutex mutex_;
  std::condition_variable submitted_, finished_;
  std::vector<Ticket> queue_;  // under mutex_, like the next four
  bool ready_ = false, left_ = false;
  std::string refusal_;     // why init failed
  std::string last_words_;  // ends the job when not empty

  std::vector<Ticket> running_;  // of the communication thread
  std::atomic<bool> wants_to_leave_{false};
  std::atomic<std::uint64_t> count_{0};        // collectives that this rank has asked for
  std::atomic<const char*> waiting_{nullptr};  // what the program waits for, or null
  std::unique_ptr<Watch> watch_;
  std::thread thread_;
};

}  // namespace ember::distributed
