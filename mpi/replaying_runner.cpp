#include "mpi/replaying_runner.hpp"

#include <utility>

namespace covey {

namespace {

std::vector<float> copy_of(std::span<const float> logits) { return {logits.begin(), logits.end()}; }

}  // namespace

ReplayingRunner::ReplayingRunner(Runner& below, Group& group)
    : below_(&below), group_(group), limits_(below.limits()), depth_(below.depth()) {}

Runner& ReplayingRunner::below() const {
  if (below_ == nullptr) throw Error("the ranks are out of step since an earlier error: start again");
  return *below_;
}

std::span<const float> ReplayingRunner::forward(const Batch& batch) {
  for (;;) {
    try {
      const auto logits = below().forward(batch);
      if (under_way_.empty()) {
        log_.enter(batch);
      } else {
        under_way_.push_back({batch, {}});
      }
      return logits;
    } catch (const PeerLost& loss) {
      restore(loss);
    }
  }
}

void ReplayingRunner::start(const Batch& batch) {
  for (;;) {
    try {
      if (below().depth() > 1) {
        below().start(batch);
        under_way_.push_back({batch, {}});
      } else {
        under_way_.push_back({batch, copy_of(below().forward(batch))});
      }
      return;
    } catch (const PeerLost& loss) {
      restore(loss);
    }
  }
}

std::span<const float> ReplayingRunner::finish() {
  while (!under_way_.empty() && under_way_.front().batch.tokens.empty()) enter_first();
  if (under_way_.empty()) throw Error("there is no pass under way to finish");
  for (;;) {
    if (under_way_.front().logits) {
      logits_ = std::move(*under_way_.front().logits);
      enter_first();
      return logits_;
    }
    try {
      const auto logits = below().finish();
      enter_first();
      return logits;
    } catch (const PeerLost& loss) {
      restore(loss);
    }
  }
}

void ReplayingRunner::enter_first() {
  log_.enter(under_way_.front().batch);
  under_way_.pop_front();
}

void ReplayingRunner::restore(PeerLost loss) {
  for (;;) {
    below_ = nullptr;
    if (!group_.goes_on()) throw loss;
    try {
      Runner& runner = group_.regroup(loss);
      for (const Batch& batch : log_.replay(limits_.max_tokens)) runner.forward(batch);
      for (Pass& pass : under_way_) pass.logits = copy_of(runner.forward(pass.batch));
      below_ = &runner;
      return group_.restored();
    } catch (const PeerLost& next) {
      loss = next;
    }
  }
}

}  // namespace covey
