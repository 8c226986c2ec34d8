// Constraints from the texts that users give, for one vocabulary.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "covey/sampling.hpp"
#include "model/grammar/constraint.hpp"

namespace covey::grammar {

/// Keeps what it made of the grammars used last. Not for many threads at once.
class ConstraintMaker {
 public:
  /// `tokenizer` must outlive the object.
  explicit ConstraintMaker(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// What `params` demand of a text; nullopt if nothing. Throws Error naming what is wrong with the grammar or schema.
  /// `may_end` as for Constraint.
  std::optional<Constraint> make(const SamplingParams& params, bool may_end);

 private:
  struct Made {
    std::string grammar, json_schema;
    std::shared_ptr<MaskCache> masks;
  };
  const Tokenizer& tokenizer_;
  std::shared_ptr<const TokenTrie> trie_;  // made when first needed
  std::list<Made> made_;                   // the most recently used first
};

/// Throws Error, with `name` standing for the text, if it can't be used.
void check_grammar(const std::string& text, const std::string& name);
void check_json_schema(const std::string& text, const std::string& name);

}  // namespace covey::grammar
