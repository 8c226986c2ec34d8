#include "mpi/split_runner.hpp"

#include <algorithm>
#include <string>

#include "covey/error.hpp"
#include "mpi/batch_codec.hpp"
#include "mpi/command.hpp"

namespace covey {

SplitRunner::SplitRunner(Stage& stage, Exchange& exchange, Transport& transport, const SplitSchedule& schedule)
    : stage_(stage), exchange_(exchange), transport_(transport), schedule_(schedule), books_(stage.limits()) {}

std::span<const float> SplitRunner::forward(const Batch& batch) {
  const bool whole = !batch.prompt || schedule_.micro_batch == 0 ||
                     batch.tokens.size() <= static_cast<std::size_t>(schedule_.micro_batch);
  if (!whole) return forward_in_pieces(batch);
  start(batch);
  return batch.tokens.empty() ? std::span<const float>{} : finish();
}

std::span<const float> SplitRunner::forward_in_pieces(const Batch& batch) {
  check(batch);
  KvCache trial = books_;  // what does not fit as a whole must change nothing
  trial.apply(batch, plan_);
  const auto size = static_cast<std::ptrdiff_t>(schedule_.micro_batch);
  Batch piece;
  piece.ops = batch.ops;
  piece.prompt = true;
  piece.shortlist = batch.shortlist;
  for (auto first = batch.tokens.begin(); first != batch.tokens.end();) {
    const auto last = first + std::min(size, batch.tokens.end() - first);
    piece.tokens.assign(first, last);
    start(piece);
    piece.ops.clear();
    first = last;
  }
  logits_.clear();
  while (under_way_.size() > 1) {
    const auto rows = finish();
    logits_.insert(logits_.end(), rows.begin(), rows.end());
  }
  const auto rows = finish();
  if (logits_.empty()) return rows;
  logits_.insert(logits_.end(), rows.begin(), rows.end());
  return logits_;
}

void SplitRunner::check(const Batch& batch) const {
  if (!in_step_) throw Error("the ranks are out of step since an earlier error: start again");
  if (batch.tokens.size() > static_cast<std::size_t>(limits().max_tokens)) {
    throw Error("batch of " + std::to_string(batch.tokens.size()) + " tokens; at most " +
                std::to_string(limits().max_tokens) + " fit in one pass");
  }
}

void SplitRunner::start(const Batch& batch) {
  check(batch);
  books_.apply(batch, plan_);
  in_step_ = false;
  send_command(transport_, Tag::batch, Command::Kind::work, encode_batch(batch));
  const Stage::Started pass = stage_.start(batch, exchange_);
  if (!batch.tokens.empty()) under_way_.push_back(pass);
  in_step_ = true;
}

std::span<const float> SplitRunner::finish() {
  if (under_way_.empty()) throw Error("there is no pass under way to finish");
  const Stage::Started pass = under_way_.front();
  under_way_.pop_front();
  in_step_ = false;
  const auto logits = stage_.finish(pass, exchange_);
  in_step_ = true;
  return logits;
}

}  // namespace covey
