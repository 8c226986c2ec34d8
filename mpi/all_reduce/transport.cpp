// As the transport likes: with MPI, its own all-reduce. Exact values only.
#include "mpi/all_reduce/algorithm_list.hpp"

namespace covey {

namespace {

void sum_by_transport(SumLink& link, const SumPiece& piece) { link.sum_by_transport(piece.values); }

}  // namespace

const SumAlgorithm kTransportSum{"mpi",           "MPI_Iallreduce of the MPI library", false, false, false, nullptr,
                                 sum_by_transport};

}  // namespace covey
