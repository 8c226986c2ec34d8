// How likely a model finds given continuations of a text.
#pragma once

#include <span>
#include <vector>

#include "model/batch.hpp"
#include "model/runner.hpp"

namespace covey {

/// The sum of the log-probabilities (natural) of each continuation's tokens behind `prompt`, which is evaluated once.
/// Throws Error if the prompt or a continuation is empty, or both together don't fit the context.
std::vector<double> log_likelihoods(Runner& runner, std::span<const Token> prompt,
                                    std::span<const std::vector<Token>> continuations);

}  // namespace covey
