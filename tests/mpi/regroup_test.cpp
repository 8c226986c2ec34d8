// A split model goes on when a rank is lost: the same text, and the answer says who was lost.
#include <atomic>

#include "mpi/loss_board.hpp"
#include "mpi/membership.hpp"
#include "mpi/split_session.hpp"
#include "tests/mpi/faulty_transport.hpp"
#include "tests/mpi/session_ranks.hpp"

namespace covey {
namespace {

const std::string kStory = "Once upon a time there was a small bird that lived";

// More messages than a rank sends to find the fastest way of adding up.
constexpr int kMeasured = 60;

using RankFault = std::function<bool(int rank, int message)>;

struct Regrouped {
  std::vector<Answer> answers;
  std::vector<RankReport> reports;
};

std::vector<GenerateOptions> story_questions(std::size_t count) {
  std::vector<GenerateOptions> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(greedy(kStory.substr(0, kStory.size() - i), 20));
  return all;
}

// Ranks that go wrong throw: that is their end, not the test's.
Regrouped answers_despite(const std::string& mode, int ranks, std::size_t count, const RankFault& fault,
                          const std::function<void(JobOptions&)>& adjust = {}, std::atomic<bool>* over = nullptr) {
  Regrouped out;
  JobOptions job = job_on(deep_model());
  if (adjust) adjust(job);
  run_ranks(ranks, [&](Transport& transport) {
    FaultyTransport faulty(transport, [&](int message) { return fault(transport.rank(), message); });
    Ledger ledger(faulty);
    try {
      const auto session = find_mode(mode).open(ledger, job);
      if (transport.rank() != 0) return session->serve();
      out.answers = session->generate_all(story_questions(count), {});
      out.reports = session->close();
      if (over != nullptr) *over = true;
    } catch (const Error& error) {
      transport.fail(error.what());
      if (over != nullptr && transport.rank() == 0) *over = true;
      if (transport.rank() == 0) throw;
    }
  });
  return out;
}

std::vector<Answer> solo_answers(std::size_t count) {
  return answers_despite("solo", 1, count, [](int, int) { return true; }).answers;
}

RankFault dies_after(int odd, int after) {
  return [=](int rank, int message) {
    if (rank == odd && message >= after) throw Error("struck by lightning");
    return true;
  };
}

void expect_answers(const std::vector<Answer>& answers, const std::vector<Answer>& solo, const std::string& what) {
  ASSERT_EQ(answers.size(), solo.size()) << what;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].completion.tokens, solo[i].completion.tokens) << what;
    EXPECT_EQ(answers[i].completion.text, solo[i].completion.text) << what;
  }
}

TEST(Regroup, TheTextIsTheSameWhereverARankDies) {
  const std::vector<Answer> solo = solo_answers(1);
  for (const std::string mode : {"pipeline", "tensor"}) {
    const int work = mode == "tensor" ? kMeasured : 0;
    for (const auto& [odd, after] : {std::pair{1, work}, {2, work + 3}, {1, work + 15}}) {
      const std::string what = mode + ", rank " + std::to_string(odd) + " after " + std::to_string(after);
      const Regrouped out = answers_despite(mode, 3, 1, dies_after(odd, after));
      expect_answers(out.answers, solo, what);
      ASSERT_EQ(out.answers[0].lost.size(), 1U) << what;
      const LostRank& lost = out.answers[0].lost[0];
      EXPECT_EQ(lost.rank, odd) << what;
      EXPECT_EQ(lost.why, "rank " + std::to_string(odd) + ": struck by lightning") << what;
      EXPECT_GT(lost.seconds, 0) << what;
      EXPECT_EQ(out.reports[0].losses, out.answers[0].lost) << what;
    }
  }
}

