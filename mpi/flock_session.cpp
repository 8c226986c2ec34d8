#include "mpi/flock_session.hpp"

#include <utility>

#include "mpi/loaded_model.hpp"
#include "mpi/mode_list.hpp"
#include "mpi/rank_session.hpp"

namespace covey {

namespace {

class FlockSession final : public RankSession {
 public:
  FlockSession(Ledger& account, const JobOptions& options, std::unique_ptr<LoadedModel> model,
               const Collaboration& collaboration)
      : RankSession(account, options.peer_timeout, Tag::text),
        collaboration_(collaboration),
        bench_(account, std::move(model), collaboration.own_models, collaboration.prompt),
        flock_(bench_, options.peer_timeout) {}

  Answer generate(const GenerateOptions& options, const TextSink& sink) override {
    return std::move(answers({&options, 1}, sink).front());
  }

  std::vector<Answer> generate_all(std::span<const GenerateOptions> questions, const TextSink& sink) override {
    if (questions.empty()) return {};
    return answers(questions, silent_sink(sink));
  }

  Runner& runner() override { return bench_.runner(); }
  const Tokenizer& tokenizer() const override { return *bench_.model().tokenizer; }
  const ModelFacts& facts() const override { return bench_.model().facts; }

 protected:
  void work(std::span<const std::byte> payload) override { flock_.work(payload); }
  void settle() override { flock_.settle(); }
  bool is_lost(int rank) const override { return flock_.is_lost(rank); }
  bool outlives(const PeerLost& loss) override {
    flock_.lose(loss.rank(), loss.what());
    return true;
  }

 private:
  std::vector<Answer> answers(std::span<const GenerateOptions> questions, const TextSink& sink) {
    const GenerateOptions& options = questions.front();
    collaboration_.check(options);
    if (options.backup && collaboration_.mode != kSelfMoaMode.name) {
      throw Error("--backup: mode " + std::string(collaboration_.mode) + " has no use for it: take --mode self-moa");
    }
    if (options.aggregator < 0 || options.aggregator >= ledger().size()) {
      throw Error("--aggregator: there is no rank " + std::to_string(options.aggregator) + " among " +
                  std::to_string(ledger().size()));
    }
    std::vector<Answer> all = collaboration_.answer(flock_, questions, sink);
    for (const LostRank& loss : flock_.take_losses()) all.front().lost.push_back(loss);
    ledger().set_phase(Phase::other);
    return all;
  }

  const Collaboration& collaboration_;
  FlockBench bench_;
  Flock flock_;
};

}  // namespace

std::unique_ptr<Session> open_flock(Ledger& ledger, const JobOptions& options, const Collaboration& collaboration) {
  refuse_shares(options, collaboration.mode);
  JobOptions own = options;
  if (!options.models.empty()) {
    if (!collaboration.own_models) {
      throw Error("--models: in mode " + std::string(collaboration.mode) +
                  " all ranks hold one model: give it with --model, or take --mode moa");
    }
    own.model_path = options.models[static_cast<std::size_t>(ledger.rank()) % options.models.size()];
  }
  const Holding holding = collaboration.own_models ? Holding::its_own : Holding::shared;
  auto model = load_together(ledger, own, collaboration.mode, Shard{}, holding);
  return std::make_unique<FlockSession>(ledger, options, std::move(model), collaboration);
}

}  // namespace covey
