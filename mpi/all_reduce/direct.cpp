// Everybody sends everything to everybody and adds it all up: one delay, most bytes.
#include "mpi/all_reduce/algorithm_list.hpp"

namespace covey {

namespace {

void start_direct(SumLink& link, const SumPiece& piece) { link.send_to_all(link.encode(piece)); }

void finish_direct(SumLink& link, const SumPiece& piece) { link.add_in_rank_order(piece.values); }

}  // namespace

const SumAlgorithm kDirectSum{"direct", "everything to everybody", true, true, true, start_direct, finish_direct};

}  // namespace covey
