#include "mpi/split_group.hpp"

#include <algorithm>
#include <utility>

namespace covey {

namespace {

/// Large products of float weights may go through a library whose last bits depend on the size of the batch.
std::int32_t usual_micro_batch(const Stage& stage, const StageOptions& options) {
  const StageWork work = stage.work();
  const bool floats = work.layers.float_weights + work.head.float_weights > 0;
  return floats && options.cpu.blas ? 0 : ExchangeOptions::kUsualMicroBatch;
}

SplitSchedule schedule_of(const JobOptions& options, const Shard& shard, const Stage& stage) {
  SplitSchedule schedule;
  if (shard.stages == 1) return schedule;
  schedule.micro_batch = options.exchange.micro_batch.value_or(usual_micro_batch(stage, options.stage));
  if (options.exchange.schedule == Schedule::no_bubble) schedule.depth = shard.stages;
  return schedule;
}

Stage& loaded(Ledger& ledger, Transport& group, const JobOptions& options, const SplitWay& way, LoadedModel& model,
              bool reload) {
  if (reload) reload_together(ledger, group, options, way.mode, shard_of_group(way, options, group), model);
  return *model.stage;
}

}  // namespace

Mesh mesh_for(const Mesh& wanted, int ranks, std::int32_t layers) {
  for (std::int32_t parts = std::min(wanted.parts, ranks); parts >= 1; --parts) {
    if (ranks % parts == 0 && ranks / parts <= layers) return {parts, ranks / parts};
  }
  return {ranks, 1};
}

JobOptions options_of_group(const JobOptions& options, std::span<const int> members, std::int32_t layers) {
  JobOptions own = options;
  std::vector<double>& shares = own.stage.shard.shares;
  if (!shares.empty()) {
    std::vector<double> left;
    for (const int rank : members) left.push_back(shares[static_cast<std::size_t>(rank)]);
    const bool any = std::ranges::any_of(left, [](double share) { return share > 0; });
    shares = any ? std::move(left) : std::vector<double>{};
  }
  std::erase(own.exchange.sums, &transport_sum());  // MPI adds over all of its ranks only
  Mesh& mesh = own.exchange.mesh;
  if (mesh.parts > 0) mesh = mesh_for(mesh, static_cast<int>(members.size()), layers);
  return own;
}

Shard shard_of_group(const SplitWay& way, const JobOptions& options, const Transport& group) {
  Shard shard = way.shard(group.rank(), group.size(), options.exchange);
  shard.shares = options.stage.shard.shares;
  return shard;
}

SplitGroup::SplitGroup(Ledger& ledger, std::span<const int> members, const JobOptions& options, const SplitWay& way,
                       LoadedModel& model, bool reload)
    : transport_(ledger, {members.begin(), members.end()}),
      stage_(loaded(ledger, transport_, options, way, model, reload)) {
  ledger.set_phase(Phase::load);
  exchange_ = way.exchange(transport_, options, model.facts);
  const SplitSchedule schedule = schedule_of(options, shard_of_group(way, options, transport_), stage_);
  if (transport_.rank() == 0) runner_.emplace(stage_, *exchange_, transport_, schedule);
}

}  // namespace covey
