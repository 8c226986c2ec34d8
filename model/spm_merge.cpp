#include "model/spm_merge.hpp"

#include <cstddef>
#include <limits>
#include <optional>
#include <queue>

#include "model/utf8.hpp"

namespace covey {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

/// A node of the list of symbols, which begins as the characters of the text. A symbol merged into its left neighbour
/// becomes empty.
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

class Merger {
 public:
  Merger(const Vocabulary& vocabulary, std::string_view text) : vocabulary_(vocabulary) {
    while (!text.empty()) {
      const std::size_t length = utf8_step(text).length;
      const std::size_t index = symbols_.size();
      symbols_.push_back({text.substr(0, length), index == 0 ? kNone : index - 1, index + 1});
      text.remove_prefix(length);
    }
    if (symbols_.empty()) return;
    symbols_.back().right = kNone;
    for (std::size_t i = 1; i < symbols_.size(); ++i) offer(i - 1, i);
  }

  void run() {
    while (!queue_.empty()) {
      const Merge merge = queue_.top();
      queue_.pop();
      Symbol& left = symbols_[merge.left];
      Symbol& right = symbols_[merge.right];
      if (left.text.empty() || right.text.empty() || left.text.size() + right.text.size() != merge.size) continue;
      left.text = std::string_view(left.text.data(), merge.size);
      left.right = right.right;
      right.text = {};
      if (left.right != kNone) symbols_[left.right].left = merge.left;
      if (left.left != kNone) offer(left.left, merge.left);
      if (left.right != kNone) offer(merge.left, left.right);
    }
  }

  void append_to(std::vector<Token>& tokens) const {
    for (const Symbol& symbol : symbols_) {
      if (!symbol.text.empty()) append(symbol.text, tokens);
    }
  }

 private:
  void offer(std::size_t left, std::size_t right) {
    const std::size_t size = symbols_[left].text.size() + symbols_[right].text.size();
    const std::optional<Token> token = vocabulary_.find_piece({symbols_[left].text.data(), size});
    if (token) queue_.push({vocabulary_.score(*token), left, right, size});
  }

  void append(std::string_view symbol, std::vector<Token>& tokens) const {
    if (const std::optional<Token> token = vocabulary_.find_piece(symbol)) {
      tokens.push_back(*token);
      return;
    }
    for (const char c : symbol) {
      if (!vocabulary_.byte_token(static_cast<std::uint8_t>(c))) {
        tokens.push_back(vocabulary_.unknown().value());
        return;
      }
    }
    for (const char c : symbol) tokens.push_back(vocabulary_.byte_token(static_cast<std::uint8_t>(c)).value());
  }

  const Vocabulary& vocabulary_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Merge> queue_;
};

}  // namespace

void spm_merge(const Vocabulary& vocabulary, std::string_view text, std::vector<Token>& tokens) {
  Merger merger(vocabulary, text);
  merger.run();
  merger.append_to(tokens);
}

}  // namespace covey
