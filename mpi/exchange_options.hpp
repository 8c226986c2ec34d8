// How ranks that share a model exchange what they compute: the user's choices.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mpi/all_reduce/algorithm.hpp"
#include "mpi/wire_type.hpp"

namespace covey {

/// hybrid: each of `stages` stages is shared by `parts` ranks. 0: not given.
struct Mesh {
  std::int32_t parts = 0;
  std::int32_t stages = 0;
  bool operator==(const Mesh&) const = default;
};
/// "2x3". Throws Error.
Mesh parse_mesh(std::string_view text);

/// Which passes are under way in a pipeline at once.
enum class Schedule : std::uint8_t {
  no_bubble,  ///< one for each stage, of different sequences: each sequence goes on as soon as its own returns
  plain,      ///< one: all sequences in it
};

struct ExchangeOptions {
  std::vector<const SumAlgorithm*> sums;  ///< to choose from; empty: see measure_sums
  WireType wire = WireType::f32;
  bool overlap = true;  ///< sums travel while other tokens of the pass are computed
  Mesh mesh;
  Schedule schedule = Schedule::no_bubble;
  /// Most tokens of a prompt in one pass of a pipeline; 0: no limit. Not given: kUsualMicroBatch, where the size of a
  /// piece changes no bits, else no limit.
  std::optional<std::int32_t> micro_batch;
  static constexpr std::int32_t kUsualMicroBatch = 32;
};

/// As flags, to be compared between ranks.
std::string settings_of(const ExchangeOptions& options);

/// What of them a mode uses.
struct ExchangeUses {
  bool sums = false;
  bool wire = false;
  bool mesh = false;
  bool stages = false;  ///< schedule and micro-batches
};

/// Throws Error naming a flag that was given but that the mode has no use for.
void check_exchange_options(const ExchangeOptions& options, std::string_view mode, const ExchangeUses& uses);

}  // namespace covey
