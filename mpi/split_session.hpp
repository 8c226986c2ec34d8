// The session of a model split over all ranks, whichever way.
#pragma once

#include <functional>
#include <memory>

#include "mpi/loaded_model.hpp"
#include "mpi/rank_session.hpp"

namespace covey {

/// Collective: what the ranks exchange while they compute. Its messages are entered as those of loading.
using MakeExchange =
    std::function<std::unique_ptr<Exchange>(Transport& transport, const JobOptions& options, const ModelFacts& facts)>;

/// Collective: loads `shard` on each rank;
std::unique_ptr<Session> open_split_session(Ledger& ledger, const JobOptions& options, std::string_view mode,
                                            const Shard& shard, const MakeExchange& make_exchange);

}  // namespace covey
