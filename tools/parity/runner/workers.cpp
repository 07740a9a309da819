// Worker processes: each runs one batch of cases and writes a line of JSON for each through a pipe. When a worker dies, the case
// that it was at has failed, and a new worker goes on behind it.
#include "runner/workers.h"

#include "error_format.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <deque>

namespace ember::parity {
namespace {

using Clock = std::chrono::steady_clock;
struct Batch {
  std::size_t begin, end;
};

struct Worker {
  pid_t process = 0;
  int pipe = -1;
  Batch batch{};         // what is still to do: begin is the case that runs now
  std::string received;  // of an unfinished line
  Clock::time_point since;
  bool timed_out = false;
};

void write_all(int file, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(file, text.data() + done, text.size() - done);
    if (n <= 0) _exit(3);
    done += std::size_t(n);
  }
}

[[noreturn]] void work(const Suite& suite, Batch batch, int file) {
  if (!std::getenv("EMBER_NUM_THREADS")) set_num_threads(1);
  set_warning_handler([](const char*) {});
  for (std::size_t i = batch.begin; i < batch.end; ++i) {
    Outcome outcome;
    try {
      outcome = run_case(suite, Json::parse(suite.line(i)));
    } catch (const std::exception& error) {
      outcome = {Outcome::Failed, "(unreadable case)", {error.what()}, 0};
    }
    const Json line = {std::string(1, outcome.kind), outcome.name, outcome.messages, std::min(outcome.worst, 1e300)};
    write_all(file, line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  _exit(0);
}

class Pool {
 public:
  Pool(const Suite& suite, int workers, double seconds) : suite_(suite), seconds_(seconds), outcomes_(suite.size()), workers_(std::size_t(workers)) {
    const std::size_t step = std::max<std::size_t>(1, std::min<std::size_t>(256, suite.size() / std::size_t(4 * workers)));
    for (std::size_t i = 0; i < suite.size(); i += step) todo_.push_back({i, std::min(i + step, suite.size())});
  }

  std::vector<Outcome> run() {
    for (Worker& worker : workers_) start_next(worker);
    while (true) {
      std::vector<pollfd> files;
      for (const Worker& worker : workers_)
        if (worker.pipe >= 0) files.push_back({worker.pipe, POLLIN, 0});
      if (files.empty()) break;
      poll(files.data(), files.size(), 200);
      for (Worker& worker : workers_) {
        if (worker.pipe < 0) continue;
        for (const pollfd& file : files)
          if (file.fd == worker.pipe && file.revents) {
            receive(worker);
            break;
          }
        end_if_late(worker);
      }
    }
    return std::move(outcomes_);
  }

 private:
  void start_next(Worker& worker) {
    if (todo_.empty()) return;
    start(worker, todo_.front());
    todo_.pop_front();
  }

  void start(Worker& worker, Batch batch) {
    int ends[2];
    check<RuntimeError>(pipe(ends) == 0, "cannot make a pipe");
    worker.process = fork();
    check<RuntimeError>(worker.process >= 0, "cannot start a worker process");
    if (worker.process == 0) {
      close(ends[0]);
      work(suite_, batch, ends[1]);
    }
    close(ends[1]);
    worker.pipe = ends[0];
    worker.batch = batch;
    worker.received.clear();
    worker.timed_out = false;
    worker.since = Clock::now();
  }

  void receive(Worker& worker) {
    char buffer[65536];
    const ssize_t n = read(worker.pipe, buffer, sizeof buffer);
    if (n <= 0) return finish(worker);
    worker.received.append(buffer, std::size_t(n));
    std::size_t end;
    while ((end = worker.received.find('\n')) != std::string::npos) {
      const Json line = Json::parse(worker.received.substr(0, end));
      worker.received.erase(0, end + 1);
      outcomes_[worker.batch.begin++] = {Outcome::Kind(line[0].get<std::string>()[0]), line[1], line[2], line[3]};
      worker.since = Clock::now();
    }
  }

  void end_if_late(Worker& worker) {
    if (worker.pipe < 0 || worker.timed_out) return;
    if (std::chrono::duration<double>(Clock::now() - worker.since).count() < seconds_) return;
    worker.timed_out = true;
    kill(worker.process, SIGKILL);
  }

  void finish(Worker& worker) {
    int status = 0;
    close(worker.pipe);
    waitpid(worker.process, &status, 0);
    worker.pipe = -1;
    if (worker.batch.begin == worker.batch.end) return start_next(worker);
    Outcome& outcome = outcomes_[worker.batch.begin];
    outcome.kind = Outcome::Failed;
    outcome.name = case_name(Json::parse(suite_.line(worker.batch.begin)));
    outcome.messages = {worker.timed_out      ? fmt::format("took longer than {} s", seconds_)
                        : WIFSIGNALED(status) ? fmt::format("crashed: {}", strsignal(WTERMSIG(status)))
                                              : "ended the process"};
    if (++worker.batch.begin < worker.batch.end) start(worker, worker.batch);
    else start_next(worker);
  }

  const Suite& suite_;
  double seconds_;
  std::vector<Outcome> outcomes_;
  std::deque<Batch> todo_;
  std::vector<Worker> workers_;
};

}  // namespace

std::vector<Outcome> run_all(const Suite& suite, int workers, double seconds) { return Pool(suite, workers, seconds).run(); }

}  // namespace ember::parity
