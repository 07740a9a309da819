// Each collective in pieces that MPI can count in an int, submitted to the communicator.
#include "distributed/collectives.h"

#include <ember/ops/shape.h>

#include <algorithm>
#include <cstring>

namespace ember::distributed {
namespace {

char* at(const Tensor& tensor, int64_t element) { return static_cast<char*>(tensor.data_ptr()) + element * item_size(tensor.dtype()); }

/// start(first element, count, communicator, request) for each piece of n elements.
template <class Start>
std::vector<Ticket> in_pieces(const char* name, int64_t n, Start start) {
  std::vector<Ticket> tickets;
  for (int64_t first = 0; first < n || first == 0; first += kPiece) {
    const int count = int(std::min(kPiece, n - first));
    tickets.push_back(Communicator::world()->submit(name, [=](MPI_Comm comm, MPI_Request* request) { return start(first, count, comm, request); }));
  }
  return tickets;
}

}  // namespace

MPI_Datatype mpi_type(DType dtype) {
  switch (dtype) {
    case kFloat32: return MPI_FLOAT;
    case kFloat64: return MPI_DOUBLE;
    case kInt64: return MPI_INT64_T;
    default: return MPI_UINT8_T;
  }
}

std::vector<Ticket> start_sum(const char* name, const Tensor& tensor) {
  return in_pieces(name, tensor.numel(), [tensor](int64_t first, int count, MPI_Comm comm, MPI_Request* request) {
    return MPI_Iallreduce(MPI_IN_PLACE, at(tensor, first), count, mpi_type(tensor.dtype()), MPI_SUM, comm, request);
  });
}

void wait_for(const std::vector<Ticket>& tickets) {
  for (const Ticket& ticket : tickets) Communicator::world()->wait(ticket);
}

void sum_in_place(const char* name, const Tensor& tensor) {
  if (Communicator::world()) wait_for(start_sum(name, tensor));
}

void broadcast_in_place(const char* name, const Tensor& tensor, int source) {
  if (!Communicator::world()) return;
  wait_for(in_pieces(name, tensor.numel(), [tensor, source](int64_t first, int count, MPI_Comm comm, MPI_Request* request) {
    return MPI_Ibcast(at(tensor, first), count, mpi_type(tensor.dtype()), source, comm, request);
  }));
}

Tensor gather_rows(const char* name, const Tensor& tensor) {
  const Tensor rows = empty({world_size(), tensor.numel()}, tensor.dtype());
  if (!Communicator::world()) {
    std::memcpy(rows.data_ptr(), tensor.data_ptr(), std::size_t(tensor.numel() * item_size(tensor.dtype())));
    return rows;
  }
  const int count = int(tensor.numel());
  Communicator::world()->run(name, [&](MPI_Comm comm, MPI_Request* request) {
    return MPI_Iallgather(tensor.data_ptr(), count, mpi_type(tensor.dtype()), rows.data_ptr(), count, mpi_type(tensor.dtype()), comm, request);
  });
  return rows;
}

std::vector<std::string> gather_texts(const std::string& text) {
  const Tensor lengths = gather_rows("all_gather", tensor({int64_t(text.size())}));
  const int64_t longest = lengths.max().item<int64_t>();
  const Tensor padded = zeros({std::max<int64_t>(longest, 1)}, kUInt8);
  std::memcpy(padded.data_ptr(), text.data(), text.size());
  const Tensor rows = gather_rows("all_gather", padded);
  std::vector<std::string> texts;
  for (int64_t r = 0; r < rows.size(0); ++r) texts.emplace_back(at(rows, r * padded.numel()), std::size_t(lengths.data<int64_t>()[r]));
  return texts;
}

}  // namespace ember::distributed
