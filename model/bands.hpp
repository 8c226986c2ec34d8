// How a residual stream is cut in bands of neighbouring columns, which travel while others are computed.
#pragma once

#include <cstdint>

#include "kernels/device.hpp"

namespace covey {

inline constexpr std::int32_t kMostBands = 4;

/// Columns of a band of `n_embd`; n_embd where it can't be cut in bands.
constexpr std::int32_t band_width(std::int32_t n_embd) {
  for (std::int32_t bands = kMostBands; bands > 1; --bands) {
    if (n_embd % (bands * kBandRows) == 0) return n_embd / bands;
  }
  return n_embd;
}

}  // namespace covey
