#include "mpi/split_runner.hpp"

#include <string>

#include "covey/error.hpp"
#include "mpi/batch_codec.hpp"
#include "mpi/command.hpp"

namespace covey {

SplitRunner::SplitRunner(Stage& stage, Exchange& exchange, Transport& transport)
    : stage_(stage), exchange_(exchange), transport_(transport), books_(stage.limits()) {}

std::span<const float> SplitRunner::forward(const Batch& batch) {
  if (!in_step_) throw Error("the ranks are out of step since an earlier error: start again");
  if (batch.tokens.size() > static_cast<std::size_t>(limits().max_tokens)) {
    throw Error("batch of " + std::to_string(batch.tokens.size()) + " tokens; at most " +
                std::to_string(limits().max_tokens) + " fit in one pass");
  }
  books_.apply(batch, plan_);
  in_step_ = false;
  send_command(transport_, Tag::batch, Command::Kind::work, encode_batch(batch));
  const auto logits = stage_.forward(batch, exchange_);
  in_step_ = true;
  return logits;
}

}  // namespace covey
