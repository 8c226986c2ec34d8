#include "model/special_tokens.hpp"

#include <algorithm>
#include <map>
#include <queue>
#include <tuple>

namespace covey {

void SpecialTokens::add(std::string_view text, Token token) {
  if (text.empty() || !tokens_.try_emplace(text, token).second) return;
  std::vector<std::size_t>& lengths = lengths_[static_cast<std::uint8_t>(text[0])];
  const auto at = std::lower_bound(lengths.begin(), lengths.end(), text.size(), std::greater<>());
  if (at == lengths.end() || *at != text.size()) lengths.insert(at, text.size());
}

/// The longest match at `begin` of at most `limit` bytes.
std::optional<SpecialTokens::Match> SpecialTokens::longest_at(std::string_view text, std::size_t begin,
                                                              std::size_t limit) const {
  for (const std::size_t length : lengths_[static_cast<std::uint8_t>(text[begin])]) {
    if (length > limit) continue;
    const auto found = tokens_.find(text.substr(begin, length));
    if (found != tokens_.end()) return Match{begin, length, found->second};
  }
  return std::nullopt;
}

std::vector<SpecialTokens::Match> SpecialTokens::matches(std::string_view text) const {
  const auto later = [](const Match& a, const Match& b) {
    return std::make_tuple(b.length, a.token, a.begin) > std::make_tuple(a.length, b.token, b.begin);
  };
  std::priority_queue<Match, std::vector<Match>, decltype(later)> queue(later);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const auto match = longest_at(text, i, text.size() - i)) queue.push(*match);
  }

  // Each place offers its longest match. One that runs into a match already taken offers its next shorter one.
  std::map<std::size_t, Match> taken;  // by begin
  while (!queue.empty()) {
    const Match match = queue.top();
    queue.pop();
    const auto next = taken.upper_bound(match.begin);
    if (next != taken.begin()) {
      const Match& before = std::prev(next)->second;
      if (before.begin + before.length > match.begin) continue;
    }
    if (next != taken.end() && match.begin + match.length > next->first) {
      if (const auto shorter = longest_at(text, match.begin, next->first - match.begin)) queue.push(*shorter);
      continue;
    }
    taken.emplace(match.begin, match);
  }

  std::vector<Match> in_order;
  in_order.reserve(taken.size());
  for (const auto& [begin, match] : taken) in_order.push_back(match);
  return in_order;
}

std::vector<TextFragment> SpecialTokens::split(std::string_view text) const {
  std::vector<TextFragment> fragments;
  std::size_t end = 0;
  for (const Match& match : matches(text)) {
    if (match.begin > end) fragments.push_back({text.substr(end, match.begin - end), std::nullopt});
    fragments.push_back({text.substr(match.begin, match.length), match.token});
    end = match.begin + match.length;
  }
  if (end < text.size()) fragments.push_back({text.substr(end), std::nullopt});
  return fragments;
}

}  // namespace covey
