// A rank's account as bytes, for rank 0 to gather.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mpi/ledger.hpp"

namespace covey {

std::vector<std::byte> encode_report(const RankReport& report);
/// Throws Error unless `bytes` are exactly one report.
RankReport decode_report(std::span<const std::byte> bytes);

}  // namespace covey
