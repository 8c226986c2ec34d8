// The session of a model split over all ranks, whichever way. When a rank is lost, the others split the model anew over
// those that are left, load what they now miss from their own files, and go on where they were.
#pragma once

#include <memory>

#include "mpi/loaded_model.hpp"
#include "mpi/rank_session.hpp"

namespace covey {

/// A way of splitting a model: data of a mode.
struct SplitWay {
  std::string_view mode;
  /// The part of one of so many ranks; shares are added by the session.
  Shard (*shard)(int rank, int ranks, const ExchangeOptions& options);
  /// Collective over the group: what its ranks exchange while they compute. Its messages are entered as those of
  /// loading.
  std::unique_ptr<Exchange> (*exchange)(Transport& group, const JobOptions& options, const ModelFacts& facts);
};

/// Collective: loads each rank's shard. `way` must outlive the session.
std::unique_ptr<Session> open_split_session(Ledger& ledger, const JobOptions& options, const SplitWay& way);

/// The mesh for so many ranks that is nearest to `wanted`: as many ranks to a stage as divide them, at most as many as
/// wanted, but no more stages than layers.
Mesh mesh_for(const Mesh& wanted, int ranks, std::int32_t layers);

}  // namespace covey
