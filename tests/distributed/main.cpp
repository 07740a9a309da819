// Tests that several ranks run together: mpirun -n 3 distributed_tests. Rank 0 reports; what another rank has to say goes to stderr.
#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <ember/ember.h>
#include <ember/distributed.h>

#include <cstdio>

int main(int argc, char** argv) {
  using namespace ember;
  distributed::init();
  if (!distributed::is_main()) std::freopen("/dev/stderr", "w", stdout);
  Catch::Session session;
  if (const int wrong = session.applyCommandLine(argc, argv)) return wrong;
  const Tensor failed = tensor({int64_t(session.run())});
  distributed::all_reduce(failed, distributed::ReduceOp::Max);
  return failed.item<int64_t>() > 0 ? 1 : 0;
}
