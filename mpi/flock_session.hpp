// The sessions of all modes in which whole models collaborate: they differ in what rank 0 makes of what is drawn.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "mpi/flock.hpp"

namespace covey {

struct Collaboration {
  std::string_view mode;
  std::string_view prompt;  ///< the template of its aggregations; empty: it has none
  /// Throws Error, naming the flag, if the options make no sense here.
  void (*check)(const GenerateOptions& options);
  /// Rank 0: answers all questions, which have equal options but for their prompts. `sink` gets the text of the first
  /// question's answer.
  std::vector<Answer> (*answer)(Flock& flock, std::span<const GenerateOptions> questions, const TextSink& sink);
  bool own_models = false;  ///< ranks may hold different models
};

/// Collective; see Mode::open. `collaboration` must outlive the session.
std::unique_ptr<Session> open_flock(Ledger& ledger, const JobOptions& options, const Collaboration& collaboration);

}  // namespace covey
