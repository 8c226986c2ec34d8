// The options that say how tokens are chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "covey/sampling.hpp"

namespace covey {

struct SamplingFlags {
  SamplingParams params;
  bool greedy = false;
  std::vector<std::string> logit_bias;  ///< ID=VALUE
  std::string grammar;                  ///< file
  std::string json_schema;              ///< file, or the schema itself if it begins with {

  /// Throws Error if the grammar or the schema can't be read.
  SamplingParams sampling() const;
};

/// The flags must live as long as the parser is used.
void add_sampling_flags(CLI::App& parser, SamplingFlags& flags);

}  // namespace covey
