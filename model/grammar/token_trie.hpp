// All tokens of a vocabulary, as bytes, in one tree: what tokens have in common is walked once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.hpp"

namespace covey::grammar {

/// Immutable; safe to use from many threads.
class TokenTrie {
 public:
  /// A node comes before those below it, and these before its next sibling.
  struct Node {
    std::uint32_t skip;         ///< the first node that isn't below this one
    std::uint32_t first_token;  ///< in tokens(); the node's own end where those of the next node begin
    std::uint32_t depth;        ///< bytes from the root, at least 1: the root itself is not stored
    std::uint8_t byte;
  };

  /// Tokens without a text (control tokens, …) and those that end a text have no place in the tree.
  explicit TokenTrie(const Tokenizer& tokenizer);

  std::int32_t vocabulary() const { return static_cast<std::int32_t>(begins_.size() - 1); }
  /// The token's text; empty if it isn't in the tree.
  std::string_view bytes(Token token) const {
    const auto at = static_cast<std::size_t>(token);
    return std::string_view(bytes_).substr(begins_[at], begins_[at + 1] - begins_[at]);
  }
  /// The tokens that end a text.
  const std::vector<Token>& ends() const { return ends_; }

  const std::vector<Node>& nodes() const { return nodes_; }  ///< one more behind the last, for its tokens' end
  std::size_t size() const { return nodes_.size() - 1; }
  std::span<const Token> tokens() const { return tokens_; }
  std::size_t depth() const { return depth_; }  ///< bytes of the longest token

 private:
  void build_nodes();

  std::string bytes_;                  // of all tokens, by id
  std::vector<std::uint32_t> begins_;  // (vocabulary + 1), in bytes_
  std::vector<Token> ends_;
  std::vector<Node> nodes_;
  std::vector<Token> tokens_;  // in order of their bytes
  std::size_t depth_ = 0;
};

}  // namespace covey::grammar
