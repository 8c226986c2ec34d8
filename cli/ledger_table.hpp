// The ledger's accounts as tables for people.
#pragma once

#include <string>
#include <vector>

#include "mpi/ledger.hpp"

namespace covey {

/// What the user saw, then one line a rank and phase, then memory.
std::string ledger_table(const Summary& summary, const std::vector<RankReport>& ranks);

}  // namespace covey
