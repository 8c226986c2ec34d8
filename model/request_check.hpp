// Requests that can be served.
#pragma once

#include "model/engine.hpp"

namespace covey {

/// Throws as Engine::submit, but for sampling parameters.
void check_request(const Request& request, const RunnerLimits& limits);

}  // namespace covey
