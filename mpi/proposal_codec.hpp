// What travels between proposers and aggregator, as bytes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mpi/mode.hpp"

namespace covey {

/// What a rank needs to draw proposals or write an answer: all but quorum, aggregator, window, layers and extract,
/// which are rank 0's alone.
std::vector<std::byte> encode_options(const GenerateOptions& options);
/// Throws Error unless `bytes` are exactly one GenerateOptions. Whether the values make sense is the sampler's and the
/// engine's to check.
GenerateOptions decode_options(std::span<const std::byte> bytes);

/// A proposal with its tokens and log-probabilities.
std::vector<std::byte> encode_completion(const Completion& completion);
/// Throws Error unless `bytes` are exactly one Completion.
Completion decode_completion(std::span<const std::byte> bytes);

}  // namespace covey
