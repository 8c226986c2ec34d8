// Finds tokens that are written out in a text and must not be cut: user-defined ones always, control ones on request.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/batch.hpp"

namespace covey {

/// A stretch of text: one special token, or what lies between them.
struct TextFragment {
  std::string_view text;
  std::optional<Token> token;
};

/// A set of tokens to look for. Where matches overlap the longest wins, wherever it begins; among equally long ones the
/// lowest id, then the leftmost.
class SpecialTokens {
 public:
  /// `text` must outlive the object. An empty text, or one added before, changes nothing.
  void add(std::string_view text, Token token);

  /// The fragments in order; none is empty, and together they are `text`.
  std::vector<TextFragment> split(std::string_view text) const;

 private:
  struct Match {
    std::size_t begin;
    std::size_t length;
    Token token;
  };
  std::optional<Match> longest_at(std::string_view text, std::size_t begin, std::size_t limit) const;
  std::vector<Match> matches(std::string_view text) const;

  std::unordered_map<std::string_view, Token> tokens_;
  std::array<std::vector<std::size_t>, 256> lengths_;  // of the texts that begin with a byte, longest first
};

}  // namespace covey
