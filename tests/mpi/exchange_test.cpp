#include "mpi/pipeline_exchange.hpp"
#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

constexpr std::chrono::seconds kTimeout{20};

TEST(PipelineExchange, ActivationsGoRoundTheRing) {
  for (const int ranks : {2, 3, 5}) {
    run_ranks(ranks, [&](Transport& t) {
      PipelineExchange exchange(t, kTimeout, WireType::f32);
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
    PipelineExchange exchange(t, std::chrono::milliseconds(1), WireType::f32);
    exchange.pass_on({});
    exchange.receive({});
  });
  run_ranks(1, [](Transport& t) {
    PipelineExchange exchange(t, std::chrono::milliseconds(1), WireType::f32);
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
      PipelineExchange exchange(t, std::chrono::milliseconds(100), WireType::f32);
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
