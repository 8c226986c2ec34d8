#include "model/grammar/token_trie.hpp"

#include <algorithm>
#include <numeric>

#include "covey/error.hpp"

namespace covey::grammar {

TokenTrie::TokenTrie(const Tokenizer& tokenizer) {
  begins_.reserve(static_cast<std::size_t>(tokenizer.size()) + 1);
  begins_.push_back(0);
  for (Token token = 0; token < tokenizer.size(); ++token) {
    if (tokenizer.ends_text(token)) {
      ends_.push_back(token);
    } else {
      bytes_ += tokenizer.piece(token, false);
    }
    if (bytes_.size() >= 0xFFFFFFFF) throw Error("the vocabulary is too large for a grammar: over 4 GiB of text");
    begins_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  }
  build_nodes();
}

void TokenTrie::build_nodes() {
  tokens_.resize(begins_.size() - 1);
  std::iota(tokens_.begin(), tokens_.end(), 0);
  std::erase_if(tokens_, [this](Token token) { return bytes(token).empty(); });
  std::ranges::sort(tokens_, [this](Token a, Token b) {
    const int order = bytes(a).compare(bytes(b));
    return order != 0 ? order < 0 : a < b;
  });

  std::vector<std::uint32_t> path;  // the nodes of the token before
  std::string_view before;
  const auto close = [&](std::size_t kept) {
    for (; path.size() > kept; path.pop_back()) nodes_[path.back()].skip = static_cast<std::uint32_t>(nodes_.size());
  };
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view text = bytes(tokens_[i]);
    const auto differ = std::mismatch(before.begin(), before.end(), text.begin(), text.end());
    close(static_cast<std::size_t>(differ.second - text.begin()));
    // A node's tokens are those up to the next node's: the ones above the last are still to come.
    while (path.size() < text.size()) {
      const auto byte = static_cast<std::uint8_t>(text[path.size()]);
      path.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({0, i, static_cast<std::uint32_t>(path.size()), byte});
    }
    before = text;
    depth_ = std::max(depth_, text.size());
  }
  close(0);
  nodes_.push_back({static_cast<std::uint32_t>(nodes_.size() + 1), static_cast<std::uint32_t>(tokens_.size()), 0, 0});
}

}  // namespace covey::grammar
