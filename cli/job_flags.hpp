// The options that every command which computes shares: model, device, memory, and how ranks work together.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "cli/device_flags.hpp"
#include "cli/exchange_flags.hpp"
#include "mpi/mode.hpp"

namespace covey {

/// Values of -m, --threads, --isa, … and --mode, --shares, --layers-from, --link, --timeout.
struct JobFlags {
  std::string mode = "solo";
  LinkFlags link;
  ExchangeFlags exchange;
  std::string kv = "auto";
  std::string layers_from = "disk";
  bool no_blas = false;
  bool no_repack = false;
  bool quiet = false;
  bool timeline = false;
  bool timed = false;             ///< GPUs measure their operations by their own clocks
  std::vector<std::string> lora;  ///< --lora; see lora_flags.hpp
  DeviceFlags device;
  JobOptions job;

  /// What the flags add up to, on one rank of so many. Throws UsageError for flags that don't go together.
  JobOptions options(int rank, int ranks) const;
};

/// Values of --kv.
const std::map<std::string, KvChoice>& kv_choices();
/// Instruction sets that run here: values of --isa.
std::vector<std::string> isa_names();
void add_kv_flag(CLI::App& parser, std::string& kv, const char* group);

/// The flags must live as long as the parser is used.
void add_model_flag(CLI::App& parser, std::string& path);
void add_job_flags(CLI::App& parser, JobFlags& flags);
/// For commands whose JSON has the accounts of the ranks.
void add_timeline_flag(CLI::App& parser, JobFlags& flags, const char* group);

}  // namespace covey
