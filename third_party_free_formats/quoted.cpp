#include "third_party_free_formats/quoted.hpp"

namespace covey {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result = "'";
  for (const char c : text.substr(0, kLongest)) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code < 0x7F) {
      result += c;
    } else {
      result += {'\\', 'x', kDigits[code >> 4], kDigits[code & 15]};
    }
  }
  return result + (text.size() > kLongest ? "…'" : "'");
}

}  // namespace covey
