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

std::int32_t shared_beginning(const std::vector<Token>& a, const std::vector<Token>& b) {
  return static_cast<std::int32_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

bool was_stopped(const std::vector<Completion>& proposals) {
  return std::ranges::any_of(proposals, [](const Completion& one) { return one.finish == Finish::cancelled; });
}

Answer stopped(Answer answer) {
  answer.completion.finish = Finish::cancelled;
  return answer;
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
        engine_(metered_, *model_->tokenizer),
        owed_(static_cast<std::size_t>(account.size())) {}

  Answer generate(const GenerateOptions& options, const TextSink& sink) override;
  Runner& runner() override { return metered_; }
  const Tokenizer& tokenizer() const override { return *model_->tokenizer; }
  const ModelFacts& facts() const override { return model_->facts; }

 protected:
  void work(std::span<const std::byte> payload) override;
  void settle() override;

 private:
  RequestRun propose(const GenerateOptions& options, Range range);
  Request aggregation_request(const GenerateOptions& options, const std::vector<Completion>& proposals) const;
  void recv_proposals(const TextSink& sink, std::vector<Completion>& proposals);
  Completion recv_proposal(int rank);

  std::unique_ptr<LoadedModel> model_;
  LocalRunner local_;
  MeteredRunner metered_;
  Engine engine_;
  std::vector<Token> last_prompt_;
  std::vector<std::int32_t> owed_;  // (ranks) rank 0: proposals still to come from each
};

// What is reused of the prompt before is the same on all ranks, whatever proposals of it each has in its cache: so the
// prompt is evaluated in the same pieces everywhere.
RequestRun SelfMoaSession::propose(const GenerateOptions& options, Range range) {
  Request request = continuation(options, tokenizer());
  if (options.proposal_tokens >= 0) request.max_tokens = options.proposal_tokens;
  request.samples = range.size();
  // A grammar is for what the user reads. Proposals say the same freely, and the aggregation puts it in form.
  request.sampling.grammar.clear();
  request.sampling.json_schema.clear();
  request.first_sample = static_cast<std::uint64_t>(range.first);
  request.most_reused = shared_beginning(request.prompt, last_prompt_);
  RequestRun run(engine_, ledger(), request, "proposal");
  last_prompt_ = std::move(request.prompt);
  return run;
}

Request SelfMoaSession::aggregation_request(const GenerateOptions& options,
                                            const std::vector<Completion>& proposals) const {
  Request request = continuation(options, tokenizer());
  std::vector<std::string> texts;
  texts.reserve(proposals.size());
  for (const Completion& proposal : proposals) texts.push_back(proposal.text);
  std::int32_t shared = static_cast<std::int32_t>(request.prompt.size());
  if (options.aggregation) {
    GenerateOptions rendered = options;
    rendered.prompt = options.aggregation(texts);
    std::vector<Token> prompt = continuation(rendered, tokenizer()).prompt;
    shared = shared_beginning(request.prompt, prompt);
    request.prompt = std::move(prompt);
  } else {
    // Prompt and suffix are tokenized apart, so that the aggregation begins with exactly the prompt's tokens.
    EncodeOptions plain;
    plain.bos = false;
    const std::vector<Token> suffix = tokenizer().encode(aggregation_suffix(texts), plain);
    request.prompt.insert(request.prompt.end(), suffix.begin(), suffix.end());
  }
  const std::int32_t context = metered_.limits().n_ctx;
  if (request.prompt.size() >= static_cast<std::size_t>(context)) {
    const std::size_t added = request.prompt.size() - static_cast<std::size_t>(shared);
    throw ContextFull("the aggregation prompt has " + std::to_string(request.prompt.size()) + " tokens (" +
                      std::to_string(shared) + " of the prompt, " + std::to_string(added) + " of " +
                      std::to_string(proposals.size()) + " proposals), the context holds " + std::to_string(context) +
                      " with at least one to generate: lower --proposals or --proposal-tokens, or raise --ctx");
  }
  request.most_reused = shared;
  request.sampling.temperature = options.aggregate_temperature;
  return request;
}

Answer SelfMoaSession::generate(const GenerateOptions& options, const TextSink& sink) {
  check_options(options);
  ledger().set_phase(Phase::other);
  settle();
  RequestRun own = propose(options, proposals_of(0, ledger().size(), options.proposals));
  command(encode_options(options));
  for (int rank = 1; rank < ledger().size(); ++rank) {
    owed_[static_cast<std::size_t>(rank)] = proposals_of(rank, ledger().size(), options.proposals).size();
  }
  Answer answer;
  const TextSink silent = sink ? TextSink([&](std::string_view) { sink({}); }) : TextSink();
  answer.proposals = own.finish(silent);
  ledger().set_phase(Phase::other);
  if (was_stopped(answer.proposals)) return stopped(std::move(answer));
  try {
    recv_proposals(silent, answer.proposals);
  } catch (const StopAnswer&) {
    return stopped(std::move(answer));
  }
  RequestRun aggregation(engine_, ledger(), aggregation_request(options, answer.proposals), "aggregation");
  answer.completion = std::move(aggregation.finish(sink).front());
  return answer;
}

void SelfMoaSession::recv_proposals(const TextSink& sink, std::vector<Completion>& proposals) {
  for (int rank = 1; rank < ledger().size(); ++rank) {
    while (owed_[static_cast<std::size_t>(rank)] > 0) {
      if (sink) sink({});
      proposals.push_back(recv_proposal(rank));
    }
  }
}

void SelfMoaSession::settle() {
  std::vector<Completion> unwanted;
  recv_proposals({}, unwanted);
}

// An empty message is the sign of a rank that is still at work.
Completion SelfMoaSession::recv_proposal(int rank) {
  for (;;) {
    const auto message = recv_message(ledger(), rank, Tag::text, Clock::now() + peer_timeout());
    if (message.empty()) continue;
    --owed_[static_cast<std::size_t>(rank)];
    return decode_completion(message);
  }
}

void SelfMoaSession::work(std::span<const std::byte> payload) {
  const GenerateOptions options = decode_options(payload);
  check_options(options);
  const Range range = proposals_of(ledger().rank(), ledger().size(), options.proposals);
  if (range.size() == 0) return;
  RequestRun run = propose(options, range);
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
