// Collectives over dense memory, as the library's own parts use them: no checks, no history.
#pragma once

#include <ember/distributed/world.h>

#include "distributed/communicator.h"

namespace ember::distributed {

/// MPI counts in int: longer messages go in pieces of this many elements.
inline constexpr int64_t kPiece = int64_t(1) << 28;

MPI_Datatype mpi_type(DType dtype);

/// Sums `tensor` (contiguous) over the ranks, in place; returns at once. The memory stays alive with the tickets.
std::vector<Ticket> start_sum(const char* name, const Tensor& tensor);
void wait_for(const std::vector<Ticket>& tickets);

/// The same, waiting; nothing in a world of one.
void sum_in_place(const char* name, const Tensor& tensor);
void broadcast_in_place(const char* name, const Tensor& tensor, int source);
/// (ranks, numel) of a contiguous tensor that has the same size on every rank.
Tensor gather_rows(const char* name, const Tensor& tensor);
/// Texts of any length from every rank.
std::vector<std::string> gather_texts(const std::string& text);

}  // namespace ember::distributed
