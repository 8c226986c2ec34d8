#include "model/pre_tokenizer.hpp"

#include <cstddef>
#include <utility>

#include "third_party_free_formats/utf8.hpp"

namespace covey {
namespace {

/// The length of the longest beginning of `text`, not empty, that is all valid UTF-8 or all not.
std::size_t alike(std::string_view text, bool valid) {
  std::size_t end = 0;
  while (end < text.size()) {
    const Utf8Step step = utf8_step(text.substr(end));
    if ((step.state == Utf8State::complete) != valid) break;
    end += step.length;
  }
  return end;
}

}  // namespace

PreTokenizer::PreTokenizer(const PreTokenizerRule& rule) {
  for (const std::string_view expression : rule.expressions) {
    if (!expression.empty()) expressions_.emplace_back(expression);
  }
}

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  std::vector<std::string_view> pieces, cut;
  while (!text.empty()) {
    pieces.push_back(text.substr(0, alike(text, utf8_step(text).state == Utf8State::complete)));
    text.remove_prefix(pieces.back().size());
  }
  for (const Regex& expression : expressions_) {
    cut.clear();
    expression.cut(pieces, cut);
    std::swap(pieces, cut);
  }
  return pieces;
}

}  // namespace covey
