// A runner that outlives the ranks below it: after a loss the group is made anew, and what the KV cache held is
// evaluated again. Whoever uses it notices nothing but the time.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "model/runner.hpp"
#include "mpi/token_log.hpp"
#include "mpi/transport.hpp"

namespace covey {

class ReplayingRunner final : public Runner {
 public:
  /// Those who work together.
  class Group {
   public:
    virtual ~Group() = default;
    /// Whether there is a going on after a loss.
    virtual bool goes_on() const = 0;
    /// The runner of those that are left, with an empty cache; what there was before is gone. Throws Error if they
    /// can't.
    virtual Runner& regroup(const PeerLost& loss) = 0;
    /// All that was under way is there again.
    virtual void restored() = 0;
  };

  /// `group` must outlive the object; `below` is its runner until it regroups.
  ReplayingRunner(Runner& below, Group& group);

  const RunnerLimits& limits() const override { return limits_; }
  std::int32_t free_blocks() const override { return below().free_blocks(); }
  std::int32_t blocks_to_append(SequenceId sequence) const override { return below().blocks_to_append(sequence); }
  std::int32_t length(SequenceId sequence) const override { return below().length(sequence); }
  bool can_cut(SequenceId sequence, std::int32_t length) const override { return below().can_cut(sequence, length); }
  /// Throws Error, and from then on, if there is no going on.
  std::span<const float> forward(const Batch& batch) override;
  /// That of the first group: with fewer ranks passes are evaluated as they are started.
  std::int32_t depth() const override { return depth_; }
  void start(const Batch& batch) override;
  std::span<const float> finish() override;

 private:
  // A pass whose logits nobody has fetched, or a change of the cache after one.
  struct Pass {
    Batch batch;
    std::optional<std::vector<float>> logits;  // known already: evaluated again after a loss
  };

  Runner& below() const;
  void restore(PeerLost loss);
  void enter_first();

  Runner* below_;
  Group& group_;
  RunnerLimits limits_;
  std::int32_t depth_;
  TokenLog log_;  // without what is under way
  std::deque<Pass> under_way_;
  std::vector<float> logits_;
};

}  // namespace covey
