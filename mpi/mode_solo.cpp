// Rank 0 works alone, the others idle: what all other modes are compared with. Or they keep layers for it, for which it
// has no room.
#include <optional>
#include <utility>

#include "mpi/loaded_model.hpp"
#include "mpi/metered_runner.hpp"
#include "mpi/mode_list.hpp"
#include "mpi/rank_session.hpp"
#include "mpi/remote_layers.hpp"
#include "mpi/request_run.hpp"

namespace covey {

namespace {

class SoloSession final : public RankSession {
 public:
  /// `model` is null on other ranks.
  SoloSession(Ledger& account, const JobOptions& options, std::unique_ptr<LoadedModel> model)
      : RankSession(account, options.peer_timeout, Tag::batch),
        options_(options),
        keeper_(account, options_),
        model_(std::move(model)) {
    // Also ranks that will keep nothing, for want of layers, go on without others.
    if (options_.layers_from_ranks && options_.regroups) account.outlive_others();
    if (!model_) return;
    if (options_.layers_from_ranks) {
      remote_.emplace(account, options_, model_->stage->streamed_layers(), model_->facts.fingerprint);
      account.start_work();
      model_->stage->read_layers_from(&*remote_);
    }
    options_.stage.progress = nullptr;  // what is read from now on is no part of loading
    local_.emplace(*model_->stage);
    metered_.emplace(*local_, account);
    engine_.emplace(*metered_, *model_->tokenizer);
  }
  ~SoloSession() override {
    if (remote_) model_->stage->read_layers_from(nullptr);
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
  void work(std::span<const std::byte> payload) override { keeper_.work(payload); }
  void settle() override {
    if (!remote_) return;
    model_->stage->read_layers_from(nullptr);
    remote_->enter_traffic();
    enter_losses();
  }
  bool is_lost(int rank) const override { return remote_ && remote_->is_lost(rank); }
  bool outlives(const PeerLost& loss) override {
    if (!remote_ || !options_.regroups) return false;
    remote_->lose(loss.rank(), loss);
    enter_losses();
    return true;
  }

 private:
  std::vector<Answer> answers(std::span<const GenerateOptions> questions, const TextSink& sink) {
    std::vector<Answer> all = answer_together(*engine_, ledger(), tokenizer(), questions, sink);
    if (remote_ && !all.empty()) all.front().lost = enter_losses();
    return all;
  }

  std::vector<LostRank> enter_losses() {
    const std::vector<LostRank> losses = remote_->take_losses();
    auto& entered = ledger().report().losses;
    entered.insert(entered.end(), losses.begin(), losses.end());
    return losses;
  }

  JobOptions options_;
  LayerKeeper keeper_;                  // other ranks
  std::optional<RemoteLayers> remote_;  // rank 0, as all that follows
  std::unique_ptr<LoadedModel> model_;
  std::optional<LocalRunner> local_;
  std::optional<MeteredRunner> metered_;
  std::optional<Engine> engine_;
};

void check_layers_from_ranks(const JobOptions& options, int ranks) {
  if (!options.layers_from_ranks) return;
  if (options.stage.memory_limit == 0) {
    throw Error("--layers-from ranks: without --memory-limit all layers have room on rank 0");
  }
  if (ranks == 1) throw Error("--layers-from ranks: there is no other rank: start some, as with --ranks 2");
}

std::unique_ptr<Session> open_solo(Ledger& ledger, const JobOptions& options) {
  refuse_shares(options, kSoloMode.name);
  check_layers_from_ranks(options, ledger.size());
  JobOptions own = options;
  own.stage.layers_from_source = options.layers_from_ranks;
  auto model =
      load_together(ledger, own, kSoloMode.name, Shard{}, ledger.rank() == 0 ? Holding::shared : Holding::nothing);
  return std::make_unique<SoloSession>(ledger, own, std::move(model));
}

}  // namespace

const Mode kSoloMode{"solo", "rank 0 holds the whole model and works alone", open_solo, true};

}  // namespace covey
