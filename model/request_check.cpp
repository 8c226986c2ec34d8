#include "model/request_check.hpp"

#include <algorithm>
#include <string>

#include "covey/error.hpp"

namespace covey {

const char* finish_name(Finish finish) {
  switch (finish) {
    case Finish::running:
      return "running";
    case Finish::end_token:
      return "end_token";
    case Finish::stop_string:
      return "stop_string";
    case Finish::max_tokens:
      return "max_tokens";
    case Finish::context_full:
      return "context_full";
    case Finish::cancelled:
      return "cancelled";
  }
  return "unknown";
}

void check_request(const Request& request, const RunnerLimits& limits) {
  const auto length = static_cast<std::int64_t>(request.prompt.size());
  if (length == 0) throw Error("the prompt is empty: it needs at least one token");
  if (length >= limits.n_ctx) {
    throw ContextFull("the prompt has " + std::to_string(length) + " tokens, the context holds " +
                      std::to_string(limits.n_ctx) + " with at least one to generate: shorten it or raise the context");
  }
  if (length + 1 > std::int64_t{limits.blocks} * limits.block_tokens) {
    throw ContextFull("the prompt has " + std::to_string(length) + " tokens, the KV cache has room for " +
                      std::to_string(std::int64_t{limits.blocks} * limits.block_tokens) + ": give it more room");
  }
  for (const Token token : request.prompt) {
    if (token < 0 || token >= limits.n_vocab) {
      throw Error("prompt token " + std::to_string(token) + " is not in the vocabulary of " +
                  std::to_string(limits.n_vocab));
    }
  }
  if (request.samples < 1 || request.samples > 65536) {
    throw Error("samples: " + std::to_string(request.samples) + " is not between 1 and 65536");
  }
  if (!std::ranges::is_sorted(request.cuts)) throw Error("cuts: must be ascending");
  if (request.max_tokens < -1) throw Error("max_tokens: must be -1 (up to the context), 0 or more");
}

}  // namespace covey
