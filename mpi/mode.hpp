// A way of working together. A mode is one file and one line of the list in mode.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "covey/sampling.hpp"
#include "model/chat_template.hpp"
#include "model/engine.hpp"
#include "model/stage.hpp"
#include "mpi/exchange_options.hpp"
#include "mpi/ledger.hpp"
#include "mpi/transport.hpp"

namespace covey {

/// What the user asked for; the same on every rank (each parses the same command line).
struct JobOptions {
  std::string model_path;
  std::vector<std::string> models;  ///< moa: rank r holds models[r % size]; empty: all hold `model_path`
  StageOptions stage;               ///< shard.shares: unequal parts; the rest of the shard is the mode's business
  ExchangeOptions exchange;
  /// solo, under a memory limit: layers that have no room there come from the other ranks, not from the file.
  bool layers_from_ranks = false;
  std::chrono::milliseconds peer_timeout{30000};  ///< silence after which a peer counts as lost
  /// A split model goes on with the ranks that are left when one is lost; else that is an error. To be switched off
  /// where the launcher ends them all in that case.
  bool regroups = true;
};

/// A text whose tokens are known because they were drawn: the text alone could be cut otherwise.
struct KnownTokens {
  std::string text;
  std::vector<Token> tokens;  ///< BOS included
  bool operator==(const KnownTokens&) const = default;
};

/// A prompt as a conversation, from which ranks with models of their own make the prompts of their chat templates.
struct ChatQuestion {
  std::vector<ChatMessage> messages;
  std::string chat_template;  ///< as ChatTemplate::choose() takes it
};

struct GenerateOptions {
  std::string prompt;
  KnownTokens known;  ///< stands for the beginning of the prompt, where the prompt begins with its text
  SamplingParams sampling;
  std::int32_t max_tokens = -1;
  std::vector<std::string> stop;
  bool bos = true;
  bool special = false;  ///< parse special tokens in the prompt
  bool ignore_eos = false;
  std::int32_t sequences = 1;  ///< continuations drawn together; see Mode::many_sequences

  // Collaboration; docs/collaboration.md.
  std::optional<ChatQuestion> chat;    ///< what `prompt` was made of, where that is a conversation
  std::int32_t proposals = 6;          ///< n
  std::int32_t proposal_tokens = -1;   ///< most tokens of one proposal; -1: as max_tokens
  float aggregate_temperature = 0.0F;  ///< of what is written from proposals
  std::string prompt_template;         ///< Jinja that makes the aggregation's prompt; empty: the mode's own
  std::int32_t quorum = 0;             ///< go on with the first so many of n proposals; 0: wait for all
  bool backup = false;                 ///< self-moa: ranks that are done draw samples of much slower ones, too
  std::int32_t aggregator = 0;         ///< the rank that writes the answer
  std::int32_t window = 6;             ///< self-moa-seq: texts in one prompt, the synthesis so far included
  std::int32_t layers = 2;             ///< moa: the aggregation is the last
  std::string extract;                 ///< vote: an AnswerRule; empty: its default
};

/// What became of a proposal.
enum class Use : std::uint8_t { used, late, lost };

struct Proposal : Completion {
  std::int32_t index = 0;  ///< 0 .. n - 1, whatever rank makes it; moa: from 0 in each layer
  std::int32_t layer = 0;  ///< of moa
  std::int32_t rank = 0;   ///< that made it, or should have
  Use use = Use::used;     ///< late: cancelled, there was a quorum without it; lost: its rank is
  std::string extracted;   ///< vote: what was counted; empty: nothing could be
};

struct Answer {
  Completion completion;
  std::vector<Proposal> proposals;      ///< in order of layer and index; none in modes without
  std::int32_t chosen = -1;             ///< index of the proposal that is the answer; -1: it was written from them
  std::vector<LostRank> lost = {};      ///< since the answer before
  std::vector<Completion> others = {};  ///< of several sequences, all but the first
};

/// Thrown by a TextSink to end the answer: generate() returns what there is, as Finish::cancelled.
struct StopAnswer {};

/// Called on rank 0 after each of its forward passes, with the text of the answer that has appeared; often that is
/// none. What it throws ends the answer, and leaves the session usable.
using TextSink = std::function<void(std::string_view text)>;

/// A sink that tells `sink` of passes and keeps the text to itself; empty if `sink` is.
TextSink silent_sink(const TextSink& sink);

/// One rank's side of a mode, made by all ranks together. Rank 0 calls the functions below, then close(); the others
/// call serve().
/// Whoever catches an exception of a session and gives it up calls fail() of its transport, so that the other ranks
/// don't wait. A session stays usable after an Error about its arguments (a prompt over the context, …).
class Session {
 public:
  virtual ~Session() = default;

  /// Rank 0: answers a prompt.
  virtual Answer generate(const GenerateOptions& options, const TextSink& sink) = 0;
  /// Rank 0: answers many prompts, together where the mode can. `sink` is called after each forward pass, without text;
  /// StopAnswer ends the call: answers that have not ended are Finish::cancelled.
  virtual std::vector<Answer> generate_all(std::span<const GenerateOptions> questions, const TextSink& sink);
  /// Rank 0: evaluates batches directly (logits, perplexity). Throws Error in modes where no single model is evaluated.
  virtual Runner& runner() = 0;
  virtual const Tokenizer& tokenizer() const = 0;
  virtual const ModelFacts& facts() const = 0;
  /// Rank 0: ends the other ranks' serve() and gathers all accounts, in order of ranks.
  virtual std::vector<RankReport> close() = 0;
  /// Other ranks: works for rank 0 until it closes.
  virtual void serve() = 0;
};

struct Mode {
  std::string_view name;
  std::string_view summary;
  /// Collective: loads this rank's share; throws Error on every rank if any rank fails, naming that rank.
  std::unique_ptr<Session> (*open)(Ledger& ledger, const JobOptions& options);
  /// Whether generate() heeds GenerateOptions::sequences.
  bool many_sequences = false;
};

/// In the order in which they are shown.
std::span<const Mode> modes();
/// Throws Error listing the modes if there is none of this name.
const Mode& find_mode(std::string_view name);

}  // namespace covey
