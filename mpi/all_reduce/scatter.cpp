// Reduce-scatter, then all-gather: rank r adds slice r of all ranks' values, then gives it to all. Two delays, fewest
// bytes.
//
//     rank 0  [a0 b0 c0]      [A        ]      [A B C]
//     rank 1  [a1 b1 c1]  ->  [   B     ]  ->  [A B C]      A = a0 + a1 + a2, …
//     rank 2  [a2 b2 c2]      [      C  ]      [A B C]
#include "mpi/all_reduce/algorithm_list.hpp"

namespace covey {

namespace {

void start_scattered(SumLink& link, const SumPiece& piece) {
  for (int to = 0; to < link.ranks(); ++to) {
    if (to != link.rank()) link.send(to, link.encode(link.slice(piece, to)));
  }
}

void finish_scattered(SumLink& link, const SumPiece& piece) {
  const SumPiece own = link.slice(piece, link.rank());
  if (!own.values.empty()) link.add_in_rank_order(own.values);
  link.send_to_all(link.encode(own));
  for (int from = 0; from < link.ranks(); ++from) {
    if (from != link.rank()) link.receive(from, link.slice(piece, from).values);
  }
}

}  // namespace

const SumAlgorithm kScatterSum{
    "scatter",       "slices added by one rank each, then given to all", true, false, false, start_scattered,
    finish_scattered};

}  // namespace covey
