// Ways to sum over all ranks. Each is one file and one line of the list in algorithm.cpp.
//
// With S bytes of one rank's values as the wire carries them, n ranks, and no delay but that of messages:
//
//   name       delays one after another      sent by a rank            order of additions
//   direct     1                             (n - 1) S                 of ranks
//   scatter    2                             2 (n - 1) / n S           of ranks
//   ring       2 (n - 1)                     2 (n - 1) / n S           of ranks, from another one in each slice
//   doubling   log2 n, up to 2 more          log2 n S, up to 1 S more  of a tree
//
// With any of them all ranks end with the same bits. Those that add in order of ranks give the same bits as each other.
//
// Besides there is "mpi", which leaves the sum to the transport: what it sends and how it adds is the business of MPI.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mpi/all_reduce/sum_link.hpp"

namespace covey {

struct SumAlgorithm {
  std::string_view name;
  std::string_view summary;
  bool in_rank_order;
  /// Whether a value's sum has the same bits wherever in the piece it stands, on whatever wire.
  bool same_everywhere;
  /// Whether start() sends all there is to send, so that several sums can be started before the first is finished.
  bool sends_at_start_only;
  /// Sends what can be sent before anything has come; nullptr: nothing.
  void (*start)(SumLink& link, const SumPiece& piece);
  /// Replaces the values by their sum over all ranks; start() was called before.
  void (*finish)(SumLink& link, const SumPiece& piece);
};

/// direct, scatter, ring, doubling: those made of messages.
std::span<const SumAlgorithm> sum_algorithms();
/// mpi.
const SumAlgorithm& transport_sum();
/// One of all. Throws Error listing the names if there is none such.
const SumAlgorithm& find_sum_algorithm(std::string_view name);
/// "auto": none, which lets the exchange choose among those in order of ranks; or names separated by commas. Throws
/// Error.
std::vector<const SumAlgorithm*> parse_sum_algorithms(std::string_view text);

}  // namespace covey
