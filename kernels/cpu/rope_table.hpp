// Cosines and sines of a rotary embedding for the tokens of one batch: the same for all layers and heads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/device.hpp"

namespace covey {

class RopeTable {
 public:
  /// Throws Error for frequencies that are not finite.
  explicit RopeTable(RopeSpec spec);

  const RopeSpec& spec() const { return spec_; }
  std::int32_t pairs() const { return static_cast<std::int32_t>(spec_.inverse_frequency.size()); }

  /// Allocates for up to `tokens` tokens.
  void reserve(std::int32_t tokens);
  /// Fills the table, unless `pass` is the one it was filled for. Passes are numbered from 1.
  void prepare(std::uint64_t pass, std::span<const std::int32_t> position);

  const float* cosine(std::int32_t token) const { return cosine_.data() + offset(token); }  // (pairs), times magnitude
  const float* sine(std::int32_t token) const { return sine_.data() + offset(token); }      // (pairs), times magnitude

  std::size_t memory_bytes() const { return (cosine_.capacity() + sine_.capacity()) * sizeof(float); }

 private:
  std::size_t offset(std::int32_t token) const {
    return static_cast<std::size_t>(token) * spec_.inverse_frequency.size();
  }

  RopeSpec spec_;
  std::uint64_t pass_ = 0;
  std::vector<float> cosine_;  // (tokens, pairs)
  std::vector<float> sine_;    // (tokens, pairs)
};

}  // namespace covey
