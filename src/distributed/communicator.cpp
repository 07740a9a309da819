// The loop of the communicating thread, and the start and end of the job.
#include "distributed/communicator.h"

#include <pthread.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>

#include "distributed/watch.h"
#include "error_format.h"

namespace ember::distributed {
namespace {

Communicator* the_world = nullptr;

/// The number of ranks that a launcher announces in the environment: Open MPI, MPICH and Intel MPI (Hydra, Slurm's PMI). 0 without one.
int announced_ranks() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"})
    if (const char* const text = std::getenv(name)) return std::atoi(text);
  const char* const tasks = std::getenv("SLURM_NTASKS");
  return std::getenv("PMIX_RANK") && tasks ? std::atoi(tasks) : 0;
}

const char* built_with() {
#ifdef OPEN_MPI
  return "Open MPI";
#else
  return "MPICH";
#endif
}

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

[[noreturn]] void end_job_for_exception() {
  const std::exception_ptr error = std::current_exception();
  the_world->abort_job(error ? text_of(error) : "terminated");
}

/// An exit status other than 0 ends the job; with 0 the rank leaves when all do.
void at_exit(int status, void*) {
  if (status != 0) the_world->abort_job(fmt::format("left with exit status {}", status));
  the_world->leave();
}

}  // namespace

Communicator* Communicator::world() { return the_world; }

void Communicator::start(const InitOptions& options) {
  const int ranks = announced_ranks();
  if (the_world || ranks == 0) return;
  auto world = std::make_unique<Communicator>(options);
  check<RuntimeError>(world->size_ == ranks,
                      "distributed::init: the launcher started {} ranks, but MPI sees {}. The launcher belongs to another MPI: this program "
                      "was built with {}",
                      ranks, world->size_, built_with());
  the_world = world.release();  // lives to the end of the process
  std::set_terminate(end_job_for_exception);
  on_exit(at_exit, nullptr);
}

Communicator::Communicator(const InitOptions& options) {
  clockid_t program = CLOCK_PROCESS_CPUTIME_ID;
  pthread_getcpuclockid(pthread_self(), &program);
  thread_ = std::thread([this, options, program] { loop(options, program); });
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [&] { return ready_; });
  if (refusal_.empty()) return;
  lock.unlock();
  thread_.join();
  fail<RuntimeError>("distributed::init: {}", refusal_);
}

/// On the communication thread: joins the job. False when MPI refuses.
bool Communicator::enter() {
  int given = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given) != MPI_SUCCESS) refusal_ = "MPI_Init_thread failed";
  else if (given < MPI_THREAD_FUNNELED) refusal_ = "this MPI was built without support for threads";
  if (!refusal_.empty()) return false;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);  // both communicators take it over
  MPI_Comm_dup(MPI_COMM_WORLD, &comm_);
  MPI_Comm_dup(MPI_COMM_WORLD, &pulse_);
  MPI_Comm_rank(comm_, &rank_);
  MPI_Comm_size(comm_, &size_);
  MPI_Comm machine;
  MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
  MPI_Comm_size(machine, &local_);
  MPI_Comm_free(&machine);
  return true;
}

void Communicator::loop(const InitOptions& options, clockid_t program) {
  {
    const std::lock_guard lock(mutex_);
    const bool entered = enter();
    ready_ = true;
    finished_.notify_all();
    if (!entered) return;
    if (size_ > 1) watch_ = std::make_unique<Watch>(*this, options, program);
  }
  for (bool left = false; !left;) {
    bool moved = begin_submitted();
    moved = test_running() || moved;
    if (watch_) watch_->look();
    rest(moved);
    const std::lock_guard lock(mutex_);
    if (!last_words_.empty()) die();
    left = left_ && queue_.empty() && running_.empty();
  }
  watch_.reset();
  MPI_Comm_free(&pulse_);
  MPI_Comm_free(&comm_);
  MPI_Finalize();
}

/// Starts what has been submitted, in the order of submission: MPI matches the collectives of the ranks by order.
bool Communicator::begin_submitted() {
  std::vector<Ticket> fresh;
  {
    const std::lock_guard lock(mutex_);
    fresh.swap(queue_);
  }
  for (const Ticket& ticket : fresh) {
    expect_success(ticket->start(comm_, &ticket->request), ticket->name);
    running_.push_back(ticket);
  }
  return !fresh.empty();
}

bool Communicator::test_running() {
  const std::size_t before = running_.size();
  std::erase_if(running_, [this](const Ticket& ticket) {
    int done = 0;
    expect_success(MPI_Test(&ticket->request, &done, MPI_STATUS_IGNORE), ticket->name);
    if (done) ticket->done.store(true, std::memory_order_release);
    return done != 0;
  });
  if (running_.size() == before) return false;
  const std::lock_guard lock(mutex_);
  finished_.notify_all();
  return true;
}

/// What MPI refuses, such as messages of different lengths from ranks that do not call the same thing, ends the job.
void Communicator::expect_success(int code, const char* name) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  abort_job(fmt::format("{}: {}", name, text));
}

/// While the program waits, this thread may use its core; while the program computes, it takes little of it; and with nothing under way it
/// sleeps until the next pulse.
void Communicator::rest(bool moved) {
  if (moved) return;
  if (!running_.empty()) {
    if (waiting_.load()) sched_yield();
    else usleep(50);
    return;
  }
  std::unique_lock lock(mutex_);
  submitted_.wait_for(lock, std::chrono::milliseconds(100), [&] { return !queue_.empty() || left_ || !last_words_.empty(); });
}

Ticket Communicator::submit(const char* name, std::function<int(MPI_Comm, MPI_Request*)> start) {
  auto ticket = std::make_shared<Collective>();
  ticket->name = name;
  ticket->start = std::move(start);
  ++count_;
  const std::lock_guard lock(mutex_);
  queue_.push_back(ticket);
  submitted_.notify_one();
  return ticket;
}

void Communicator::wait(const Ticket& ticket) {
  if (ticket->done.load(std::memory_order_acquire)) return;
  waiting_ = ticket->name;
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [&] { return ticket->done.load(std::memory_order_acquire); });
  waiting_ = nullptr;
}

void Communicator::abort_job(const std::string& message) {
  {
    const std::lock_guard lock(mutex_);
    if (last_words_.empty()) last_words_ = message;
    submitted_.notify_one();
  }
  if (std::this_thread::get_id() == thread_.get_id()) die();
  sleep(5);  // the communication thread ends the process; it may be stuck itself
  die();
}

void Communicator::die() {
  const std::string text = fmt::format("[rank {} of {}] {}\n", rank_, size_, last_words_);
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
  MPI_Abort(comm_, 1);
  _exit(1);
}

void Communicator::leave() {
  if (left_) return;
  // On the communicator of the pulses, so that it meets no collective of a rank that goes on.
  const Ticket end = submit("the end of the program", [this](MPI_Comm, MPI_Request* request) { return MPI_Ibarrier(pulse_, request); });
  wants_to_leave_ = true;
  wait(end);
  {
    const std::lock_guard lock(mutex_);
    left_ = true;
    submitted_.notify_one();
  }
  thread_.join();
}

}  // namespace ember::distributed
