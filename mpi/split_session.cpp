#include "mpi/split_session.hpp"

#include <optional>
#include <utility>

#include "mpi/batch_codec.hpp"
#include "mpi/metered_runner.hpp"
#include "mpi/request_run.hpp"
#include "mpi/split_runner.hpp"

namespace covey {

namespace {

class SplitSession final : public RankSession {
 public:
  SplitSession(Ledger& account, const JobOptions& options, std::unique_ptr<LoadedModel> model,
               std::unique_ptr<Exchange> exchange, const SplitSchedule& schedule)
      : RankSession(account, options.peer_timeout, Tag::batch),
        model_(std::move(model)),
        exchange_(std::move(exchange)),
        split_(model_->stage, *exchange_, account, schedule),
        metered_(split_, account),
        engine_(metered_, *model_->tokenizer) {}

  Answer generate(const GenerateOptions& options, const TextSink& sink) override {
    return std::move(answer_together(engine_, ledger(), tokenizer(), {&options, 1}, sink).front());
  }
  std::vector<Answer> generate_all(std::span<const GenerateOptions> questions, const TextSink& sink) override {
    return answer_together(engine_, ledger(), tokenizer(), questions, silent_sink(sink));
  }
  Runner& runner() override { return metered_; }
  const Tokenizer& tokenizer() const override { return *model_->tokenizer; }
  const ModelFacts& facts() const override { return model_->facts; }

 protected:
  void work(std::span<const std::byte> payload) override {
    const Batch batch = decode_batch(payload);
    metered(ledger(), batch, [&] { return model_->stage.forward(batch, *exchange_); });
  }

 private:
  std::unique_ptr<LoadedModel> model_;
  std::unique_ptr<Exchange> exchange_;
  SplitRunner split_;  // this and what is built on it: rank 0 only
  MeteredRunner metered_;
  Engine engine_;
};

/// Large products of float weights may go through a library whose last bits depend on the size of the batch.
std::int32_t usual_micro_batch(const LoadedModel& model, const StageOptions& options) {
  const StageWork work = model.stage.work();
  const bool floats = work.layers.float_weights + work.head.float_weights > 0;
  return floats && options.cpu.blas ? 0 : ExchangeOptions::kUsualMicroBatch;
}

}  // namespace

std::unique_ptr<Session> open_split_session(Ledger& ledger, const JobOptions& options, std::string_view mode,
                                            const Shard& shard, const MakeExchange& make_exchange) {
  check_shares(options, ledger.size());
  auto model = load_together(ledger, options, mode, shard);
  ledger.set_phase(Phase::load);
  auto exchange = make_exchange(ledger, options, model->facts);
  ledger.start_work();
  SplitSchedule schedule;
  if (shard.stages > 1) {
    schedule.micro_batch = options.exchange.micro_batch.value_or(usual_micro_batch(*model, options.stage));
    if (options.exchange.schedule == Schedule::no_bubble) schedule.depth = shard.stages;
  }
  return std::make_unique<SplitSession>(ledger, options, std::move(model), std::move(exchange), schedule);
}

}  // namespace covey
