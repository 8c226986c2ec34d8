// Each rank talks to its neighbours only: a slice goes round the ring and every rank adds its own to it, then it goes
// round again complete. Fewest bytes, and a host's cable never carries more than one message in each direction.
//
//     slice 0:   rank 0 -> 1 -> 2 -> … -> n - 1, which completes it  -> 0 -> 1 -> … -> n - 2
//     slice 1:   rank 1 -> 2 -> 3 -> … -> 0, which completes it      -> 1 -> 2 -> … -> n - 1
#include "mpi/all_reduce/algorithm_list.hpp"

namespace covey {

namespace {

void sum_round(SumLink& link, const SumPiece& piece) {
  const int ranks = link.ranks();
  const int next = (link.rank() + 1) % ranks;
  const int before = (link.rank() + ranks - 1) % ranks;
  const auto slice_behind = [&](int steps) { return link.slice(piece, (link.rank() + 2 * ranks - steps) % ranks); };
  for (int step = 0; step < ranks - 1; ++step) {
    link.send(next, link.encode(slice_behind(step)));
    const SumPiece incoming = slice_behind(step + 1);
    if (!incoming.values.empty()) link.receive_and_add(before, incoming.values);
  }
  link.send(next, link.encode(slice_behind(ranks - 1)));
  for (int step = 0; step < ranks - 1; ++step) {
    // As it came, so that all ranks read the same bytes.
    const auto bytes = link.receive_bytes(before, slice_behind(step).values);
    if (step < ranks - 2) link.send(next, bytes);
  }
}

}  // namespace

const SumAlgorithm kRingSum{
    "ring", "slices go round from neighbour to neighbour, twice", false, false, false, nullptr, sum_round};

}  // namespace covey
