// Self-MoA (Li et al. 2025, arXiv:2502.00674): several proposals drawn from one model, then one answer from all of
// them. Each rank holds a whole model; only text travels.
#include <algorithm>
#include <utility>

#include "mpi/aggregation_prompt.hpp"
#include "mpi/loaded_model.hpp"
#include "mpi/message.hpp"
#include "mpi/metered_runner.hpp"
#include "mpi/mode_list.hpp"
#include "mpi/proposal_codec.hpp"
#include "mpi/rank_session.hpp"
#include "mpi/request_run.hpp"

namespace covey {

namespace {

// The proposals of one rank: consecutive ones, the first ranks make one more where they don't come out even. Rank 0
// always makes one, so it has the prompt in its cache when it aggregates.
Range proposals_of(int rank, int ranks, std::int32_t proposals) {
  const std::int32_t each = proposals / ranks;
  const std::int32_t more = proposals % ranks;
  const std::int32_t first = rank * each + std::min(rank, more);
  return {first, first + each + (rank < more ? 1 : 0)};
}

void check_options(const GenerateOptions& options) {
  if (options.proposals < 1)
    throw Error("--proposals: self-moa needs at least 1, not " + std::to_string(options.proposals));
  if (options.sampling.greedy()) {
    throw Error("--temp: self-moa draws different proposals from one model, which takes a temperature above 0");
  }
}

class SelfMoaSession final : public RankSession {
 public:
  SelfMoaSession(Ledger& account, const JobOptions& options, std::unique_ptr<LoadedModel> model)
      : RankSession(account, options.peer_timeout, Tag::text),
        model_(std::move(model)),
        local_(model_->stage),
        metered_(local_, account),
        engine_(metered_, *model_->tokenizer) {}

  Answer generate(const GenerateOptions& options, const TextSink& sink) override;
  Runner& runner() override { return metered_; }
  const Tokenizer& tokenizer() const override { return *model_->tokenizer; }
  const ModelFacts& facts() const override { return model_->facts; }

 protected:
  void work(std::span<const std::byte> payload) override;

 private:
  Request proposal_request(const GenerateOptions& options, Range range) const;
  Request aggregation_request(const GenerateOptions& options, const std::vector<Completion>& proposals) const;
  Completion recv_proposal(int rank);

  std::unique_ptr<LoadedModel> model_;
  LocalRunner local_;
  MeteredRunner metered_;
  Engine engine_;
};

Request SelfMoaSession::proposal_request(const GenerateOptions& options, Range range) const {
  Request request = continuation(options, tokenizer());
  if (options.proposal_tokens >= 0) request.max_tokens = options.proposal_tokens;
  request.samples = range.size();
  // A grammar is for what the user reads. Proposals say the same freely, and the aggregation puts it in form.
  request.sampling.grammar.clear();
  request.sampling.json_schema.clear();
  request.first_sample = static_cast<std::uint64_t>(range.first);
  return request;
}

// Prompt and suffix are tokenized apart, so that the aggregation begins with exactly the prompt's tokens.
Request SelfMoaSession::aggregation_request(const GenerateOptions& options,
                                            const std::vector<Completion>& proposals) const {
  Request request = continuation(options, tokenizer());
  const std::size_t prompt = request.prompt.size();
  std::vector<std::string> texts;
  texts.reserve(proposals.size());
  for (const Completion& proposal : proposals) texts.push_back(proposal.text);
  EncodeOptions plain;
  plain.bos = false;
  const std::vector<Token> suffix = tokenizer().encode(aggregation_suffix(texts), plain);
  request.prompt.insert(request.prompt.end(), suffix.begin(), suffix.end());
  const std::int32_t context = metered_.limits().n_ctx;
  if (request.prompt.size() >= static_cast<std::size_t>(context)) {
    throw Error("the aggregation prompt has " + std::to_string(request.prompt.size()) + " tokens (" +
                std::to_string(prompt) + " of the prompt, " + std::to_string(suffix.size()) + " of " +
                std::to_string(proposals.size()) + " proposals), the context holds " + std::to_string(context) +
                " with at least one to generate: lower --proposals or --proposal-tokens, or raise --ctx");
  }
  request.most_reused = static_cast<std::int32_t>(prompt);
  request.sampling.temperature = options.aggregate_temperature;
  return request;
}

Answer SelfMoaSession::generate(const GenerateOptions& options, const TextSink& sink) {
  check_options(options);
  RequestRun own(engine_, ledger(), proposal_request(options, proposals_of(0, ledger().size(), options.proposals)),
                 "proposal");
  ledger().set_phase(Phase::other);
  command(encode_options(options));
  Answer answer;
  answer.proposals = own.finish({});
  ledger().set_phase(Phase::other);
  for (int rank = 1; rank < ledger().size(); ++rank) {
    const std::int32_t count = proposals_of(rank, ledger().size(), options.proposals).size();
    for (std::int32_t i = 0; i < count; ++i) answer.proposals.push_back(recv_proposal(rank));
  }
  RequestRun aggregation(engine_, ledger(), aggregation_request(options, answer.proposals), "aggregation");
  answer.completion = std::move(aggregation.finish(sink).front());
  return answer;
}

// An empty message is the sign of a rank that is still at work.
Completion SelfMoaSession::recv_proposal(int rank) {
  for (;;) {
    const auto message = recv_message(ledger(), rank, Tag::text, Clock::now() + peer_timeout());
    if (!message.empty()) return decode_completion(message);
  }
}

void SelfMoaSession::work(std::span<const std::byte> payload) {
  const GenerateOptions options = decode_options(payload);
  check_options(options);
  const Range range = proposals_of(ledger().rank(), ledger().size(), options.proposals);
  if (range.size() == 0) return;
  RequestRun run(engine_, ledger(), proposal_request(options, range), "proposal");
  auto last_sign = Clock::now();
  const auto show_sign = [&] {
    if (Clock::now() < last_sign + peer_timeout() / 3) return;
    send_message(ledger(), 0, {}, Tag::text);
    last_sign = Clock::now();
  };
  const std::vector<Completion> proposals = run.finish({}, show_sign);
  ledger().set_phase(Phase::other);
  for (const Completion& proposal : proposals) send_message(ledger(), 0, encode_completion(proposal), Tag::text);
}

std::unique_ptr<Session> open_self_moa(Ledger& ledger, const JobOptions& options) {
  refuse_shares(options, kSelfMoaMode.name);
  auto model = load_together(ledger, options, kSelfMoaMode.name, Shard{});
  return std::make_unique<SelfMoaSession>(ledger, options, std::move(model));
}

}  // namespace

const Mode kSelfMoaMode{"self-moa", "every rank proposes answers of the whole model, rank 0 makes one of them",
                        open_self_moa};

}  // namespace covey
