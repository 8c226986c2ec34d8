// What a rank holds of a model.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "model/stage.hpp"
#include "model/tokenizer.hpp"
#include "mpi/ledger.hpp"
#include "mpi/mode.hpp"

namespace covey {

struct LoadedModel {
  LoadedModel(const std::string& path, const StageOptions& options);
  /// Another part of the same file instead.
  void load_other(const StageOptions& options);

  GgufFile file;
  ModelFacts facts;
  std::unique_ptr<Tokenizer> tokenizer;
  std::optional<Stage> stage;  ///< empty after load_other() has failed
  bool alike = false;          ///< on rank 0: all ranks hold this model, and compute the same bits
};

/// nothing: this rank idles; shared: a part of the model that all ranks hold; its_own: whatever model.
enum class Holding : std::uint8_t { nothing, shared, its_own };

/// Collective: loads `shard` on this rank, unless it holds nothing, then starts the work together with the others
/// (startup.hpp) and enters device and memory in the ledger. Throws Error on every rank if one fails.
std::unique_ptr<LoadedModel> load_together(Ledger& ledger, const JobOptions& options, std::string_view mode,
                                           const Shard& shard, Holding holding = Holding::shared);

/// Collective over `group`, a transport above the ledger: loads another shard of the model on each rank.
void reload_together(Ledger& ledger, Transport& group, const JobOptions& options, std::string_view mode,
                     const Shard& shard, LoadedModel& model);

/// Modes whose ranks hold whole models have no use for shares, nor for what says how parts exchange their results:
/// throws Error if there is any.
void refuse_shares(const JobOptions& options, std::string_view mode);
/// Throws Error unless there are no shares or one for each rank.
void check_shares(const JobOptions& options, int ranks);

}  // namespace covey
