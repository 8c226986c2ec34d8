// Frequencies of the rotary position embedding, with the ways of stretching the context.
#pragma once

#include <span>

#include "kernels/device.hpp"
#include "model/hyper_params.hpp"

namespace covey {

/// `freq_factors` (dims / 2, or empty) divide the frequencies: the tensors with which Llama 3.1 and Phi 3 stretch their
/// contexts.
///
/// Linear scaling (Chen et al. 2023, arXiv:2306.15595) divides every frequency by the factor. YaRN (Peng et al. 2023,
/// arXiv:2309.00071) divides only those that turn slowly, blends in between, and raises the magnitude by 1 + 0.1
/// ln(factor).
RopeSpec make_rope(const RopeParams& params, RopePairs pairs, std::span<const float> freq_factors);

}  // namespace covey
