#include "mpi/split_session.hpp"

#include <optional>
#include <utility>

#include "mpi/batch_codec.hpp"
#include "mpi/membership.hpp"
#include "mpi/metered_runner.hpp"
#include "mpi/replaying_runner.hpp"
#include "mpi/request_run.hpp"
#include "mpi/split_group.hpp"

namespace covey {

namespace {

class SplitSession final : public RankSession, private ReplayingRunner::Group {
 public:
  SplitSession(Ledger& account, const JobOptions& options, const SplitWay& way, std::unique_ptr<LoadedModel> model)
      : RankSession(account, options.peer_timeout, Tag::batch),
        options_(options),
        way_(way),
        model_(std::move(model)),
        membership_(account, options.peer_timeout) {
    options_.stage.progress = nullptr;  // of what is being loaded again nothing is shown
    form_first_group();
    account.start_work();
    if (account.rank() != 0) return;
    lasting_.emplace(group_->runner(), static_cast<ReplayingRunner::Group&>(*this));
    metered_.emplace(*lasting_, account);
    engine_.emplace(*metered_, *model_->tokenizer);
  }

  Answer generate(const GenerateOptions& options, const TextSink& sink) override {
    return std::move(answers({&options, 1}, sink).front());
  }
  std::vector<Answer> generate_all(std::span<const GenerateOptions> questions, const TextSink& sink) override {
    return answers(questions, silent_sink(sink));
  }
  Runner& runner() override { return *metered_; }
  const Tokenizer& tokenizer() const override { return *model_->tokenizer; }
  const ModelFacts& facts() const override { return model_->facts; }

 protected:
  void work(std::span<const std::byte> payload) override {
    if (!group_) return;  // commanded before rank 0 knew of the loss
    try {
      const Batch batch = decode_batch(payload);
      metered(ledger(), batch, [&] {
        group_->forward(batch);
        return 0;
      });
    } catch (const PeerLost& loss) {
      leave_group(loss);
    }
  }

  void settle() override { ledger().outlive_others(); }
  bool is_lost(int rank) const override { return !membership_.is_member(rank); }
  bool outlives(const PeerLost& loss) override {
    if (!options_.regroups) return false;
    membership_.leave_out(loss);
    enter_losses(ledger().since_start(), 0);
    return true;
  }

  void answer_roll_call(std::span<const std::byte> payload) override {
    group_.reset();
    membership_.answer(payload);
  }
  void enter_group(std::span<const std::byte> payload) override {
    membership_.enter(payload);
    try {
      form_group();
    } catch (const PeerLost& loss) {
      leave_group(loss);
    }
  }

 private:
  std::vector<Answer> answers(std::span<const GenerateOptions> questions, const TextSink& sink) {
    std::vector<Answer> all = answer_together(*engine_, ledger(), tokenizer(), questions, sink);
    if (!all.empty()) all.front().lost = std::exchange(losses_, {});
    return all;
  }

  void form_first_group() {
    try {
      group_.emplace(ledger(), membership_.members(), options_, way_, *model_, false);
    } catch (const PeerLost& loss) {
      if (ledger().rank() != 0) return leave_group(loss);
      if (!options_.regroups) throw;
      const double noticed = ledger().since_start();
      form_group_without(loss);
      enter_losses(0, ledger().since_start() - noticed);
    }
  }

  void form_group() {
    group_.reset();
    ledger().set_phase(Phase::load);
    const JobOptions options = options_of_group(options_, membership_.members(), model_->facts.n_layers);
    group_.emplace(ledger(), membership_.members(), options, way_, *model_, true);
  }

  // Other ranks: what this group was doing is given up; rank 0 forms another one.
  void leave_group(const PeerLost& loss) {
    const bool excluded = loss.certain() && loss.rank() == ledger().rank();
    if (!options_.regroups || loss.rank() == 0 || excluded) throw loss;
    ledger().alarm(loss);
    group_.reset();
  }

  // Rank 0.
  void form_group_without(PeerLost loss) {
    for (group_.reset(); !group_;) {
      try {
        membership_.regroup(loss);
        form_group();
      } catch (const PeerLost& next) {
        loss = next;
      }
    }
  }

  bool goes_on() const override { return options_.regroups; }

  Runner& regroup(const PeerLost& loss) override {
    if (!noticed_) {
      noticed_ = ledger().since_start();
      ledger().begin_recovery();
    }
    form_group_without(loss);
    return group_->runner();
  }

  void restored() override {
    ledger().end_recovery();
    enter_losses(*noticed_, ledger().since_start() - *noticed_);
    noticed_.reset();
  }

  void enter_losses(double at, double seconds) {
    for (const RankFailure& one : membership_.take_losses()) {
      losses_.push_back({one.rank, one.message, at, seconds});
      ledger().report().losses.push_back(losses_.back());
    }
  }

  JobOptions options_;
  const SplitWay& way_;
  std::unique_ptr<LoadedModel> model_;
  Membership membership_;
  std::optional<SplitGroup> group_;         // empty between groups
  std::optional<ReplayingRunner> lasting_;  // this and what is built on it: rank 0 only
  std::optional<MeteredRunner> metered_;
  std::optional<Engine> engine_;
  std::optional<double> noticed_;  // when the loss was that is being recovered from
  std::vector<LostRank> losses_;   // not yet told of in an answer
};

}  // namespace

std::unique_ptr<Session> open_split_session(Ledger& ledger, const JobOptions& options, const SplitWay& way) {
  check_shares(options, ledger.size());
  auto model = load_together(ledger, options, way.mode, shard_of_group(way, options, ledger));
  return std::make_unique<SplitSession>(ledger, options, way, std::move(model));
}

}  // namespace covey
