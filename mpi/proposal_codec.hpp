// What travels between proposers and aggregator, as bytes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mpi/mode.hpp"

namespace covey {

/// All but what is rank 0's alone: `aggregation`, and the grammar or JSON schema, which bind the answer, not proposals.
std::vector<std::byte> encode_options(const GenerateOptions& options);
/// Throws Error unless `bytes` are exactly one GenerateOptions. Whether the values make sense is the sampler's and the
/// engine's to check.
GenerateOptions decode_options(std::span<const std::byte> bytes);

/// A proposal with its tokens and log-probabilities.
std::vector<std::byte> encode_completion(const Completion& completion);
/// Throws Error unless `bytes` are exactly one Completion.
Completion decode_completion(std::span<const std::byte> bytes);

}  // namespace covey
