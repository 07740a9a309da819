// The public collectives: checks on all ranks first, so that a call that is refused is refused everywhere.
#include <ember/distributed/world.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/shape.h>
#include <ember/runtime.h>

#include <cmath>
#include <cstdlib>
#include <thread>

#include "distributed/collectives.h"
#include "error_format.h"
#include "tensor/impl.h"

namespace ember::distributed {
namespace {

bool initialized = false;

void check_initialized(const char* name) {
  check<ValueError>(
      initialized,
      "Default process group has not been initialized, please make sure to call init_process_group.\n[{}] call ember::distributed::init() first",
      name);
}

std::string description(const Tensor& t) { return fmt::format("{} {}", name(t.dtype()), t.sizes()); }

/// Throws on every rank when the ranks do not call the same thing with tensors alike.
void check_alike(const char* name, const std::string& mine) {
  const std::vector<std::string> all = gather_texts(fmt::format("{} of {}", name, mine));
  for (std::size_t r = 1; r < all.size(); ++r)
    if (all[r] != all[0])
      fail<RuntimeError>("Detected mismatch between collectives on ranks. Rank {} is running collective: {}, but Rank 0 is running collective: {}.",
                         r, all[r], all[0]);
}

Tensor row_major(const Tensor& t) { return t.is_contiguous() ? t : t.detach().contiguous(); }

/// Work on a dense copy where `t` is strided, with its values brought back.
template <class Body>
void in_place(const Tensor& t, Body&& body) {
  const NoGradGuard no_grad;
  const Tensor dense = row_major(t);
  body(dense);
  if (dense.is_same(t)) t.bump_version();
  else t.detach().copy_(dense);
}

MPI_Op mpi_op(ReduceOp op) {
  switch (op) {
    case ReduceOp::Product: return MPI_PROD;
    case ReduceOp::Min: return MPI_MIN;
    case ReduceOp::Max: return MPI_MAX;
    default: return MPI_SUM;
  }
}

const char* op_name(ReduceOp op) {
  constexpr const char* names[] = {"SUM", "AVG", "PRODUCT", "MIN", "MAX"};
  return names[int(op)];
}

void check_reducible(const char* name, const Tensor& t, ReduceOp op) {
  check<TypeError>(t.dtype() != kBool, "Invalid scalar type\n[{}] cannot reduce bool tensors; reduce t.to(kInt64)", name);
  check<TypeError>(op != ReduceOp::Average || t.is_floating_point(), "[{}] ReduceOp::Average is for floating-point tensors, got {}", name,
                   ember::name(t.dtype()));
}

void share_processors() {
  if (std::getenv("EMBER_NUM_THREADS")) return;
  const int ranks = Communicator::world() ? Communicator::world()->ranks_on_this_machine() : 1;
  if (ranks > 1) set_num_threads(std::max(1, get_num_threads() / ranks));
}

double seconds_of(const char* variable, double otherwise) {
  const char* const text = std::getenv(variable);
  if (!text) return otherwise;
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  check<ValueError>(end != text && *end == 0 && value > 0, "{}: expected a positive number of seconds, got \"{}\"", variable, text);
  return value;
}

}  // namespace

void init(InitOptions options) {
  if (initialized) return;
  check<ValueError>(options.silence > 0 && options.timeout > 0, "distributed::init: expected positive seconds, got silence={} and timeout={}",
                    options.silence, options.timeout);
  options.timeout = seconds_of("EMBER_DISTRIBUTED_TIMEOUT", options.timeout);
  Communicator::start(options);
  initialized = true;
  share_processors();
}

bool is_initialized() { return initialized; }
int rank() { return Communicator::world() ? Communicator::world()->rank() : 0; }
int world_size() { return Communicator::world() ? Communicator::world()->size() : 1; }

void barrier() {
  check_initialized("barrier");
  if (Communicator::world()) Communicator::world()->run("barrier", [](MPI_Comm comm, MPI_Request* request) { return MPI_Ibarrier(comm, request); });
}

void broadcast(const Tensor& tensor, int source) {
  check_initialized("broadcast");
  check<ValueError>(source >= 0 && source < world_size(), "[broadcast] expected a source in [0, {}), got {}", world_size(), source);
  check_alike("broadcast", fmt::format("{} from rank {}", description(tensor), source));
  in_place(tensor, [&](const Tensor& dense) { broadcast_in_place("broadcast", dense, source); });
}

void all_reduce(const Tensor& tensor, ReduceOp op) {
  check_initialized("all_reduce");
  check_reducible("all_reduce", tensor, op);
  check_alike("all_reduce", fmt::format("{} by {}", description(tensor), op_name(op)));
  in_place(tensor, [&](const Tensor& dense) {
    if (!Communicator::world()) return;
    for (int64_t first = 0; first < dense.numel(); first += kPiece) {
      void* const memory = static_cast<char*>(dense.data_ptr()) + first * item_size(dense.dtype());
      const int count = int(std::min(kPiece, dense.numel() - first));
      Communicator::world()->run("all_reduce", [&](MPI_Comm comm, MPI_Request* request) {
        return MPI_Iallreduce(MPI_IN_PLACE, memory, count, mpi_type(dense.dtype()), mpi_op(op), comm, request);
      });
    }
    if (op == ReduceOp::Average) dense.div_(world_size());
  });
}

std::vector<Tensor> all_gather(const Tensor& tensor) {
  check_initialized("all_gather");
  check_alike("all_gather", fmt::format("{} tensors of {} dimensions", name(tensor.dtype()), tensor.dim()));
  const NoGradGuard no_grad;
  const Tensor dense = row_major(tensor);
  const Tensor shape = empty({std::max(1, dense.dim())}, kInt64);
  for (int d = 0; d < dense.dim(); ++d) shape.data<int64_t>()[d] = dense.size(d);
  const Tensor shapes = gather_rows("all_gather", shape);
  std::vector<Tensor> all;
  for (int r = 0; r < world_size(); ++r) {
    const Tensor part = r == rank() ? dense.detach().clone()
                                    : empty(IntArrayRef(shapes.data<int64_t>() + r * shape.numel(), std::size_t(dense.dim())), dense.dtype());
    broadcast_in_place("all_gather", part, r);
    all.push_back(part);
  }
  return all;
}

Tensor reduce_scatter(const std::vector<Tensor>& tensors, ReduceOp op) {
  check_initialized("reduce_scatter");
  check<ValueError>(int(tensors.size()) == world_size(), "[reduce_scatter] expected a tensor for each of {} ranks, got {}", world_size(),
                    tensors.size());
  for (const Tensor& t : tensors) {
    check_reducible("reduce_scatter", t, op);
    check<ValueError>(t.sizes() == tensors[0].sizes() && t.dtype() == tensors[0].dtype(), "[reduce_scatter] expected tensors alike, got {} and {}",
                      description(tensors[0]), description(t));
  }
  check_alike("reduce_scatter", fmt::format("{} by {}", description(tensors[0]), op_name(op)));
  const NoGradGuard no_grad;
  const Tensor all = stack(tensors).contiguous();
  const Tensor mine = empty(tensors[0].sizes(), all.dtype());
  if (!Communicator::world()) return mine.copy_(all[0]);
  check<ValueError>(mine.numel() <= kPiece, "[reduce_scatter] expected at most {} elements, got {}", kPiece, mine.numel());
  Communicator::world()->run("reduce_scatter", [&](MPI_Comm comm, MPI_Request* request) {
    return MPI_Ireduce_scatter_block(all.data_ptr(), mine.data_ptr(), int(mine.numel()), mpi_type(all.dtype()), mpi_op(op), comm, request);
  });
  return op == ReduceOp::Average ? mine.div_(world_size()) : mine;
}

// d(sum over ranks)/d(one rank's term) = 1, and the loss of every rank depends on the sum: its gradient is the sum of all ranks' gradients.
Tensor sum_over_ranks(const Tensor& tensor) {
  check_initialized("sum_over_ranks");
  const Tensor sum = tensor.detach().clone(MemoryFormat::Contiguous);
  sum_in_place("sum_over_ranks", sum);
  return record("SumOverRanks", {tensor}, sum, [](const Tensor& dy, Grads& grads) { grads.add(0, sum_over_ranks(dy)); });
}

void on_main(const Callback<void()>& body) {
  check_initialized("on_main");
  std::string problem;
  if (is_main()) {
    try {
      body();
    } catch (const std::exception& error) {
      problem = error.what();
      if (problem.empty()) problem = "unknown";
    }
  }
  problem = gather_texts(problem)[0];
  check<RuntimeError>(problem.empty(), "{}\n[on_main] thrown on rank 0", problem);
}

}  // namespace ember::distributed