TEST(Regroup, AMeshShrinksToWhatIsLeft) {
  const Regrouped out = answers_despite("hybrid", 4, 1, dies_after(3, 5), [](JobOptions& job) {
    job.exchange.mesh = {2, 2};
  });
  expect_answers(out.answers, solo_answers(1), "2x2 without rank 3");
  EXPECT_EQ(mesh_for({2, 2}, 3, 6), (Mesh{1, 3}));
  EXPECT_EQ(mesh_for({2, 3}, 4, 6), (Mesh{2, 2}));
  EXPECT_EQ(mesh_for({2, 2}, 3, 2), (Mesh{3, 1}));
}

TEST(Regroup, OneAfterTheOther) {
  const RankFault both = [](int rank, int message) {
    return dies_after(3, 4)(rank, message) && dies_after(1, 12)(rank, message);
  };
  for (const std::string mode : {"pipeline", "tensor"}) {
    const Regrouped out = answers_despite(mode, 4, 1, both);
    expect_answers(out.answers, solo_answers(1), mode);
    EXPECT_EQ(out.answers[0].lost.size(), 2U) << mode;
  }
}

TEST(Regroup, RankZeroGoesOnAlone) {
  const Regrouped out = answers_despite("pipeline", 2, 1, dies_after(1, 6));
  expect_answers(out.answers, solo_answers(1), "alone");
}

TEST(Regroup, PassesUnderWayAreMadeUp) {
  const Regrouped out = answers_despite("pipeline", 3, 4, dies_after(2, 11));
  expect_answers(out.answers, solo_answers(4), "four sequences");
  EXPECT_EQ(out.answers[0].lost.size(), 1U);
}

TEST(Regroup, ASilentRankIsLeftOutAfterTheTimeout) {
  std::atomic<bool> over = false;
  const RankFault silent = [&](int rank, int message) {
    if (rank != 2 || message < kMeasured + 6) return true;
    while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    throw Error("woken too late");
  };
  const auto hurry = [](JobOptions& job) { job.peer_timeout = std::chrono::seconds(1); };
  const Regrouped out = answers_despite("tensor", 3, 1, silent, hurry, &over);
  expect_answers(out.answers, solo_answers(1), "silent");
  ASSERT_EQ(out.answers[0].lost.size(), 1U);
  EXPECT_TRUE(contains(out.answers[0].lost[0].why, "rank 2 has not answered"));
}

TEST(Regroup, WhoeverSendsGarbageIsLeftOut) {
  const std::vector<Answer> solo = solo_answers(1);
  for (const std::string mode : {"pipeline", "tensor"}) {
    const Regrouped out = answers_despite(mode, 3, 1, [](int rank, int message) { return rank != 1 || message != 17; });
    expect_answers(out.answers, solo, mode);
    ASSERT_EQ(out.answers[0].lost.size(), 1U) << mode;
    EXPECT_TRUE(contains(out.answers[0].lost[0].why, "rank 1 sent ")) << mode;
  }
}

// What rank 0 answers when rank 1 aggregates but ends after so many messages, and what it showed meanwhile.
std::pair<Answer, std::string> aggregated_despite(int after) {
  Answer answer;
  std::string shown;
  run_ranks(2, [&](Transport& transport) {
    FaultyTransport faulty(transport, [&](int message) { return dies_after(1, after)(transport.rank(), message); });
    Ledger ledger(faulty);
    try {
      const auto session = find_mode("self-moa").open(ledger, job_on(deep_model()));
      if (transport.rank() != 0) return session->serve();
      GenerateOptions options = greedy(kStory, 12);
      options.sampling.temperature = 1.0F;
      options.proposals = 2;
      options.aggregator = 1;
      answer = session->generate(options, [&](std::string_view text) { shown += text; });
      session->close();
    } catch (const Error& error) {
      transport.fail(error.what());
      if (transport.rank() == 0) throw;
    }
  });
  return {answer, shown};
}

TEST(TakeOver, RankZeroWritesWhatALostAggregatorBegan) {
  const auto [whole, all] = aggregated_despite(1000);
  EXPECT_TRUE(whole.lost.empty());
  EXPECT_EQ(all, whole.completion.text);
  for (const int after : {2, 7}) {  // before it writes, and in the middle
    const auto [answer, shown] = aggregated_despite(after);
    EXPECT_EQ(answer.completion.text, whole.completion.text);
    EXPECT_EQ(shown, all);
    ASSERT_EQ(answer.lost.size(), 1U);
    EXPECT_EQ(answer.lost[0].rank, 1);
  }
}

