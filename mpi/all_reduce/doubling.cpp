// Recursive doubling: in each step pairs of ranks exchange what they have, at twice the distance of the step before.
// Ranks over a power of two hand their values to one below it first, and get the sum from it in the end.
//
//     rank      0   1   2   3   4
//     fold      0+4 <---------- 4
//     step 1    (0+4 + 1)  (2 + 3)
//     step 2    all of 0..3
//     unfold    0 ------------> 4
#include <bit>

#include "mpi/all_reduce/algorithm_list.hpp"

namespace covey {

namespace {

void exchange_in_steps(SumLink& link, const SumPiece& piece, int members) {
  for (int distance = 1; distance < members; distance *= 2) {
    const int partner = link.rank() ^ distance;
    // `distance` ranks hold the same values here and round them alike: one of them accounts for what is lost.
    const bool accounts = (link.rank() & (distance - 1)) == 0;
    link.send(partner, link.encode({piece.values, accounts ? piece.errors : std::span<float>{}}));
    link.receive_and_add(partner, piece.values);
  }
}

void sum_doubling(SumLink& link, const SumPiece& piece) {
  const int members = static_cast<int>(std::bit_floor(static_cast<unsigned>(link.ranks())));
  const int extra = link.ranks() - members;
  if (link.rank() >= members) {
    const int partner = link.rank() - members;
    link.send(partner, link.encode(piece));
    for (int distance = 1; distance <= members; distance *= 2) link.others_receive();
    link.receive(partner, piece.values);
    return;
  }
  if (link.rank() < extra) {
    link.receive_and_add(link.rank() + members, piece.values);
  } else if (extra > 0) {
    link.others_receive();
  }
  exchange_in_steps(link, piece, members);
  if (extra == 0) return;
  // What the ranks above get is rounded for the wire, so all others round it too; again one accounts for it.
  const auto bytes = link.encode({piece.values, link.rank() == 0 ? piece.errors : std::span<float>{}});
  if (link.rank() < extra) link.send(link.rank() + members, bytes);
}

}  // namespace

const SumAlgorithm kDoublingSum{"doubling", "pairs at distances 1, 2, 4, …", false, true, false, nullptr, sum_doubling};

}  // namespace covey
