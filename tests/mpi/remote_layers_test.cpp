// Layers that other ranks keep for one that has no room.
#include "mpi/remote_layers.hpp"

#include "model/stage.hpp"
#include "mpi/command.hpp"
#include "mpi/layer_request.hpp"
#include "mpi/message.hpp"
#include "tests/mpi/session_ranks.hpp"

namespace covey {
namespace {

std::uint64_t whole_bytes(const JobOptions& job) {
  const GgufFile file = GgufFile::open(job.model_path);
  return Stage(file, job.stage).memory_bytes();
}

/// Room for a part of the layers.
JobOptions tight_job(const std::string& path) {
  JobOptions job = job_on(path);
  job.stage.n_ctx = 64;
  job.stage.memory_limit = whole_bytes(job) * 7 / 10;
  job.layers_from_ranks = true;
  return job;
}

GenerateOptions story() { return greedy("Once upon a time", 8); }

std::string text_alone(const std::string& path) {
  JobOptions job = job_on(path);
  job.stage.n_ctx = 64;
  std::string text;
  on_session("solo", 1, job, [&](Session& session) { text = session.generate(story(), {}).completion.text; });
  return text;
}

std::uint64_t bytes_sent(const RankReport& report) {
  std::uint64_t bytes = 0;
  for (const auto& [peer, phases] : report.sent) bytes += phases[static_cast<std::size_t>(Phase::other)].bytes;
  return bytes;
}

TEST(RemoteLayers, GiveTheSameTextAndAreAccountedFor) {
  for (const TensorType type : {TensorType::f32, TensorType::q8_0}) {
    const JobOptions job = tight_job(deep_model(type));
    const std::string expected = text_alone(job.model_path);
    for (const int ranks : {2, 3, 6}) {
      std::string text;
      const auto reports = on_session("solo", ranks, job,
                                      [&](Session& session) { text = session.generate(story(), {}).completion.text; });
      EXPECT_EQ(text, expected) << ranks;
      std::uint64_t kept = 0;
      std::uint64_t sent = 0;
      for (const RankReport& report : reports) {
        EXPECT_LE(report.model_bytes, job.stage.memory_limit);
        EXPECT_TRUE(report.losses.empty());
        if (report.rank == 0) continue;
        kept += report.model_bytes;
        sent += bytes_sent(report);
      }
      EXPECT_GT(kept, 0U);
      EXPECT_GE(sent, kept * 8) << "each of the passes asks for them again";
      EXPECT_GT(bytes_sent(reports[0]), 0U) << "requests";
    }
  }
}

TEST(RemoteLayers, AreReadFromTheFileOnceTheirRankIsLost) {
  const JobOptions job = tight_job(deep_model());
  const std::string expected = text_alone(job.model_path);
  for (const int requests : {0, 3, 9}) {
    Answer answer;
    std::vector<RankReport> reports;
    run_ranks(3, [&](Transport& transport) {
      Ledger ledger(transport);
      if (transport.rank() == 2) {
        const auto session = find_mode("solo").open(ledger, job);
        LayerKeeper keeper(ledger, job);
        for (int sent = 0;;) {
          const Command next = recv_command(ledger, Tag::batch);
          if (decode_layer_request(next.payload).kind == LayerRequest::Kind::send && sent++ == requests) break;
          keeper.work(next.payload);
        }
        return transport.fail("gone fishing");
      }
      const auto session = find_mode("solo").open(ledger, job);
      if (transport.rank() == 1) return session->serve();
      answer = session->generate(story(), {});
      reports = session->close();
    });
    EXPECT_EQ(answer.completion.text, expected) << requests;
    ASSERT_EQ(answer.lost.size(), 1U);
    EXPECT_EQ(answer.lost[0].rank, 2);
    EXPECT_TRUE(contains(answer.lost[0].why, "gone fishing"));
    ASSERT_EQ(reports.size(), 3U);
    EXPECT_EQ(reports[0].losses, answer.lost);
    EXPECT_EQ(reports[2].host, "lost");
  }
}

// Ranks 5 and up keep nothing: there are fewer layers than ranks. One is lost while it sends, one when it is told to
// end.
TEST(RemoteLayers, TheOthersOutliveALossAlsoAtTheEndAndWithNothingToKeep) {
  const JobOptions job = tight_job(deep_model());
  const std::string expected = text_alone(job.model_path);
  for (const bool at_the_end : {false, true}) {
    Answer answer;
    std::vector<RankReport> reports;
    run_ranks(9, [&](Transport& transport) {
      Ledger ledger(transport);
      const auto session = find_mode("solo").open(ledger, job);
      if (transport.rank() == 1) {
        LayerKeeper keeper(ledger, job);
        for (;;) {
          const Command next = recv_command(ledger, Tag::batch);
          if (next.kind == Command::Kind::end) break;
          if (!at_the_end && decode_layer_request(next.payload).kind == LayerRequest::Kind::send) break;
          keeper.work(next.payload);
        }
        return transport.fail("gone fishing");
      }
      if (transport.rank() != 0) return session->serve();
      answer = session->generate(story(), {});
      reports = session->close();
    });
    EXPECT_EQ(answer.completion.text, expected);
    EXPECT_EQ(answer.lost.size(), at_the_end ? 0U : 1U);
    ASSERT_EQ(reports.size(), 9U);
    EXPECT_EQ(reports[8].model_bytes, 0U);
    EXPECT_EQ(reports[1].host, "lost");
    for (std::size_t rank = 2; rank < 9; ++rank) EXPECT_NE(reports[rank].host, "lost") << rank;
    EXPECT_TRUE(at_the_end || reports[0].losses.size() == 1);
  }
}

std::string error_on(int ranks, const std::string& mode, const JobOptions& job,
                     const std::function<void(int, JobOptions&)>& change = {}) {
  return error_of([&] {
    run_ranks(ranks, [&](Transport& transport) {
      Ledger ledger(transport);
      JobOptions own = job;
      if (change) change(transport.rank(), own);
      const auto session = find_mode(mode).open(ledger, own);
      if (transport.rank() == 0) {
        session->close();
      } else {
        session->serve();
      }
    });
  });
}

TEST(RemoteLayers, ARankThatCanNotKeepThemIsNamed) {
  const JobOptions job = tight_job(deep_model());
  const std::string small = error_on(3, "solo", job, [](int rank, JobOptions& own) {
    if (rank == 2) own.stage.memory_limit = 1000;
  });
  EXPECT_TRUE(contains(small, "rank 2: --memory-limit: the layers that it is to keep"));
  const std::string other = error_on(3, "solo", job, [](int rank, JobOptions& own) {
    if (rank == 1) own.model_path = deep_model(TensorType::f16);
  });
  EXPECT_TRUE(contains(other, "is another model than rank 0's"));
  const std::string none = error_on(2, "solo", job, [](int rank, JobOptions& own) {
    if (rank == 1) own.model_path = "nowhere.gguf";
  });
  EXPECT_TRUE(contains(none, "rank 1: ")) << none;
  EXPECT_TRUE(contains(none, "nowhere.gguf"));
}

TEST(RemoteLayers, AreRefusedWhereTheyMakeNoSense) {
  JobOptions job = tight_job(deep_model());
  EXPECT_TRUE(contains(error_on(1, "solo", job), "there is no other rank"));
  EXPECT_TRUE(contains(error_on(2, "pipeline", job), "in mode pipeline the other ranks compute"));
  EXPECT_TRUE(contains(error_on(2, "self-moa", job), "in mode self-moa"));
  job.stage.memory_limit = 0;
  EXPECT_TRUE(contains(error_on(2, "solo", job), "without --memory-limit"));
}

TEST(RemoteLayers, ARequestThatMakesNoSenseEndsTheKeeper) {
  const JobOptions job = tight_job(deep_model());
  const auto error_after = [&](const LayerRequest& request) {
    return error_of([&] {
      run_ranks(2, [&](Transport& transport) {
        Ledger ledger(transport);
        LayerKeeper keeper(ledger, job);
        if (transport.rank() == 1) keeper.work(encode_layer_request(request));
        if (transport.rank() == 0) {
          const auto answer = recv_message(transport, 1, Tag::weights, soon());
          throw Error("answer: " + text_of(answer));
        }
      });
    });
  };
  const std::uint64_t fingerprint = model_facts(GgufFile::open(job.model_path)).fingerprint;
  EXPECT_TRUE(contains(error_after({LayerRequest::Kind::send, {3, {}}, 0}), "does not keep"));
  using Parts = std::vector<TensorPart>;
  for (const Parts& parts : {Parts{{100000, 0, 1}}, Parts{{0, ~0ULL, 1}}, Parts{{0, 1, ~0ULL}}}) {
    const std::string message = error_after({LayerRequest::Kind::keep, {3, parts}, fingerprint});
    EXPECT_TRUE(contains(message, "answer: " + job.model_path)) << message;
  }
}

}  // namespace
}  // namespace covey
