#include "model/text_stream.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace covey {

TextStream::TextStream(const Tokenizer& tokenizer, std::vector<std::string> stop)
    : detokenizer_(tokenizer, false), stop_(std::move(stop)) {
  std::erase_if(stop_, [](const std::string& s) { return s.empty(); });
}

std::string TextStream::push(Token token) { return release(detokenizer_.push(token), false); }

std::string TextStream::finish() { return release(detokenizer_.finish(), true); }

std::string TextStream::release(const std::string& text, bool last) {
  if (stopped_) return {};
  std::string all = std::exchange(held_, {}) + text;
  std::size_t end = std::string::npos;
  for (const auto& stop : stop_) end = std::min(end, all.find(stop));
  if (end != std::string::npos) {
    stopped_ = true;
    all.resize(end);
    return all;
  }
  if (last) return all;
  // Hold back the longest tail that is the beginning of a stop string.
  std::size_t hold = 0;
  for (const auto& stop : stop_) {
    for (std::size_t n = std::min(stop.size() - 1, all.size()); n > hold; --n) {
      if (std::string_view(all).ends_with(std::string_view(stop).substr(0, n))) hold = n;
    }
  }
  held_ = all.substr(all.size() - hold);
  all.resize(all.size() - hold);
  return all;
}

}  // namespace covey
