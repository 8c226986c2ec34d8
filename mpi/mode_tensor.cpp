// Tensor parallel: each rank holds a slice of every layer, partial sums are exchanged twice a layer.
#include <utility>

#include "mpi/mode_list.hpp"
#include "mpi/split_session.hpp"
#include "mpi/tensor_exchange.hpp"

namespace covey {

namespace {

const SplitWay kTensorWay{
    "tensor",
    [](int rank, int ranks, const ExchangeOptions&) {
      Shard shard;
      shard.part = rank;
      shard.parts = ranks;
      return shard;
    },
    [](Transport& group, const JobOptions& job, const ModelFacts& facts) -> std::unique_ptr<Exchange> {
      const WireType wire = job.exchange.wire;
      const auto row = static_cast<std::size_t>(facts.n_embd);
      SumPlan plan = measure_sums(group, job.peer_timeout, wire, job.exchange.sums, row);
      return std::make_unique<TensorExchange>(group, job.peer_timeout, std::move(plan), wire,
                                              job.exchange.overlap ? row : 0);
    }};

std::unique_ptr<Session> open_tensor(Ledger& ledger, const JobOptions& options) {
  check_exchange_options(options.exchange, kTensorMode.name, {.sums = true, .wire = true});
  return open_split_session(ledger, options, kTensorWay);
}

}  // namespace

const Mode kTensorMode{"tensor", "every layer split over the ranks, partial sums exchanged", open_tensor, true};

}  // namespace covey
