#include "model/bpe_merges.hpp"

#include <bit>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_set>

#include "covey/error.hpp"
#include "model/random.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

constexpr std::string_view kMerges = "tokenizer.ggml.merges";
constexpr Token kSpecial = -1;

[[noreturn]] void fail(const GgufFile& file, const std::string& what) {
  throw Error(file.path() + ": " + std::string(kMerges) + " " + what);
}

}  // namespace

BpeMerges::BpeMerges(const GgufFile& file, const Vocabulary& vocabulary) {
  const std::vector<std::string>* const merges = file.strings(kMerges);
  if (merges == nullptr) fail(file, "is missing: text can't be cut into this vocabulary's tokens without it");
  if (merges->size() > std::numeric_limits<std::uint32_t>::max()) fail(file, "has more entries than can be ranked");
  slots_.resize(std::bit_ceil(merges->size() + merges->size() / 3 + 1));

  // They have been set apart before anything is merged, so a merge with one never comes to pass.
  std::unordered_set<std::string_view> special;
  for (Token token = 0; token < vocabulary.size(); ++token) {
    if (vocabulary.find_piece(vocabulary.text(token)) == std::nullopt) special.insert(vocabulary.text(token));
  }

  std::string both;
  for (std::size_t rank = 0; rank < merges->size(); ++rank) {
    const std::string_view merge = (*merges)[rank];
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      fail(file,
           "has at " + std::to_string(rank) + " " + in_quotes(merge) + ", which is not two texts and a space between");
    }
    const std::string_view left = merge.substr(0, space), right = merge.substr(space + 1);
    both.assign(left).append(right);
    const auto token_of = [&](std::string_view text) {
      const std::optional<Token> token = vocabulary.find_piece(text);
      if (!token && !special.contains(text)) {
        fail(file, "has at " + std::to_string(rank) + " " + in_quotes(merge) + ", but " + in_quotes(text) +
                       " is not in the vocabulary");
      }
      return token.value_or(kSpecial);
    };
    const Slot entry{token_of(left), token_of(right), {static_cast<std::uint32_t>(rank), token_of(both)}};
    if (entry.left == kSpecial || entry.right == kSpecial || entry.merge.token == kSpecial) continue;
    Slot& slot = slots_[slot_of(entry.left, entry.right)];
    if (slot.left < 0) slot = entry;
  }
}

/// Where the pair is, or the empty slot where it would be.
std::size_t BpeMerges::slot_of(Token left, Token right) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = mix_bits(std::uint64_t{static_cast<std::uint32_t>(left)} << 32U | static_cast<std::uint32_t>(right));
  while (true) {
    at &= mask;
    if (slots_[at].left < 0 || (slots_[at].left == left && slots_[at].right == right)) return at;
    ++at;
  }
}

std::optional<BpeMerge> BpeMerges::find(Token left, Token right) const {
  const Slot& slot = slots_[slot_of(left, right)];
  if (slot.left < 0) return std::nullopt;
  return slot.merge;
}

}  // namespace covey
