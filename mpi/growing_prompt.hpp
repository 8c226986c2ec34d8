// The prompt of an aggregation, which grows by one proposal after another, so that what is known of it can be evaluated
// while proposals are still being written.
//
//     [ prompt, shared with the proposals' ][ words, proposal 1, words, proposal 2, words ... ]
//                                           cut      cut      cut      cut      cut
//
// It is evaluated in these pieces, of equally many tokens, however the proposals come, so the answer does not depend on
// when they do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/engine.hpp"
#include "mpi/prompt_maker.hpp"

namespace covey {

class GrowingPrompt {
 public:
  /// For `proposals` texts (at least 1), after `synthesis` if that is not empty. `maker` must outlive the object.
  GrowingPrompt(const PromptMaker& maker, const GenerateOptions& options, std::int32_t proposals,
                std::string synthesis = {});

  /// The next proposal, in order.
  void add(std::string_view proposal);

  /// A request that evaluates what is known but not `evaluated` yet, and draws a token for nothing; nullopt if that is
  /// too little. `draft`: what is known of the proposal after the last; the tokens at its end may change when it goes
  /// on. At most `context` tokens.
  std::optional<Request> ahead(std::string_view draft, std::int32_t evaluated, std::int32_t context) const;

  /// The request that draws the answer, once all proposals are there. Throws ContextFull, saying what to lower.
  Request request(std::int32_t context);

 private:
  void begin(GenerateOptions options);
  std::vector<Token> encode(std::string_view text, bool special) const;
  void append(std::string_view text, bool special);
  bool is_what_the_template_says();
  void take_whole();

  const PromptMaker& maker_;
  GenerateOptions options_;
  std::int32_t count_;
  std::string synthesis_;
  std::vector<std::string> proposals_;
  std::optional<std::vector<std::string>> words_;  // (count + 1) around the proposals; nullopt: not that simple
  GenerateOptions asked_, first_;                  // of the question; of the words before the first proposal
  std::string text_;                               // what tokens_ were made of
  std::vector<Token> question_, tokens_;
  std::int32_t shared_ = 0;  // leading tokens that are the question's
};

}  // namespace covey
