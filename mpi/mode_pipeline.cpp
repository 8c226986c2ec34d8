// Pipeline parallel: each rank holds some of the layers, activations go from rank to rank.
#include "mpi/mode_list.hpp"
#include "mpi/pipeline_exchange.hpp"
#include "mpi/split_session.hpp"

namespace covey {

namespace {

std::unique_ptr<Session> open_pipeline(Ledger& ledger, const JobOptions& options) {
  check_exchange_options(options.exchange, kPipelineMode.name, {.wire = true, .stages = true});
  Shard shard;
  shard.stage = ledger.rank();
  shard.stages = ledger.size();
  shard.shares = options.stage.shard.shares;
  return open_split_session(ledger, options, kPipelineMode.name, shard,
                            [](Transport& transport, const JobOptions& job, const ModelFacts&) {
                              return std::make_unique<PipelineExchange>(transport, job.peer_timeout, job.exchange.wire);
                            });
}

}  // namespace

const Mode kPipelineMode{"pipeline", "layers split over the ranks, activations passed on", open_pipeline, true};

}  // namespace covey
