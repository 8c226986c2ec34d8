// Rank 0 works alone, the others idle: what all other modes are compared with.
#include <optional>
#include <utility>

#include "mpi/loaded_model.hpp"
#include "mpi/metered_runner.hpp"
#include "mpi/mode_list.hpp"
#include "mpi/rank_session.hpp"
#include "mpi/request_run.hpp"

namespace covey {

namespace {

class SoloSession final : public RankSession {
 public:
  /// `model` is null on idle ranks.
  SoloSession(Ledger& account, const JobOptions& options, std::unique_ptr<LoadedModel> model)
      : RankSession(account, options.peer_timeout, Tag::batch), model_(std::move(model)) {
    if (!model_) return;
    local_.emplace(*model_->stage);
    metered_.emplace(*local_, account);
    engine_.emplace(*metered_, *model_->tokenizer);
  }

  Answer generate(const GenerateOptions& options, const TextSink& sink) override {
    return std::move(answer_together(*engine_, ledger(), tokenizer(), {&options, 1}, sink).front());
  }
  std::vector<Answer> generate_all(std::span<const GenerateOptions> questions, const TextSink& sink) override {
    return answer_together(*engine_, ledger(), tokenizer(), questions, silent_sink(sink));
  }
  Runner& runner() override { return *metered_; }
  const Tokenizer& tokenizer() const override { return *model_->tokenizer; }
  const ModelFacts& facts() const override { return model_->facts; }

 protected:
  void work(std::span<const std::byte>) override { throw Error("mode solo: rank 0 commanded work of an idle rank"); }

 private:
  std::unique_ptr<LoadedModel> model_;
  std::optional<LocalRunner> local_;
  std::optional<MeteredRunner> metered_;
  std::optional<Engine> engine_;
};

std::unique_ptr<Session> open_solo(Ledger& ledger, const JobOptions& options) {
  refuse_shares(options, kSoloMode.name);
  auto model =
      load_together(ledger, options, kSoloMode.name, Shard{}, ledger.rank() == 0 ? Holding::shared : Holding::nothing);
  return std::make_unique<SoloSession>(ledger, options, std::move(model));
}

}  // namespace

const Mode kSoloMode{"solo", "rank 0 holds the whole model and works alone", open_solo, true};

}  // namespace covey
