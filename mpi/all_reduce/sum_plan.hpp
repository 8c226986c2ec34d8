// Which algorithm sums what: one, or the fastest of several for each size, by a short measurement at the start.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "mpi/all_reduce/algorithm.hpp"

namespace covey {

/// An algorithm and how long it takes: fixed + per_value * values seconds.
struct MeasuredSum {
  const SumAlgorithm* algorithm = nullptr;
  double fixed = 0;
  double per_value = 0;
};

class SumPlan {
 public:
  /// One algorithm for all.
  explicit SumPlan(const SumAlgorithm& algorithm) : choices_{{&algorithm, 0, 0}} {}
  /// The fastest of `choices`, the first of equals; not empty.
  explicit SumPlan(std::vector<MeasuredSum> choices);

  const SumAlgorithm& best(std::size_t values) const;
  /// Whether one of them starts before it hears from others.
  bool can_start() const;
  /// Of those that do.
  const SumAlgorithm& best_to_start(std::size_t values) const;
  /// Whether sums of some tokens' rows each have the bits of one sum of all.
  bool same_in_pieces(int ranks, WireType wire, std::size_t row) const;
  std::span<const MeasuredSum> choices() const { return choices_; }

 private:
  std::vector<MeasuredSum> choices_;
};

/// Most values of a sum that keep what is under way to one peer below what a transport holds back for it: sums go in
/// windows so small that a rank is never more than two of them ahead of a peer, and two ranks can't both be stuck in a
/// send.
inline constexpr std::size_t kSumWindow = 131072;

/// Sums window by window.
void sum_in_windows(SumLink& link, const SumAlgorithm& algorithm, const SumPiece& piece);

/// Collective: the plan of rank 0, made from the slowest rank's times over sums of `row` and of many times as many
/// values. `candidates` empty: all that add in order of ranks, so that a run repeats to the last bit whichever is
/// chosen (with WireType::f32); of two ranks, whose sums have one order, the transport's own where it has one too.
/// Nothing is measured where there is nothing to choose. Throws Error if `candidates` has the transport's own where
/// there is none, values are rounded, or ranks get different bits from it.
SumPlan measure_sums(Transport& transport, std::chrono::milliseconds timeout, WireType wire,
                     std::span<const SumAlgorithm* const> candidates, std::size_t row);

}  // namespace covey
