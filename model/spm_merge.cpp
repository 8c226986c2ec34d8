#include "model/spm_merge.hpp"

#include <cstddef>
#include <limits>
#include <optional>
#include <queue>

#include "third_party_free_formats/utf8.hpp"

namespace covey {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

/// A node of the list of symbols, which begins as the characters of a stretch of text. A symbol merged into its left
/// neighbour becomes empty.
struct Symbol {
  std::string_view text;
  std::size_t left;
  std::size_t right;
};

/// A union of two neighbours that is in the vocabulary. Out of date once either has changed, which its size tells:
/// symbols only grow or become empty.
struct Merge {
  float score;
  std::size_t left;
  std::size_t right;
  std::size_t size;

  bool operator<(const Merge& other) const {  // comes later
    return score != other.score ? score < other.score : left > other.left;
  }
};

/// Works through stretches of text one after the other, in the same memory.
class Merger {
 public:
  Merger(const Vocabulary& vocabulary, std::vector<Token>& tokens) : vocabulary_(vocabulary), tokens_(tokens) {}

  void add_character(std::string_view text) {
    const std::size_t index = symbols_.size();
    symbols_.push_back({text, index == 0 ? kNone : index - 1, kNone});
    if (index > 0) symbols_[index - 1].right = index;
  }

  /// Ends the stretch: merges its characters and appends the tokens.
  void finish() {
    for (std::size_t i = 1; i < symbols_.size(); ++i) offer(i - 1, i);
    while (!queue_.empty()) {
      const Merge merge = queue_.top();
      queue_.pop();
      apply(merge);
    }
    for (const Symbol& symbol : symbols_) {
      if (!symbol.text.empty()) append(symbol.text);
    }
    symbols_.clear();
  }

 private:
  void offer(std::size_t left, std::size_t right) {
    const std::size_t size = symbols_[left].text.size() + symbols_[right].text.size();
    const std::optional<Token> token = vocabulary_.find_piece({symbols_[left].text.data(), size});
    if (token) queue_.push({vocabulary_.score(*token), left, right, size});
  }

  void apply(const Merge& merge) {
    Symbol& left = symbols_[merge.left];
    Symbol& right = symbols_[merge.right];
    if (left.text.empty() || right.text.empty() || left.text.size() + right.text.size() != merge.size) return;
    left.text = std::string_view(left.text.data(), merge.size);
    left.right = right.right;
    right.text = {};
    if (left.right != kNone) symbols_[left.right].left = merge.left;
    if (left.left != kNone) offer(left.left, merge.left);
    if (left.right != kNone) offer(merge.left, left.right);
  }

  void append(std::string_view symbol) {
    if (const std::optional<Token> token = vocabulary_.find_piece(symbol)) {
      tokens_.push_back(*token);
      return;
    }
    const std::size_t before = tokens_.size();
    for (const char c : symbol) {
      const std::optional<Token> token = vocabulary_.byte_token(static_cast<std::uint8_t>(c));
      if (!token) {  // a character is spelled whole or not at all
        tokens_.resize(before);
        tokens_.push_back(vocabulary_.unknown().value());
        return;
      }
      tokens_.push_back(*token);
    }
  }

  const Vocabulary& vocabulary_;
  std::vector<Token>& tokens_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Merge> queue_;
};

}  // namespace

SpmMerge::SpmMerge(const Vocabulary& vocabulary) : vocabulary_(&vocabulary) {
  for (Token token = 0; token < vocabulary.size(); ++token) {
    // Only what find_piece() finds can be merged.
    if (vocabulary.find_piece(vocabulary.text(token)) == token) neighbours_.add(vocabulary.text(token));
  }
}

void SpmMerge::cut(std::string_view text, std::vector<Token>& tokens) const {
  Merger merger(*vocabulary_, tokens);
  std::string_view left;
  while (!text.empty()) {
    const std::string_view right = text.substr(0, utf8_step(text).length);
    if (!left.empty() && !neighbours_.may_join(left, right)) merger.finish();
    merger.add_character(right);
    text.remove_prefix(right.size());
    left = right;
  }
  merger.finish();
}

}  // namespace covey
