// What the user learns when a rank fails, falls silent or holds something else, and the others don't go on without it:
// always its number, never a hang. Where they do: regroup_test.cpp.
#include <filesystem>
#include <fstream>

#include "tests/mpi/session_ranks.hpp"

namespace covey {
namespace {

constexpr const char* kModes[] = {"pipeline", "tensor", "self-moa"};
constexpr const char* kSplitModes[] = {"pipeline", "tensor"};  // that can't do without a rank where they don't regroup

GenerateOptions sampled() {
  GenerateOptions options = greedy("Once upon a time", 6);
  options.sampling.temperature = 1.0F;
  return options;
}

// Rank 0's error when `odd_rank` of three does `misbehave` instead of serving.
std::string error_when(const std::string& mode, int odd_rank, const std::function<void(Transport&)>& misbehave) {
  return error_of([&] {
    run_ranks(3, [&](Transport& transport) {
      Ledger ledger(transport);
      JobOptions job = job_on(deep_model());
      job.regroups = false;
      const auto session = find_mode(mode).open(ledger, job);
      if (transport.rank() == 0) {
        session->generate(sampled(), {});
        session->close();
      } else if (transport.rank() == odd_rank) {
        misbehave(transport);
      } else {
        session->serve();
      }
    });
  });
}

TEST(LostRank, AnErrorOfOneRankReachesTheUser) {
  for (const char* mode : kSplitModes) {
    for (const int rank : {1, 2}) {
      const std::string message = error_when(mode, rank, [](Transport&) { throw Error("out of memory"); });
      EXPECT_EQ(message, "rank " + std::to_string(rank) + ": out of memory") << mode;
    }
  }
}

TEST(LostRank, ASessionThatEndsUnclosedReleasesTheOthers) {
  for (const char* mode : kSplitModes) {
    const std::string message = error_when(mode, 1, [](Transport&) {});
    EXPECT_EQ(message, "rank 1: the session ended before it was closed") << mode;
  }
}

TEST(LostRank, ASilentRankIsNamedAfterTheTimeout) {
  for (const char* mode : kSplitModes) {
    std::string message;
    run_ranks(3, [&](Transport& transport) {
      JobOptions job = job_on(deep_model());
      Ledger ledger(transport);
      // Loading may take its time on a busy machine; only the work is hurried.
      job.peer_timeout = std::chrono::seconds(1);
      job.regroups = false;
      const auto session = find_mode(mode).open(ledger, job);
      try {
        if (transport.rank() == 0) {
          session->generate(sampled(), {});
        } else if (transport.rank() == 2) {
          std::byte never{};
          transport.recv(1, {&never, 1}, Tag::control, kNoDeadline);
        } else {
          session->serve();
        }
      } catch (const PeerLost& lost) {
        if (transport.rank() == 0) message = lost.what();
        transport.fail(lost.what());
      }
    });
    EXPECT_TRUE(contains(message, "rank 2 has not answered")) << mode;
  }
}

TEST(LostRank, AfterALossTheSessionSaysSo) {
  run_ranks(2, [](Transport& transport) {
    Ledger ledger(transport);
    JobOptions job = job_on(deep_model());
    job.regroups = false;
    const auto session = find_mode("tensor").open(ledger, job);
    if (transport.rank() == 1) return transport.fail("gone fishing");
    EXPECT_TRUE(contains(error_of([&] { session->generate(sampled(), {}); }), "gone fishing"));
    Batch batch;
    batch.tokens = {{1, 1000, true}};
    EXPECT_TRUE(contains(error_of([&] { session->runner().forward(batch); }), "out of step"));
  });
}

std::string error_with_models(const std::string& mode, const std::string& odd_model) {
  return error_of([&] {
    run_ranks(3, [&](Transport& transport) {
      Ledger ledger(transport);
      find_mode(mode).open(ledger, job_on(transport.rank() == 2 ? odd_model : deep_model()));
    });
  });
}

TEST(LostRank, AnotherModelIsRefused) {
  for (const char* mode : kModes) {
    EXPECT_TRUE(contains(error_with_models(mode, deep_model(TensorType::f16)), "rank 2 holds another model")) << mode;
  }
}

TEST(LostRank, ATruncatedFileIsNamedWithItsRank) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "covey_truncated.gguf";
  std::filesystem::copy_file(deep_model(), path, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  for (const char* mode : kModes) {
    const std::string message = error_with_models(mode, path.string());
    EXPECT_TRUE(message.starts_with("rank 2: ")) << message;
    EXPECT_TRUE(contains(message, "covey_truncated.gguf")) << mode;
  }
  std::filesystem::remove(path);
}

TEST(LostRank, AMissingFileIsNamed) {
  const std::string message = error_of([] { on_session("tensor", 2, job_on("/nowhere/model.gguf"), [](Session&) {}); });
  EXPECT_TRUE(contains(message, "/nowhere/model.gguf"));
}

}  // namespace
}  // namespace covey
