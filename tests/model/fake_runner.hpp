// A runner without arithmetic: its logits are a hash of everything its sequence holds, so any mistake in what the
// scheduler evaluates, forks or drops changes the tokens drawn.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "covey/error.hpp"
#include "kernels/shortlist.hpp"
#include "model/kv_cache.hpp"
#include "model/runner.hpp"

namespace covey {

class FakeRunner final : public Runner {
 public:
  explicit FakeRunner(RunnerLimits limits, std::int32_t depth = 1) : limits_(limits), depth_(depth), cache_(limits) {}

  const RunnerLimits& limits() const override { return limits_; }
  std::int32_t free_blocks() const override { return cache_.free_blocks(); }
  std::int32_t blocks_to_append(SequenceId sequence) const override { return cache_.blocks_to_append(sequence); }
  std::int32_t length(SequenceId sequence) const override { return cache_.length(sequence); }
  bool can_cut(SequenceId sequence, std::int32_t length) const override { return cache_.can_cut(sequence, length); }

  std::int32_t depth() const override { return depth_; }
  void start(const Batch& batch) override {
    if (under_way_.size() >= static_cast<std::size_t>(depth_)) throw Error("more passes than there may be");
    const auto logits = evaluate(batch);
    under_way_.emplace_back(logits.begin(), logits.end());
    most_under_way = std::max(most_under_way, under_way_.size());
  }
  std::span<const float> finish() override {
    logits_ = under_way_.at(0);
    under_way_.pop_front();
    return logits_;
  }
  std::span<const float> forward(const Batch& batch) override {
    if (!under_way_.empty() && !batch.tokens.empty()) throw Error("a pass of its own while others are under way");
    return evaluate(batch);
  }

  std::size_t passes = 0, largest_batch = 0, evaluated = 0, most_under_way = 0, shortlists = 0;

 private:
  std::span<const float> evaluate(const Batch& batch) {
    cache_.apply(batch, plan_);
    for (const auto& op : batch.ops) {
      if (op.kind == SequenceOp::Kind::drop) histories_.erase(op.sequence);
      if (op.kind == SequenceOp::Kind::truncate) histories_[op.sequence].resize(static_cast<std::size_t>(op.length));
      if (op.kind == SequenceOp::Kind::fork) {
        auto copy = histories_.at(op.source);
        copy.resize(static_cast<std::size_t>(op.length));
        histories_[op.sequence] = copy;
      }
    }
    logits_.clear();
    ++passes;
    largest_batch = std::max(largest_batch, batch.tokens.size());
    evaluated += batch.tokens.size();
    for (const auto& token : batch.tokens) {
      auto& history = histories_[token.sequence];
      history.push_back(token.token);
      if (token.wants_logits) add_logits(history, batch.shortlist);
    }
    return logits_;
  }

  void add_logits(const std::vector<Token>& history, std::int32_t shortlist) {
    std::vector<float> row;
    std::uint64_t hash = 1469598103934665603ULL;
    for (const Token token : history) hash = (hash ^ static_cast<std::uint64_t>(token + 1)) * 1099511628211ULL;
    for (std::int32_t i = 0; i < limits_.n_vocab; ++i) {
      hash = hash * 6364136223846793005ULL + 1442695040888963407ULL;
      row.push_back(static_cast<float>(hash >> 40) / static_cast<float>(1 << 24) * 6.0F);
    }
    if (shortlist > 0) {
      std::vector<float> likeliest(static_cast<std::size_t>(shortlist_width(shortlist)));
      make_shortlist(row, shortlist, likeliest);
      row = likeliest;
      ++shortlists;
    }
    logits_.insert(logits_.end(), row.begin(), row.end());
  }

  RunnerLimits limits_;
  std::int32_t depth_;
  KvCache cache_;
  BatchPlan plan_;
  std::map<SequenceId, std::vector<Token>> histories_;
  std::vector<float> logits_;
  std::deque<std::vector<float>> under_way_;
};

}  // namespace covey
