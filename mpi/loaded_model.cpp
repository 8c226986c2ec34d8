#include "mpi/loaded_model.hpp"

#include <exception>

#include "mpi/program_version.hpp"
#include "mpi/startup.hpp"

namespace covey {

namespace {

StageOptions with_sign(const StageOptions& options, const Shard& shard, LoadingSign& sign) {
  StageOptions stage = options;
  stage.shard = shard;
  stage.progress = [&options, &sign](double done) {
    sign.progress();
    if (options.progress) options.progress(done);
  };
  return stage;
}

RankStart start_with(const JobOptions& options, std::string_view mode) {
  RankStart start;
  start.version = program_version();
  start.mode = mode;
  start.settings = settings_of(options.exchange);
  return start;
}

// What goes wrong while loading, unless a rank is lost.
template <typename Load>
std::string error_of_loading(const Load& load) {
  try {
    load();
  } catch (const PeerLost&) {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

void describe(const LoadedModel& model, RankStart& start) {
  start.has_model = true;
  start.fingerprint = model.facts.fingerprint;
  start.limits = model.stage->limits();
  start.adapters = model.stage->adapters_fingerprint();
  start.device = model.stage->device_description();
}

void enter_model(LoadedModel& model, Ledger& ledger) {
  ledger.report().device = model.stage->device_description();
  ledger.report().model_bytes = model.stage->memory_bytes();
  ledger.watch_device(
      [&model] { return model.stage ? model.stage->take_operation_times() : std::vector<OperationTime>{}; });
}

}  // namespace

LoadedModel::LoadedModel(const std::string& path, const StageOptions& options)
    : file(GgufFile::open(path)), facts(model_facts(file)), tokenizer(Tokenizer::from_gguf(file)) {
  stage.emplace(file, options);
}

void LoadedModel::load_other(const StageOptions& options) {
  stage.reset();  // first: there may be no room for both
  stage.emplace(file, options);
}

std::unique_ptr<LoadedModel> load_together(Ledger& ledger, const JobOptions& options, std::string_view mode,
                                           const Shard& shard, Holding holding) {
  if (options.layers_from_ranks && !options.stage.layers_from_source) {
    throw Error("--layers-from ranks: in mode " + std::string(mode) +
                " the other ranks compute, too: use it with solo, where they have room for layers");
  }
  LoadingSign sign(ledger);
  const StageOptions stage = with_sign(options.stage, shard, sign);
  RankStart start = start_with(options, mode);
  std::unique_ptr<LoadedModel> model;
  start.error = error_of_loading([&] {
    if (holding != Holding::nothing) model = std::make_unique<LoadedModel>(options.model_path, stage);
  });
  if (model && holding == Holding::shared) describe(*model, start);
  const bool alike = start_together(ledger, start, options.peer_timeout);
  if (model) model->alike = alike;
  if (model) enter_model(*model, ledger);
  ledger.start_work();
  return model;
}

void reload_together(Ledger& ledger, Transport& group, const JobOptions& options, std::string_view mode,
                     const Shard& shard, LoadedModel& model) {
  LoadingSign sign(group);
  const StageOptions stage = with_sign(options.stage, shard, sign);
  RankStart start = start_with(options, mode);
  start.error = error_of_loading([&] { model.load_other(stage); });
  if (model.stage) describe(model, start);
  start_together(group, start, options.peer_timeout);
  enter_model(model, ledger);
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
