// Tensor parallel: each rank holds a slice of every layer, partial sums are exchanged twice a layer.
#include "mpi/mode_list.hpp"
#include "mpi/split_session.hpp"
#include "mpi/tensor_exchange.hpp"

namespace covey {

namespace {

std::unique_ptr<Session> open_tensor(Ledger& ledger, const JobOptions& options) {
  Shard shard;
  shard.part = ledger.rank();
  shard.parts = ledger.size();
  shard.shares = options.stage.shard.shares;
  return open_split_session(ledger, options, kTensorMode.name, shard,
                            [](Transport& transport, std::chrono::milliseconds timeout) {
                              return std::make_unique<TensorExchange>(transport, timeout);
                            });
}

}  // namespace

const Mode kTensorMode{"tensor", "every layer split over the ranks, partial sums exchanged", open_tensor};

}  // namespace covey
