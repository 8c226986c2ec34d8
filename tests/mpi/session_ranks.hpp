// Sessions over loopback ranks, for tests of modes.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "model/synth.hpp"
#include "mpi/ledger.hpp"
#include "mpi/mode.hpp"
#include "tests/mpi/ranks.hpp"

namespace covey {

inline std::string model_file(const std::string& name) { return (std::string(COVEY_TEST_DATA) += '/') += name; }

/// A random model of six layers, four query heads on two KV heads, written when it is first asked for and removed in
/// the end.
inline const std::string& deep_model(TensorType type = TensorType::f32) {
  struct File {
    explicit File(TensorType type_in)
        : path(::testing::TempDir() + "covey_deep_" + std::to_string(getpid()) + "_" +
               std::to_string(static_cast<int>(type_in)) + ".gguf") {
      SynthOptions options;
      options.n_embd = 128;
      options.n_layer = 6;
      options.n_ff = 192;
      options.n_head = 4;
      options.n_kv = 2;
      options.n_vocab = 320;
      options.type = type_in;
      write_random_model(path, options);
    }
    ~File() { std::filesystem::remove(path); }
    std::string path;
  };
  static std::mutex mutex;
  static std::map<TensorType, std::unique_ptr<File>> files;
  const std::scoped_lock lock(mutex);
  auto& file = files[type];
  if (!file) file = std::make_unique<File>(type);
  return file->path;
}

inline JobOptions job_on(const std::string& path) {
  JobOptions job;
  job.model_path = path;
  job.stage.cpu.threads = 1;
  job.stage.n_ctx = 1024;
  job.stage.max_tokens = 16;
  job.peer_timeout = std::chrono::seconds(60);
  return job;
}

/// Opens `mode` on loopback ranks, gives rank 0's session to `work`, and returns all accounts.
inline std::vector<RankReport> on_session(const std::string& mode, int ranks, const JobOptions& job,
                                          const std::function<void(Session&)>& work) {
  std::vector<RankReport> reports;
  run_ranks(ranks, [&](Transport& transport) {
    Ledger ledger(transport);
    const auto session = find_mode(mode).open(ledger, job);
    if (transport.rank() == 0) {
      work(*session);
      reports = session->close();
    } else {
      session->serve();
    }
  });
  return reports;
}

inline GenerateOptions greedy(const std::string& prompt, std::int32_t tokens) {
  GenerateOptions options;
  options.prompt = prompt;
  options.sampling.temperature = 0;
  options.max_tokens = tokens;
  options.ignore_eos = true;
  return options;
}

}  // namespace covey
