// The options of `covey run` and `covey chat` that say what to generate and how to show it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/sampling_flags.hpp"
#include "mpi/mode.hpp"

namespace covey {

struct GenerationFlags {
  std::optional<std::string> prompt;
  std::string file;
  bool no_bos = false;
  bool special = false;
  std::int32_t tokens = 256;
  std::vector<std::string> stop;
  bool ignore_eos = false;
  SamplingFlags sampling;
  std::int32_t sequences = 1;
  std::int32_t proposals = 6;
  std::int32_t proposal_tokens = -1;
  float aggregate_temperature = 0.0F;
  std::string prompt_template;  ///< file
  std::int32_t quorum = 0;
  bool backup = false;
  std::int32_t aggregator = 0;
  std::int32_t window = 6;
  std::int32_t layers = 2;
  std::string extract;
  bool logprobs = false;
  bool stats = false;
  bool json = false;
  std::string save;  ///< file for the JSON
  bool verbose = false;

  /// From --prompt, --file or standard input. Throws UsageError if there is none.
  std::string prompt_text() const;
  GenerateOptions options(std::string text) const;
};

/// The flags must live as long as the parser is used. Only those that say how an answer is drawn:
void add_answer_flags(CLI::App& parser, GenerationFlags& flags);
/// All.
void add_generation_flags(CLI::App& parser, GenerationFlags& flags);

}  // namespace covey
