#include "model/neighbours.hpp"

#include <cstddef>

#include "model/random.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey {
namespace {

constexpr unsigned kHashBits = 18;  // 32 KB; a vocabulary holds some thousands of pairs

std::uint64_t bytes_of(std::string_view character) {
  std::uint64_t bytes = 0;
  for (const char c : character) bytes = bytes << 8U | static_cast<std::uint8_t>(c);
  return bytes;
}

std::size_t hash(std::string_view left, std::string_view right) {
  return mix_bits(bytes_of(left) << 32U | bytes_of(right)) >> (64U - kHashBits);
}

}  // namespace

Neighbours::Neighbours() : seen_(std::size_t{1} << kHashBits) {}

void Neighbours::add(std::string_view text) {
  std::string_view left;
  while (!text.empty()) {
    const std::string_view right = text.substr(0, utf8_step(text).length);
    if (!left.empty()) seen_[hash(left, right)] = true;
    text.remove_prefix(right.size());
    left = right;
  }
}

bool Neighbours::may_join(std::string_view left, std::string_view right) const { return seen_[hash(left, right)]; }

}  // namespace covey
