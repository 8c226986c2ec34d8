// What a rank computes and exchanges with as one of a group of ranks that share a model.
#pragma once

#include <memory>
#include <optional>

#include "mpi/split_runner.hpp"
#include "mpi/split_session.hpp"
#include "mpi/sub_transport.hpp"

namespace covey {

class SplitGroup {
 public:
  /// Collective over `members`, all of the ledger's ranks at first. `model` holds this rank's shard, or is loaded again
  /// if `reload`. All must outlive the object.
  SplitGroup(Ledger& ledger, std::span<const int> members, const JobOptions& options, const SplitWay& way,
             LoadedModel& model, bool reload);

  /// Rank 0.
  SplitRunner& runner() { return *runner_; }
  /// Other ranks: this rank's share of a pass.
  void forward(const Batch& batch) { stage_.forward(batch, *exchange_); }

 private:
  SubTransport transport_;
  Stage& stage_;
  std::unique_ptr<Exchange> exchange_;
  std::optional<SplitRunner> runner_;
};

/// What the members do with the options that all ranks were given: shares of those that are left, a mesh that they
/// fill.
JobOptions options_of_group(const JobOptions& options, std::span<const int> members, std::int32_t layers);
/// This rank's part.
Shard shard_of_group(const SplitWay& way, const JobOptions& options, const Transport& group);

}  // namespace covey