TEST(Regroup, AGroupThatMakesNoSenseIsRefused) {
  const std::vector<int> members{0, 2, 5};
  EXPECT_EQ(decode_group(encode_group(7, members)), (std::pair<std::uint32_t, std::vector<int>>(7, members)));
  EXPECT_THROW(decode_group(encode_group(7, std::vector<int>{2, 0})), Error);
  EXPECT_THROW(decode_group(bytes_of("\x07\x7f")), Error);
  LoopbackHub hub(3);
  Ledger ledger(hub.transport(1));
  Membership membership(ledger, std::chrono::seconds(1));
  for (const std::vector<int>& wrong : {std::vector<int>{}, {1, 2}, {0, 2}, {0, 1, 3}}) {
    EXPECT_THROW(membership.enter(encode_group(1, wrong)), Error);
  }
  membership.enter(encode_group(1, std::vector<int>{0, 1}));
  EXPECT_FALSE(membership.is_member(2));
  EXPECT_THROW(membership.enter(encode_group(1, std::vector<int>{0, 1})), Error);
}

FailureNews alarm_of(std::uint32_t generation, int rank) {
  return {FailureNews::Kind::alarm, generation, {rank, "rank " + std::to_string(rank) + " is lost", false}};
}

TEST(LossBoard, AlarmsCountInTheirGeneration) {
  LossBoard board(1, 4);
  const std::vector<int> three{0, 1, 3};
  board.hear(3, alarm_of(1, 0));  // by one that has regrouped before this rank
  EXPECT_NO_THROW(board.refuse_lost(3, Tag::partial));
  board.regroup(1, three);
  EXPECT_THROW(board.refuse_lost(3, Tag::partial), PeerLost);
  EXPECT_NO_THROW(board.refuse_lost(3, Tag::batch)) << "commands go on";
  EXPECT_FALSE(board.raise_alarm()) << "they have been told";
  EXPECT_TRUE(board.is_gone(2));
  EXPECT_THROW(board.refuse_gone(2, Tag::batch), PeerLost);
  board.regroup(2, three);
  board.hear(3, alarm_of(1, 0));
  EXPECT_NO_THROW(board.refuse_lost(3, Tag::partial)) << "that was before";
  board.hear(2, {FailureNews::Kind::failed, 0, {2, "woken too late"}});
  EXPECT_NO_THROW(board.refuse_lost(3, Tag::partial)) << "rank 2 is no member";
  EXPECT_TRUE(board.raise_alarm());
}

TEST(LossBoard, WhoIsOnlySilentCanStillBeTold) {
  LossBoard board(0, 3);
  board.enter(PeerLost(2, "silent", false));
  EXPECT_THROW(board.refuse_lost(1, Tag::partial), PeerLost);
  EXPECT_NO_THROW(board.refuse_gone(2, Tag::batch));
  board.hear(1, {FailureNews::Kind::failed, 0, {1, "out of memory"}});
  EXPECT_TRUE(board.has_failed(1));
  const std::vector<int> all{0, 1, 2};
  board.regroup(1, all);
  EXPECT_THROW(board.refuse_lost(2, Tag::partial), PeerLost) << "it failed while the others regrouped";
}

TEST(LossBoard, NewsComeAsTheyWereSent) {
  const FailureNews news = alarm_of(300, 2);
  const FailureNews same = decode_news(encode_news(news));
  EXPECT_EQ(same.generation, 300U);
  EXPECT_EQ(same.failure.rank, 2);
  EXPECT_EQ(same.failure.message, news.failure.message);
  EXPECT_FALSE(same.failure.certain);
  EXPECT_THROW(decode_news(bytes_of("\x07")), Error);
}

}  // namespace
}  // namespace covey
