// Sessions over loopback ranks, for tests of modes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mpi/ledger.hpp"
#include "mpi/mode.hpp"
#include "tests/mpi/ranks.hpp"

namespace covey {

inline std::string model_file(const std::string& name) { return std::string(COVEY_TEST_DATA) + "/" + name; }

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
