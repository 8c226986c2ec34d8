// What rank 0 asks of ranks that keep layers for it, as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/layer_source.hpp"

namespace covey {

struct LayerRequest {
  /// keep: answered by a message, empty or what went wrong; send: by the parts (remote_layers.hpp).
  enum class Kind : std::uint8_t { keep, send };
  Kind kind = Kind::send;
  StreamedLayer layer;            ///< of send: without parts
  std::uint64_t fingerprint = 0;  ///< keep: of the model that it is a layer of
};

std::vector<std::byte> encode_layer_request(const LayerRequest& request);
/// Throws Error unless `bytes` are exactly one LayerRequest. Whether there are such tensors is the reader's to check.
LayerRequest decode_layer_request(std::span<const std::byte> bytes);

}  // namespace covey
