// Pipeline parallel: each rank holds some of the layers, activations go from rank to rank.
#include "mpi/mode_list.hpp"
#include "mpi/pipeline_exchange.hpp"
#include "mpi/split_session.hpp"

namespace covey {

namespace {

const SplitWay kPipelineWay{
    "pipeline",
    [](int rank, int ranks, const ExchangeOptions&) {
      Shard shard;
      shard.stage = rank;
      shard.stages = ranks;
      return shard;
    },
    [](Transport& group, const JobOptions& job, const ModelFacts&) -> std::unique_ptr<Exchange> {
      return std::make_unique<PipelineExchange>(group, job.peer_timeout, job.exchange.wire);
    }};

std::unique_ptr<Session> open_pipeline(Ledger& ledger, const JobOptions& options) {
  check_exchange_options(options.exchange, kPipelineMode.name, {.wire = true, .stages = true});
  return open_split_session(ledger, options, kPipelineWay);
}

}  // namespace

const Mode kPipelineMode{"pipeline", "layers split over the ranks, activations passed on", open_pipeline, true};

}  // namespace covey
