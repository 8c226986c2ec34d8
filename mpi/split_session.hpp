// The session of a model split over all ranks, whichever way.
#pragma once

#include <functional>
#include <memory>

#include "mpi/loaded_model.hpp"
#include "mpi/rank_session.hpp"

namespace covey {

/// Collective: loads `shard` on each rank; `make_exchange` gives what the ranks exchange while they compute.
std::unique_ptr<Session> open_split_session(
    Ledger& ledger, const JobOptions& options, std::string_view mode, const Shard& shard,
    const std::function<std::unique_ptr<Exchange>(Transport&, std::chrono::milliseconds)>& make_exchange);

}  // namespace covey
