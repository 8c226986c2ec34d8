#include <cstring>
#include <random>

#include "mpi/pipeline_exchange.hpp"
#include "mpi/tensor_exchange.hpp"
#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

constexpr std::chrono::seconds kTimeout{20};

std::vector<float> partial_of(int rank, std::size_t size) {
  std::mt19937 random(static_cast<unsigned>(rank) * 7919U + 1U);
  std::uniform_real_distribution<float> value(-1.0F, 1.0F);
  std::vector<float> values(size);
  for (float& v : values) v = value(random) * static_cast<float>(1 << (rank * 3 % 11));
  return values;
}

class TensorSum : public ::testing::TestWithParam<std::tuple<int, TensorExchange::Algorithm>> {};

TEST_P(TensorSum, IsTheSumInOrderOfRanksOnEveryRank) {
  const auto [ranks, algorithm] = GetParam();
  for (const std::size_t size : {1UL, 3UL, 2048UL, 100001UL, 330000UL}) {
    std::vector<std::vector<float>> partials;
    for (int rank = 0; rank < ranks; ++rank) partials.push_back(partial_of(rank, size));
    std::vector<float> expected = partials[0];
    for (std::size_t rank = 1; rank < partials.size(); ++rank) {
      for (std::size_t i = 0; i < size; ++i) expected[i] += partials[rank][i];
    }
    run_ranks(ranks, [&, algorithm = algorithm](Transport& t) {
      TensorExchange exchange(t, kTimeout, algorithm);
      for (int turn = 0; turn < 2; ++turn) {
        std::vector<float> values = partials[static_cast<std::size_t>(t.rank())];
        exchange.sum(values);
        EXPECT_EQ(std::memcmp(values.data(), expected.data(), size * sizeof(float)), 0)
            << size << " on rank " << t.rank();
      }
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, TensorSum,
                         ::testing::Combine(::testing::Values(1, 2, 3, 4, 5),
                                            ::testing::Values(TensorExchange::Algorithm::automatic,
                                                              TensorExchange::Algorithm::direct,
                                                              TensorExchange::Algorithm::sliced)));

TEST(TensorExchange, ASilentRankIsNamed) {
  const std::string message = error_of([] {
    run_ranks(3, [](Transport& t) {
      if (t.rank() == 2) return;
      TensorExchange exchange(t, std::chrono::milliseconds(50));
      std::vector<float> values(10);
      exchange.sum(values);
    });
  });
  EXPECT_TRUE(contains(message, "rank 2 has not answered"));
  EXPECT_TRUE(contains(message, "partial sums"));
}

TEST(PipelineExchange, ActivationsGoRoundTheRing) {
  for (const int ranks : {2, 3, 5}) {
    run_ranks(ranks, [&](Transport& t) {
      PipelineExchange exchange(t, kTimeout);
      std::vector<float> values(1000, 1.0F);
      if (t.rank() > 0) exchange.receive(values);
      for (float& v : values) v += 1.0F;
      exchange.pass_on(values);
      if (t.rank() == 0) {
        exchange.receive(values);
        EXPECT_EQ(values, std::vector<float>(1000, 1.0F + static_cast<float>(ranks)));
      }
    });
  }
}

TEST(PipelineExchange, NothingTravelsWithoutActivationsOrPeers) {
  run_ranks(2, [](Transport& t) {
    PipelineExchange exchange(t, std::chrono::milliseconds(1));
    exchange.pass_on({});
    exchange.receive({});
  });
  run_ranks(1, [](Transport& t) {
    PipelineExchange exchange(t, std::chrono::milliseconds(1));
    std::vector<float> values{1.0F, 2.0F};
    exchange.pass_on(values);
    exchange.receive(values);
    EXPECT_EQ(values, (std::vector<float>{1.0F, 2.0F}));
  });
}

TEST(PipelineExchange, TheStageThatFellSilentIsNamedEverywhere) {
  for (const int silent : {1, 2, 3}) {
    run_ranks(4, [&](Transport& t) {
      if (t.rank() == silent) return;
      PipelineExchange exchange(t, std::chrono::milliseconds(100));
      std::vector<float> values(10);
      try {
        if (t.rank() > 0) exchange.receive(values);
        exchange.pass_on(values);
        if (t.rank() == 0) exchange.receive(values);
        EXPECT_LT(t.rank(), silent);
        EXPECT_GT(t.rank(), 0);
      } catch (const PeerLost& lost) {
        EXPECT_EQ(lost.rank(), silent);
        t.fail(lost.what());
      }
    });
  }
}

}  // namespace
}  // namespace covey
