#include "model/synth_rule.hpp"

#include <array>
#include <cmath>
#include <unordered_set>

namespace covey {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;  // the increment of splitmix64

std::uint64_t fnv1a64(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash;
}

std::vector<std::string> vocabulary_characters() {
  std::vector<std::string> characters{"\xE2\x96\x81"};  // U+2581, which stands for a space
  for (char c = 'a'; c <= 'z'; ++c) characters.emplace_back(1, c);
  for (char c = 'A'; c <= 'Z'; ++c) characters.emplace_back(1, c);
  for (const char c : std::string_view("0123456789.,!?'\"-+=*/():;")) characters.emplace_back(1, c);
  return characters;
}

}  // namespace

RandomWeights::RandomWeights(std::uint64_t seed, std::string_view name, float offset, float scale)
    : state_(fnv1a64(name) + (seed + 1) * kGolden), offset_(offset), scale_(scale) {}

void RandomWeights::fill(std::uint64_t first, std::span<float> out) const noexcept {
  std::uint64_t state = state_ + first * kGolden;
  for (float& weight : out) {
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    z = z ^ (z >> 31);
    // 24 bits: the signed conversion is exact, and has an instruction where the unsigned one does not.
    const float r = static_cast<float>(static_cast<std::int32_t>(z >> 40)) * 0x1p-23F - 1.0F;
    weight = offset_ + scale_ * r;
    state += kGolden;
  }
}

RandomVocabulary random_vocabulary(std::size_t size) {
  enum : std::int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6 };
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::size_t kScored = 259;  // tokens before this one score 0

  RandomVocabulary vocabulary;
  const auto add = [&](std::string token, std::int32_t type) {
    vocabulary.tokens.push_back(std::move(token));
    vocabulary.types.push_back(type);
  };
  add("<unk>", kUnknown);
  add("<s>", kControl);
  add("</s>", kControl);
  for (std::size_t byte = 0; byte < 256; ++byte) {
    add(std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">", kByte);
  }
  const std::vector<std::string> characters = vocabulary_characters();
  for (const std::string& character : characters) add(character, kNormal);

  const std::size_t n = characters.size();
  std::unordered_set<std::string> seen(vocabulary.tokens.begin(), vocabulary.tokens.end());
  for (std::size_t i = 0; vocabulary.tokens.size() < size; ++i) {
    std::string token = characters[i * 7 % n] + characters[(i * 13 + i / n) % n];
    if (i >= n * n / 2) token += characters[i * 5 % n] + std::to_string(i);
    if (seen.insert(token).second) add(std::move(token), kNormal);
  }
  vocabulary.tokens.resize(size);
  vocabulary.types.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    vocabulary.scores.push_back(i < kScored ? 0.0F : -static_cast<float>(i - kScored));
  }
  return vocabulary;
}

std::vector<float> random_model_rope_factors(std::size_t count) {
  std::vector<float> factors;
  const auto n = static_cast<double>(count);
  for (std::size_t i = 0; i < count; ++i) {
    factors.push_back(static_cast<float>(1.0 + 7.0 / (1.0 + std::exp(-(static_cast<double>(i) - n * 0.6)))));
  }
  return factors;
}

}  // namespace covey
