// The ledger's accounts as tables for people.
#pragma once

#include <string>
#include <vector>

#include "mpi/ledger.hpp"

namespace covey {

/// What the user saw, then one line a rank and phase, then memory.
std::string ledger_table(const Summary& summary, const std::vector<RankReport>& ranks);

/// "rank 2 …, noticed after 1.23 s; what it held was made up for within 45 ms", or that the others went on without it.
std::string lost_text(const LostRank& lost);

}  // namespace covey
