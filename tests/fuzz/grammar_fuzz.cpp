// Grammars and schemas that may say anything, and texts for them: each is used or refused, and masks say what trying
// each token says. The input: a grammar or schema, a zero byte, bytes that choose tokens.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "covey/error.hpp"
#include "model/grammar/gbnf.hpp"
#include "model/grammar/mask_cache.hpp"
#include "model/grammar/schema.hpp"
#include "tests/model/grammar_fixtures.hpp"

namespace {

using namespace covey::grammar;

void try_rules(const Rules& rules, std::string_view choices) {
  static const ListTokenizer tokenizer =
      byte_vocabulary({"\": ", "{\"", "ab", "\xF0\x9F", "\x98\x80", "0123", "\\u00", "true"});
  static const auto trie = std::make_shared<const TokenTrie>(tokenizer);
  MaskCache cache(automaton(rules), trie, 1 << 16);
  KeptState at = cache.start();
  for (const char choice : choices.substr(0, 24)) {
    const TokenMask mask = cache.mask(at);
    KeptState next;
    // The first token from there on that is allowed.
    for (covey::Token i = 0; i < tokenizer.size(); ++i) {
      const covey::Token token = (static_cast<unsigned char>(choice) + i) % tokenizer.size();
      const KeptState after = cache.after(at, token);
      const bool allowed =
          (mask[static_cast<std::size_t>(token) / 64] >> (static_cast<std::size_t>(token) % 64) & 1U) != 0;
      if (allowed != (after.state != kNoState)) std::abort();
      if (allowed && next.state == kNoState) next = after;
    }
    if (next.state == kNoState) {
      if (!at.space->may_end(at.state)) std::abort();  // every byte is a token: a text can always be ended
      return;
    }
    at = next;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view text = input.substr(0, input.find('\0'));
  const std::string_view choices = input.substr(std::min(text.size() + 1, input.size()));
  for (const auto parse : {parse_gbnf, parse_json_schema}) {
    try {
      try_rules(parse(text, "fuzz"), choices);
    } catch (const covey::Error&) {
    }
  }
  return 0;
}
