#include "mpi/loaded_model.hpp"

#include <exception>

#include "mpi/program_version.hpp"
#include "mpi/startup.hpp"

namespace covey {

LoadedModel::LoadedModel(const std::string& path, const StageOptions& options)
    : file(GgufFile::open(path)),
      facts(model_facts(file)),
      tokenizer(Tokenizer::from_gguf(file)),
      stage(file, options) {}

std::unique_ptr<LoadedModel> load_together(Ledger& ledger, const JobOptions& options, std::string_view mode,
                                           const Shard& shard, Holding holding) {
  StageOptions stage = options.stage;
  stage.shard = shard;
  LoadingSign sign(ledger);
  stage.progress = [&](double done) {
    sign.progress();
    if (options.stage.progress) options.stage.progress(done);
  };
  RankStart start;
  start.version = program_version();
  start.mode = mode;
  start.settings = settings_of(options.exchange);
  std::unique_ptr<LoadedModel> model;
  try {
    if (holding != Holding::nothing) model = std::make_unique<LoadedModel>(options.model_path, stage);
  } catch (const PeerLost&) {
    throw;
  } catch (const std::exception& error) {
    start.error = error.what();
  }
  if (model && holding == Holding::shared) {
    start.has_model = true;
    start.fingerprint = model->facts.fingerprint;
    start.limits = model->stage.limits();
    start.adapters = model->stage.adapters_fingerprint();
  }
  start_together(ledger, start, options.peer_timeout);
  if (model) {
    ledger.report().device = model->stage.device_description();
    ledger.report().model_bytes = model->stage.memory_bytes();
    ledger.watch_device([stage = &model->stage] { return stage->take_operation_times(); });
  }
  ledger.start_work();
  return model;
}

void refuse_shares(const JobOptions& options, std::string_view mode) {
  if (!options.stage.shard.shares.empty()) {
    throw Error("--shares: in mode " + std::string(mode) +
                " each rank holds a whole model: use it with pipeline or tensor");
  }
  check_exchange_options(options.exchange, mode, {});
}

void check_shares(const JobOptions& options, int ranks) {
  const std::size_t shares = options.stage.shard.shares.size();
  if (shares != 0 && shares != static_cast<std::size_t>(ranks)) {
    throw Error("--shares: " + std::to_string(shares) + " shares for " + std::to_string(ranks) +
                " ranks: give one for each rank");
  }
}

}  // namespace covey
