// A way of working together. A mode is one file and one line of the list in mode.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "covey/sampling.hpp"
#include "model/engine.hpp"
#include "model/stage.hpp"
#include "mpi/exchange_options.hpp"
#include "mpi/ledger.hpp"
#include "mpi/transport.hpp"

namespace covey {

/// What the user asked for; the same on every rank (each parses the same command line).
struct JobOptions {
  std::string model_path;
  StageOptions stage;  ///< shard.shares: unequal parts; the rest of the shard is the mode's business
  ExchangeOptions exchange;
  std::chrono::milliseconds peer_timeout{30000};  ///< silence after which a peer counts as lost
};

/// A text whose tokens are known because they were drawn: the text alone could be cut otherwise.
struct KnownTokens {
  std::string text;
  std::vector<Token> tokens;  ///< BOS included
  bool operator==(const KnownTokens&) const = default;
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
  std::int32_t sequences = 1;          ///< continuations drawn together; see Mode::many_sequences
  std::int32_t proposals = 6;          ///< self-moa: n
  std::int32_t proposal_tokens = -1;   ///< self-moa: most tokens of one proposal; -1: as max_tokens
  float aggregate_temperature = 0.0F;  ///< self-moa
  /// self-moa, rank 0: the prompt of the aggregation, from the proposals' texts; empty: `prompt`, then
  /// aggregation_suffix().
  std::function<std::string(std::span<const std::string> proposals)> aggregation;
};

struct Answer {
  Completion completion;
  std::vector<Completion> proposals;  ///< self-moa: in order of their index, whatever rank made them
  std::vector<Completion> others;     ///< of several sequences, all but the first
};

/// Thrown by a TextSink to end the answer: generate() returns what there is, as Finish::cancelled.
struct StopAnswer {};

/// Called on rank 0 after each of its forward passes, with the text of the answer that has appeared; often that is
/// none. What it throws ends the answer, and leaves the session usable.
using TextSink = std::function<void(std::string_view text)>;

/// One rank's side of a mode, made by all ranks together. Rank 0 calls the functions below, then close(); the others
/// call serve().
/// Whoever catches an exception of a session and gives it up calls fail() of its transport, so that the other ranks
/// don't wait. A session stays usable after an Error about its arguments (a prompt over the context, …).
class Session {
 public:
  virtual ~Session() = default;

  /// Rank 0: answers a prompt.
  virtual Answer generate(const GenerateOptions& options, const TextSink& sink) = 0;
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

/// solo, pipeline, tensor, hybrid, self-moa.
std::span<const Mode> modes();
/// Throws Error listing the modes if there is none of this name.
const Mode& find_mode(std::string_view name);

}  // namespace covey
