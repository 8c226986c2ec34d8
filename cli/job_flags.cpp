#include "cli/job_flags.hpp"

#include <map>

#include "cli/command.hpp"
#include "cli/lora_flags.hpp"
#include "cli/numbers.hpp"
#include "cli/suggestion.hpp"
#include "kernels/cpu/isa.hpp"

namespace covey {

namespace {

constexpr std::int64_t kMostTokens = 1 << 30;

std::vector<std::string> mode_names() {
  std::vector<std::string> names;
  for (const Mode& mode : modes()) names.emplace_back(mode.name);
  return names;
}

void add_device_flags(CLI::App& parser, JobFlags& flags) {
  const char* group = "Device";
  CpuOptions& cpu = flags.job.stage.cpu;
  add_device_flag(parser, flags.device.device, group);
  parser
      .add_option("--gpu-layers", flags.job.stage.vulkan_layers,
                  "Layers on the Vulkan device, the rest on the CPU (default: as many as its memory holds)")
      ->check(whole_in_range(1, 65536))
      ->option_text("N")
      ->group(group);
  parser.add_option("-t,--threads", cpu.threads, "Threads of each rank (default: its share of the host's cores)")
      ->check(whole_in_range(1, 1024))
      ->option_text("N")
      ->group(group);
  parser
      .add_option("--isa", cpu.isa,
                  "Instruction set: " + joined(isa_names()) + " (default: the best here, or $COVEY_ISA)")
      ->check(one_of(isa_names()))
      ->option_text("NAME")
      ->group(group);
  CLI::Option* const exact =
      parser.add_flag("--exact", cpu.exact, "Decode weights to F32 and compute in F32: exact, slow, large")
          ->group(group);
  parser.add_flag("--no-repack", flags.no_repack, "Read weights from the file at every use: no loading, slow")
      ->excludes(exact)
      ->group(group);
  parser.add_flag("--no-blas", flags.no_blas, "Keep large products of float weights off OpenBLAS")->group(group);
}

void add_memory_flags(CLI::App& parser, JobFlags& flags) {
  const char* group = "Memory";
  StageOptions& stage = flags.job.stage;
  parser.add_option("-c,--ctx", stage.n_ctx, "Longest sequence in tokens (default: as trained, at most 4096)")
      ->check(whole_in_range(1, kMostTokens))
      ->option_text("N")
      ->group(group);
  parser.add_option("--batch", stage.max_tokens, "Most tokens in one forward pass (default 256)")
      ->check(whole_in_range(1, 65536))
      ->option_text("N")
      ->group(group);
  add_kv_flag(parser, flags.kv, group);
  parser
      .add_option("--kv-tokens", stage.kv_tokens,
                  "Room of the KV cache in tokens over all sequences (default: as --ctx)")
      ->check(whole_in_range(1, kMostTokens))
      ->option_text("N")
      ->group(group);
  parser
      .add_option("--memory-limit", stage.memory_limit,
                  "Most memory of each rank for weights, activations and cache, as 500MB: layers without room are read "
                  "from the file for every pass, ahead of their use (default: no limit)")
      ->transform(size_in_bytes())
      ->excludes(parser.get_option("--no-repack"))
      ->option_text("SIZE")
      ->group(group);
}

void add_mode_flags(CLI::App& parser, JobFlags& flags) {
  const char* group = "Ranks";
  add_devices_flag(parser, flags.device.devices, group);
  parser.add_option("--mode", flags.mode, "How the ranks work together: " + joined(mode_names()) + " (default solo)")
      ->check(one_of(mode_names()))
      ->option_text("NAME")
      ->group(group);
  parser
      .add_option("--shares", flags.job.stage.shard.shares,
                  "Unequal parts, one number a rank, as 2,1,1 (default: equal)")
      ->check(at_least(0))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("LIST")
      ->group(group);
  parser
      .add_option("--layers-from", flags.layers_from,
                  "Where layers that have no room under --memory-limit are read from in mode solo: disk, or ranks, the "
                  "others, which keep them in memory (default disk)")
      ->check(one_of({"disk", "ranks"}))
      ->option_text("WHERE")
      ->group(group);
  add_link_flags(parser, flags.link, group);
  add_exchange_flags(parser, flags.exchange, group);
}

}  // namespace

JobOptions JobFlags::options(int rank, int ranks) const {
  JobOptions options = job;
  options.stage.vulkan = device.of_rank(rank, ranks);
  if (options.stage.vulkan && options.stage.memory_limit > 0) {
    throw UsageError("--memory-limit is for the CPU: of a GPU's memory the layers take what is free (--gpu-layers)");
  }
  if (options.stage.vulkan) options.stage.vulkan->timed = timed;
  if (!device.uses_cpu() && (!job.stage.cpu.isa.empty() || no_repack || no_blas)) {
    throw UsageError("--isa, --no-repack and --no-blas are for the CPU, and no rank computes there");
  }
  options.stage.kv = kv_choices().at(kv);
  options.stage.lora = parse_loras(lora);
  options.stage.cpu.blas = !no_blas;
  options.stage.cpu.repack = !no_repack;
  options.exchange = exchange.options();
  options.peer_timeout = link.timeout();
  options.layers_from_ranks = layers_from == "ranks";
  return options;
}

const std::map<std::string, KvChoice>& kv_choices() {
  static const std::map<std::string, KvChoice> choices = {
      {"auto", KvChoice::automatic}, {"f32", KvChoice::f32}, {"f16", KvChoice::f16}, {"q8_0", KvChoice::q8_0}};
  return choices;
}

std::vector<std::string> isa_names() {
  std::vector<std::string> names;
  for (const IsaTable* table : isa_tables()) {
    if (table->runs_here()) names.emplace_back(table->name);
  }
  return names;
}

void add_kv_flag(CLI::App& parser, std::string& kv, const char* group) {
  parser.add_option("--kv", kv, "Type of the KV cache: auto (F32 for F32 models, else F16), f32, f16, q8_0")
      ->check(one_of({"auto", "f32", "f16", "q8_0"}))
      ->option_text("TYPE")
      ->group(group);
}

void add_model_flag(CLI::App& parser, std::string& path) {
  parser.add_option("-m,--model", path, "Model, a GGUF file")->required()->option_text("FILE (required)");
}

namespace {

// With --models the first of them is rank 0's: --model need not be given.
void add_models_flag(CLI::App& parser, JobFlags& flags) {
  CLI::Option* const model = parser.get_option("--model")->required(false);
  CLI::Option* const models =
      parser
          .add_option("--models", flags.job.models,
                      "moa: a model for each rank, as a.gguf,b.gguf; more ranks begin again with the first")
          ->delimiter(',')
          ->allow_extra_args(false)
          ->excludes(model)
          ->option_text("LIST")
          ->group("Ranks");
  parser.parse_complete_callback([&flags, model, models] {
    if (model->count() == 0 && models->count() == 0) throw CLI::RequiredError("--model");
    if (models->count() > 0) flags.job.model_path = flags.job.models.front();
  });
}

}  // namespace

void add_timeline_flag(CLI::App& parser, JobFlags& flags, const char* group) {
  parser
      .add_flag("--timeline", flags.timeline,
                "With the JSON: when each rank computed, sent and waited, for the first few thousand times")
      ->group(group);
}

void add_job_flags(CLI::App& parser, JobFlags& flags) {
  add_model_flag(parser, flags.job.model_path);
  add_lora_flag(parser, flags.lora);
  add_device_flags(parser, flags);
  add_memory_flags(parser, flags);
  add_mode_flags(parser, flags);
  add_models_flag(parser, flags);
  parser.add_flag("-q,--quiet", flags.quiet, "No progress on standard error");
}

}  // namespace covey
