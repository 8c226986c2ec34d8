// The ledger's accounts as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "model/engine.hpp"
#include "mpi/ledger.hpp"
#include "mpi/mode.hpp"

namespace covey {

using Json = nlohmann::ordered_json;

/// Times in seconds, memory in bytes; "joules" is null where no counter exists.
Json summary_json(const Summary& summary);
Json rank_json(const RankReport& rank);
Json lost_json(const std::vector<LostRank>& losses);

/// {"text", "tokens", "finish"}, and "logprobs" if wanted.
Json completion_json(const Completion& completion, bool with_logprobs);
/// With its index, layer, use, and what a vote counted: the same whatever ranks there are.
Json proposal_json(const Proposal& proposal, bool with_logprobs);
/// "used", "late", "lost"
const char* use_name(Use use);

/// One line; bytes that are not UTF-8 are replaced.
std::string json_line(const Json& json);

}  // namespace covey
