// What an evaluation came to, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "cli/eval_records.hpp"

namespace covey {

/// One line a subject, where there are several, and one for all.
std::string eval_table(const std::vector<EvalRecord>& records);

/// `answered`: how many of the records this run has added, which the ledger's accounts are of.
Json eval_json(const Json& settings, const std::vector<EvalRecord>& records, std::size_t answered,
               const Summary& summary, const std::vector<RankReport>& ranks);

}  // namespace covey
