// A Batch as bytes, for the ranks that share a model. A token of decode takes three or four bytes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/batch.hpp"

namespace covey {

std::vector<std::byte> encode_batch(const Batch& batch);
/// Throws Error unless `bytes` are exactly one batch whose ids and lengths are >= 0. Whether they suit the model is
/// Stage's to check.
Batch decode_batch(std::span<const std::byte> bytes);

}  // namespace covey
