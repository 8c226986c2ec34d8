#include "model/grammar/constraint_maker.hpp"

#include <algorithm>
#include <utility>

#include "covey/error.hpp"
#include "model/grammar/gbnf.hpp"
#include "model/grammar/schema.hpp"

namespace covey::grammar {
namespace {

constexpr std::size_t kMostKept = 4;
constexpr std::size_t kBytesOfOne = std::size_t{16} << 20U;

std::shared_ptr<const Automaton> automaton_of(const Rules& rules, const std::string& name) {
  try {
    return std::make_shared<const Automaton>(rules);
  } catch (const Error& error) {
    throw Error(name + ": " + error.what());
  }
}

}  // namespace

std::optional<Constraint> ConstraintMaker::make(const SamplingParams& params, bool may_end) {
  if (!params.constrained()) return std::nullopt;
  if (!params.grammar.empty() && !params.json_schema.empty()) {
    throw Error("sampling: a grammar and a JSON schema are given: give one of them");
  }
  const auto known = std::ranges::find_if(made_, [&](const Made& made) {
    return made.grammar == params.grammar && made.json_schema == params.json_schema;
  });
  if (known != made_.end()) {
    made_.splice(made_.begin(), made_, known);
  } else {
    const bool is_schema = params.grammar.empty();
    const std::string name = is_schema ? "JSON schema" : "grammar";
    auto automaton =
        automaton_of(is_schema ? parse_json_schema(params.json_schema, name) : parse_gbnf(params.grammar, name), name);
    if (!trie_) trie_ = std::make_shared<const TokenTrie>(tokenizer_);
    made_.push_front(
        {params.grammar, params.json_schema, std::make_shared<MaskCache>(std::move(automaton), trie_, kBytesOfOne)});
    if (made_.size() > kMostKept) made_.pop_back();
  }
  return Constraint(made_.front().masks, may_end);
}

void check_grammar(const std::string& text, const std::string& name) { automaton_of(parse_gbnf(text, name), name); }

void check_json_schema(const std::string& text, const std::string& name) {
  automaton_of(parse_json_schema(text, name), name);
}

}  // namespace covey::grammar
