// Trains on all ranks until one of them fails in the way that is asked for: distributed_failures WAY [RANK]. tests/integration/distributed.sh looks
// at how the job ends.
#include <ember/distributed.h>
#include <ember/ember.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

using namespace ember;

int main(int argc, char** argv) {
  const std::string way = argc > 1 ? argv[1] : "none";
  const int who = argc > 2 ? std::atoi(argv[2]) : 1;
  distributed::init();
  nn::Linear net(4, 2);
  distributed::DistributedDataParallel model(net);
  optim::SGD optimizer(net.parameters(), {.lr = 0.01});
  for (int step = 0; step < 30; ++step) {
    if (step == 10 && distributed::rank() == who) {
      if (way == "throw") throw RuntimeError("the data ran out of ink");
      if (way == "kill") raise(SIGKILL);
      if (way == "stop") raise(SIGSTOP);
      if (way == "sleep") sleep(1000);
      if (way == "spin")
        for (volatile int spin = 0;;) spin = spin + 1;
      if (way == "leave") return 0;
      if (way == "exit") return 3;
      if (way == "mismatch") distributed::barrier();
      if (way == "skip") continue;
    }
    optimizer.zero_grad();
    model(randn({3, 4})).square().mean().backward();
    optimizer.step();
    if (way == "none") distributed::barrier();
    usleep(1000);
  }
  if (distributed::is_main()) std::puts("finished");
}
