// The words that turn proposals into one answer.
#pragma once

#include <span>
#include <string>

namespace covey {

/// What follows the original prompt: the proposals, numbered, and the question for the one best answer. The prompt
/// itself comes first, unchanged, so that its keys and values are found in the cache.
std::string aggregation_suffix(std::span<const std::string> proposals);

/// The same in a conversation, to a model that was taught to answer: what follows the user's message, in one with it.
std::string aggregation_request(std::span<const std::string> proposals);

}  // namespace covey
