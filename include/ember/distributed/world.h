// The processes that train together, and what they say to each other. As torch.distributed, over MPI.
//
//   int main() {
//     distributed::init();                       // mpirun -n 4 ./train; without a launcher this is a world of one
//     std::printf("rank %d of %d\n", distributed::rank(), distributed::world_size());
//   }
//
// Every rank calls the same functions in the same order. A rank that throws, dies or hangs ends the whole job with its message.
#pragma once

#include <ember/autograd.h>

#include <string>
#include <vector>

namespace ember::distributed {

struct InitOptions {
  /// Seconds that the others wait for a rank that shows no sign of life (no processor time, no reading or writing) before they end the job.
  double silence = 8;
  /// Seconds that the others wait for a rank that is alive but does not come. The environment's EMBER_DISTRIBUTED_TIMEOUT overrides it.
  double timeout = 1800;
};

/// Joins the job that mpirun (or srun) has started; a program without a launcher is a world of one, in which no MPI call is made. A second
/// call does nothing. Shares the processors of a machine among its ranks unless EMBER_NUM_THREADS is set. Leaving main() leaves the job;
/// an exception out of main() or an exit status other than 0 ends it for all ranks.
/// Throws RuntimeError when the launcher belongs to another MPI than the one that Ember was built with.
void init(InitOptions options = {});
bool is_initialized();

int rank();        ///< 0 .. world_size() - 1; 0 before init
int world_size();  ///< 1 before init
/// Rank 0 prints, reports progress and writes files.
inline bool is_main() { return rank() == 0; }

enum class ReduceOp : std::uint8_t { Sum, Average, Product, Min, Max };

/// Waits until every rank is here.
void barrier();
/// Every rank's `tensor` gets the values of rank `source`'s, in place. All have one shape and dtype, here and below, or every rank throws
/// RuntimeError that names the ranks that differ.
void broadcast(const Tensor& tensor, int source = 0);
/// Every rank's `tensor` becomes the sum (mean, ...) over the ranks, in place, with the same bits everywhere. Average is for floating
/// tensors; bool is refused with TypeError.
void all_reduce(const Tensor& tensor, ReduceOp op = ReduceOp::Sum);
/// The tensors of all ranks, in the order of ranks. Sizes may differ between ranks; dtypes may not.
std::vector<Tensor> all_gather(const Tensor& tensor);
/// One tensor for each rank goes in; the reduction of those meant for this rank comes out.
Tensor reduce_scatter(const std::vector<Tensor>& tensors, ReduceOp op = ReduceOp::Sum);
/// The sum over ranks as an operation of the tape: its gradient is the sum of the ranks' gradients.
Tensor sum_over_ranks(const Tensor& tensor);

/// Runs body() on rank 0 while the others wait: writing a checkpoint, fetching data. When it throws there, every rank throws.
void on_main(const Callback<void()>& body);

}  // namespace ember::distributed
