// The arithmetic and the reading that forward passes cannot do without: what a measurement is compared with, and what a
// forecast starts from.
#pragma once

#include <cstdint>

#include "kernels/device.hpp"

namespace covey {

/// Of one rank's share of a model. Norms, rotary embedding, attention's own arithmetic, activations and the rows of the
/// embedding are not counted: they are small beside the matrices, or grow with the context.
struct StageWork {
  MatrixCost layers;                 ///< matrices that every token of a pass meets
  MatrixCost head;                   ///< what is held of the output matrix, for tokens whose logits are wanted
  std::uint64_t kv_token_bytes = 0;  ///< keys and values of one cached token, all layers, with a window or without
};

/// Of one pass, or several.
struct PassWork {
  std::uint64_t int8_operations = 0;  ///< a multiply-add is two
  std::uint64_t float_operations = 0;
  std::uint64_t bytes = 0;  ///< read: matrices, keys and values

  PassWork& operator+=(const PassWork& other) {
    int8_operations += other.int8_operations;
    float_operations += other.float_operations;
    bytes += other.bytes;
    return *this;
  }
  bool operator==(const PassWork&) const = default;
};

/// A pass of `tokens` tokens, `wanted` of which want logits, which reads `cached` cached tokens: those of blocks that
/// several sequences share, once.
constexpr PassWork pass_work(const StageWork& stage, std::uint64_t tokens, std::uint64_t wanted, std::uint64_t cached) {
  PassWork work;
  work.int8_operations = 2 * (stage.layers.int8_weights * tokens + stage.head.int8_weights * wanted);
  work.float_operations = 2 * (stage.layers.float_weights * tokens + stage.head.float_weights * wanted);
  work.bytes = stage.kv_token_bytes * cached;
  if (tokens > 0) work.bytes += stage.layers.bytes;
  if (wanted > 0) work.bytes += stage.head.bytes;
  return work;
}

}  // namespace covey
