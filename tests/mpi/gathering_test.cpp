#include "mpi/gathering.hpp"

#include <gtest/gtest.h>

namespace covey {
namespace {

/// Six samples of one question on three ranks, two each.
struct Round {
  FlockRound round;
  std::vector<std::int32_t> lost;
  std::vector<std::int32_t> told;  // indices, as they came
  std::string drafts;

  Round() {
    round.task.job = 7;
    round.task.members = {0, 1, 2};
    round.task.samples = 6;
    round.task.questions.resize(1);
    round.arrived = [this](std::size_t, const Proposal& proposal) { told.push_back(proposal.index); };
    round.drafted = [this](std::int32_t, std::string_view text) { drafts += text; };
  }
  Gathering gathering() {
    return {round, [this](std::int32_t rank) { return std::ranges::find(lost, rank) != lost.end(); }};
  }
};

Completion written(std::size_t bytes, Finish finish = Finish::max_tokens) {
  Completion completion;
  completion.text.assign(bytes, 'x');
  completion.finish = finish;
  return completion;
}

void let_others_finish(Gathering& gathering, double elapsed) {
  for (const std::int32_t index : {0, 1}) EXPECT_TRUE(gathering.arrive(0, index, 0, written(400)));
  for (const std::int32_t index : {2, 3}) EXPECT_TRUE(gathering.arrive(0, index, 1, written(400)));
  gathering.done(1, elapsed);
}

TEST(Gathering, OnlySamplesThatWereAskedForArrive) {
  Round round;
  Gathering gathering = round.gathering();
  EXPECT_FALSE(gathering.arrive(0, 0, 1, written(3))) << "rank 0's";
  EXPECT_FALSE(gathering.arrive(1, 0, 0, written(3)));
  EXPECT_FALSE(gathering.arrive(0, 6, 2, written(3)));
  EXPECT_TRUE(gathering.arrive(0, 4, 2, written(3)));
  EXPECT_FALSE(gathering.arrive(0, 4, 2, written(3))) << "twice";
  EXPECT_FALSE(gathering.draft(4, 2, "x")) << "it has ended";
  EXPECT_FALSE(gathering.draft(0, 2, "x"));
  EXPECT_TRUE(gathering.draft(5, 2, "x"));
  EXPECT_EQ(round.drafts, "x");
  EXPECT_EQ(round.told, std::vector<std::int32_t>{4});
}

TEST(Gathering, ARankThatIsNotMuchSlowerIsLeftAlone) {
  Round round;
  Gathering gathering = round.gathering();
  EXPECT_FALSE(gathering.worth_copying(1, 100.0)) << "nothing is known of how long texts are";
  let_others_finish(gathering, 10.0);
  EXPECT_TRUE(gathering.draft(4, 2, std::string(190, 'x')));
  // 190 and up to 48 more of about 400 bytes in 10 s: the rest takes 6.8, a copy 10.
  EXPECT_FALSE(gathering.worth_copying(1, 10.0));
  EXPECT_EQ(gathering.worth_copying(1, 20.0), 4) << "still no further: 13.6";
  EXPECT_FALSE(gathering.worth_copying(2, 20.0)) << "its own";
}

TEST(Gathering, TheFirstCopyCountsAndTheOtherIsStopped) {
  for (const bool owner_first : {false, true}) {
    Round round;
    Gathering gathering = round.gathering();
    let_others_finish(gathering, 10.0);
    ASSERT_EQ(gathering.worth_copying(1, 10.0), 4);
    gathering.copied(8, 1, 4, 10.0);
    EXPECT_EQ(gathering.copy_of(8)->owner, 2);
    EXPECT_EQ(gathering.copy_of(9), nullptr);
    EXPECT_EQ(gathering.worth_copying(1, 10.0), 5) << "nor is that one begun";
    EXPECT_TRUE(gathering.draft(4, 2, "x"));
    EXPECT_TRUE(gathering.arrive(0, 4, owner_first ? 2 : 1, written(400)));
    const auto stops = gathering.take_stops();
    ASSERT_EQ(stops.size(), 1U);
    EXPECT_EQ(stops[0].rank, owner_first ? 1 : 2);
    EXPECT_EQ(stops[0].job, owner_first ? 8U : 7U);
    EXPECT_EQ(stops[0].index, owner_first ? 0 : 4);
    EXPECT_TRUE(gathering.arrive(0, 4, owner_first ? 1 : 2, written(9, Finish::cancelled))) << "taken, and dropped";
    EXPECT_TRUE(gathering.draft(4, 2, "late"));
    EXPECT_EQ(round.drafts, "x");
    EXPECT_TRUE(gathering.take_stops().empty());
    EXPECT_FALSE(gathering.complete());
    EXPECT_TRUE(gathering.arrive(0, 5, 2, written(400)));
    EXPECT_TRUE(gathering.complete());
    const auto proposals = gathering.take();
    EXPECT_EQ(proposals[0][4].rank, owner_first ? 2 : 1);
    EXPECT_EQ(proposals[0][4].text.size(), 400U);
    EXPECT_EQ(round.told, (std::vector<std::int32_t>{0, 1, 2, 3, 4, 5}));
  }
}

TEST(Gathering, ACopyStandsInForALostRankUnlessItFails) {
  for (const bool fails : {false, true}) {
    Round round;
    Gathering gathering = round.gathering();
    let_others_finish(gathering, 10.0);
    EXPECT_TRUE(gathering.arrive(0, 5, 2, written(400)));
    gathering.copied(8, 1, 4, 10.0);
    round.lost = {2};
    EXPECT_FALSE(gathering.complete()) << "the copy is to come";
    EXPECT_FALSE(gathering.worth_copying(1, 50.0)) << "lost ranks' samples are not drawn again";
    if (fails) {
      gathering.drop(8);
    } else {
      EXPECT_TRUE(gathering.arrive(0, 4, 1, written(400)));
    }
    EXPECT_TRUE(gathering.complete());
    EXPECT_EQ(gathering.take()[0][4].use, fails ? Use::lost : Use::used);
  }
}

}  // namespace
}  // namespace covey
