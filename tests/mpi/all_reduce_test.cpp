// Every algorithm, on every wire, over any number of ranks: the sum, the same bits everywhere, and the bytes promised.
#include <bit>
#include <cmath>
#include <cstring>
#include <mutex>

#include "mpi/all_reduce/sum_plan.hpp"
#include "mpi/emulated_link.hpp"
#include "mpi/ledger.hpp"
#include "mpi/tensor_exchange.hpp"
#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

constexpr std::chrono::seconds kSumTimeout{20};

// Of different sizes by rank, so that the order of additions shows.
std::vector<float> partial_of(int rank, std::size_t size) {
  std::vector<float> values(size);
  auto random = static_cast<std::uint32_t>(rank) * 7919U + 1U;
  const float largest = static_cast<float>(1 << (rank * 3 % 11)) * 0x1p-31F;
  for (float& v : values) {
    random = random * 1664525U + 1013904223U;
    v = static_cast<float>(static_cast<std::int32_t>(random)) * largest;
  }
  return values;
}

std::vector<float> sum_in_order(int ranks, std::size_t size) {
  std::vector<float> sum = partial_of(0, size);
  for (int rank = 1; rank < ranks; ++rank) {
    const auto partial = partial_of(rank, size);
    for (std::size_t i = 0; i < size; ++i) sum[i] += partial[i];
  }
  return sum;
}

double relative_error(const std::vector<float>& values, const std::vector<float>& reference) {
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    error += std::pow(static_cast<double>(values[i]) - reference[i], 2);
    power += std::pow(static_cast<double>(reference[i]), 2);
  }
  return std::sqrt(error / power);
}

struct SumOutcome {
  std::vector<float> values;         // of rank 0
  std::vector<std::uint64_t> bytes;  // sent, by rank
  std::uint64_t messages = 0;        // of all
};

// Sums on `ranks` ranks, and checks that all end with the same bits.
SumOutcome sum_over(int ranks, const SumAlgorithm& algorithm, WireType wire, std::size_t size) {
  std::vector<std::vector<float>> results(static_cast<std::size_t>(ranks));
  SumOutcome out;
  out.bytes.resize(results.size());
  std::mutex mutex;
  run_ranks(ranks, [&](Transport& t) {
    Ledger ledger(t);
    TensorExchange exchange(ledger, kSumTimeout, SumPlan(algorithm), wire);
    std::vector<float> values = partial_of(t.rank(), size);
    exchange.begin();
    exchange.sum(values, SumUse::residual);
    const std::scoped_lock lock(mutex);
    results[static_cast<std::size_t>(t.rank())] = values;
    for (const auto& [peer, phases] : ledger.report().sent) {
      out.bytes[static_cast<std::size_t>(t.rank())] += phases[static_cast<std::size_t>(Phase::load)].bytes;
      out.messages += phases[static_cast<std::size_t>(Phase::load)].messages;
    }
  });
  for (const auto& result : results) {
    EXPECT_EQ(std::memcmp(result.data(), results[0].data(), size * sizeof(float)), 0)
        << algorithm.name << ' ' << wire_name(wire) << " of " << size << " on " << ranks;
  }
  out.values = results[0];
  return out;
}

class AllReduce : public ::testing::TestWithParam<int> {};

TEST_P(AllReduce, IsTheSumOnEveryRank) {
  const int ranks = GetParam();
  for (const SumAlgorithm& algorithm : sum_algorithms()) {
    for (const std::size_t size : {1UL, 33UL, 2050UL, 140001UL}) {
      const auto expected = sum_in_order(ranks, size);
      const auto exact = sum_over(ranks, algorithm, WireType::f32, size);
      if (algorithm.in_rank_order || ranks <= 2) {
        EXPECT_EQ(exact.values, expected) << algorithm.name << " of " << size;
      } else {
        EXPECT_LT(relative_error(exact.values, expected), 1e-6) << algorithm.name << " of " << size;
      }
    }
    const auto expected = sum_in_order(ranks, 2050);
    EXPECT_LT(relative_error(sum_over(ranks, algorithm, WireType::f16, 2050).values, expected), 1e-3) << algorithm.name;
    EXPECT_LT(relative_error(sum_over(ranks, algorithm, WireType::int8, 2050).values, expected), 2e-2)
        << algorithm.name;
  }
}

// The formulas of algorithm.hpp, of sizes that divide evenly.
TEST_P(AllReduce, SendsWhatTheFormulasSay) {
  const auto n = static_cast<std::uint64_t>(GetParam());
  const std::size_t size = kWireBlock * n * 5;
  for (const WireType wire : {WireType::f32, WireType::f16, WireType::int8}) {
    const std::uint64_t s = wire_bytes(wire, size);
    const auto sent = [&](std::string_view name) { return sum_over(GetParam(), find_sum_algorithm(name), wire, size); };
    const SumOutcome direct = sent("direct");
    const SumOutcome scatter = sent("scatter");
    const SumOutcome ring = sent("ring");
    const SumOutcome doubling = sent("doubling");
    const std::uint64_t members = std::bit_floor(n);
    const std::uint64_t steps = std::bit_width(n) - 1;
    for (std::uint64_t rank = 0; rank < n; ++rank) {
      EXPECT_EQ(direct.bytes[rank], (n - 1) * s);
      EXPECT_EQ(scatter.bytes[rank], 2 * (n - 1) * s / n);
      EXPECT_EQ(ring.bytes[rank], 2 * (n - 1) * s / n);
      EXPECT_EQ(doubling.bytes[rank], rank >= members ? s : steps * s + (rank < n - members ? s : 0));
    }
    EXPECT_EQ(direct.messages, n * (n - 1));
    EXPECT_EQ(scatter.messages, 2 * n * (n - 1));
    EXPECT_EQ(ring.messages, 2 * n * (n - 1));
    EXPECT_EQ(doubling.messages, members * steps + 2 * (n - members));
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, AllReduce, ::testing::Values(1, 2, 3, 4, 5, 6, 7));

// What rounding takes from one sum comes with the next: the errors of many do not add up.
TEST(TensorExchange, WhatIsRoundedAwayComesWithTheNextSum) {
  constexpr std::size_t kSize = 640;
  constexpr int kSums = 30;
  for (const SumAlgorithm& algorithm : sum_algorithms()) {
    for (const int ranks : {2, 5}) {
      const auto residual_after = [&](WireType wire, SumUse use) {
        std::vector<float> residual(kSize);
        run_ranks(ranks, [&](Transport& t) {
          TensorExchange exchange(t, kSumTimeout, SumPlan(algorithm), wire);
          exchange.begin();
          for (int turn = 0; turn < kSums; ++turn) {
            std::vector<float> values = partial_of(t.rank() + turn % 3, kSize);
            exchange.sum(values, use);
            for (std::size_t i = 0; t.rank() == 0 && i < kSize; ++i) residual[i] += values[i];
          }
        });
        return residual;
      };
      const auto exact = residual_after(WireType::f32, SumUse::residual);
      const double fed_back = relative_error(residual_after(WireType::int8, SumUse::residual), exact);
      const double lost = relative_error(residual_after(WireType::int8, SumUse::normed), exact);
      EXPECT_LT(fed_back, 0.2 * lost) << algorithm.name << " on " << ranks;
    }
  }
}

TEST(TensorExchange, ANewPassBeginsWithoutErrors) {
  run_ranks(2, [](Transport& t) {
    TensorExchange exchange(t, kSumTimeout, SumPlan(find_sum_algorithm("direct")), WireType::int8);
    std::vector<std::vector<float>> results;
    for (const std::size_t size : {320UL, 64UL, 320UL}) {  // passes of several sizes
      exchange.begin();
      results.push_back(partial_of(t.rank(), size));
      exchange.sum(results.back(), SumUse::residual);
    }
    EXPECT_EQ(results[0], results[2]);
  });
}

TEST(TensorExchange, SeveralSumsTravelAtOnce) {
  for (const int ranks : {2, 3}) {
    run_ranks(ranks, [&](Transport& t) {
      constexpr std::size_t kRow = 64, kBand = 1536, kBands = 4;
      const auto sums = [&](WireType wire, bool at_once) {
        TensorExchange exchange(t, kSumTimeout, SumPlan(find_sum_algorithm("direct")), wire, kRow);
        EXPECT_TRUE(exchange.several_on_the_way(kBand));
        std::vector<float> all;
        for (int step = 0; step < 3; ++step) {  // the later ones bring what the first lost
          std::vector<float> partial = partial_of(t.rank(), kBand * kBands);
          const auto band = [&](std::size_t i) { return std::span(partial).subspan(i * kBand, kBand); };
          for (std::size_t i = 0; i < kBands; ++i) {
            exchange.start_sum(band(i), SumUse::residual, i * kBand);
            if (!at_once) exchange.finish_sum();
          }
          for (std::size_t i = 0; i < kBands && at_once; ++i) exchange.finish_sum();
          all.insert(all.end(), partial.begin(), partial.end());
        }
        return all;
      };
      for (const WireType wire : {WireType::f32, WireType::f16, WireType::int8}) {
        EXPECT_EQ(sums(wire, true), sums(wire, false)) << wire_name(wire);
      }
      EXPECT_EQ(std::vector<float>(sums(WireType::f32, true)), [&] {
        std::vector<float> expected;
        for (int step = 0; step < 3; ++step) {
          const auto sum = sum_in_order(ranks, kBand * kBands);
          expected.insert(expected.end(), sum.begin(), sum.end());
        }
        return expected;
      }());
    });
  }
}

TEST(TensorExchange, OnlyWhatSendsNothingLaterTravelsSeveralAtOnce) {
  run_ranks(3, [](Transport& t) {
    TensorExchange exchange(t, kSumTimeout, SumPlan(find_sum_algorithm("scatter")), WireType::f32, 64);
    EXPECT_GT(exchange.tokens_on_the_way(), 0);
    EXPECT_FALSE(exchange.several_on_the_way(1536));
  });
}

TEST(TensorExchange, SmallSumsAreWorthMessagesOverANetworkOnly) {
  run_ranks(2, [](Transport& t) {
    EmulatedLink link(t, find_link_profile("1gbe"));
    const auto worth = [](Transport& transport, std::size_t values) {
      return TensorExchange(transport, kSumTimeout, SumPlan(find_sum_algorithm("direct")), WireType::f32, 64)
          .several_on_the_way(values);
    };
    EXPECT_FALSE(worth(t, 512));
    EXPECT_TRUE(worth(t, 1024));
    EXPECT_TRUE(worth(link, 512));
    EXPECT_FALSE(worth(link, 128));
  });
}

TEST(TensorExchange, TheFirstPartGathersWhatAllHave) {
  run_ranks(3, [](Transport& t) {
    TensorExchange exchange(t, kSumTimeout, SumPlan(find_sum_algorithm("direct")), WireType::int8);
    std::vector<float> all(t.rank() == 0 ? 15 : 0);
    exchange.gather(partial_of(t.rank(), 5), all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i], partial_of(static_cast<int>(i) / 5, 5)[i % 5]);
    }
  });
}

TEST(TensorExchange, ExactSumsAreNotRounded) {
  run_ranks(3, [](Transport& t) {
    TensorExchange exchange(t, kSumTimeout, SumPlan(find_sum_algorithm("scatter")), WireType::int8);
    std::vector<float> values = partial_of(t.rank(), 100);
    exchange.sum(values, SumUse::exact);
    EXPECT_EQ(values, sum_in_order(3, 100));
  });
}

TEST(TensorExchange, ASilentRankIsNamed) {
  for (const SumAlgorithm& algorithm : sum_algorithms()) {
    const std::string message = error_of([&] {
      run_ranks(3, [&](Transport& t) {
        if (t.rank() == 2) return;
        TensorExchange exchange(t, std::chrono::milliseconds(100), SumPlan(algorithm), WireType::f32);
        std::vector<float> values(100);
        exchange.sum(values, SumUse::residual);
      });
    });
    EXPECT_TRUE(contains(message, "rank 2 has not answered")) << algorithm.name;
    EXPECT_TRUE(contains(message, "partial sums"));
  }
}

TEST(SumPlan, TheFastestIsTakenForEachSize) {
  const SumAlgorithm& direct = find_sum_algorithm("direct");
  const SumAlgorithm& ring = find_sum_algorithm("ring");
  const SumPlan plan({{&direct, 1e-4, 1e-7}, {&ring, 3e-4, 5e-8}});
  EXPECT_EQ(plan.best(100).name, "direct");
  EXPECT_EQ(plan.best(3999).name, "direct");
  EXPECT_EQ(plan.best(4001).name, "ring");
}

TEST(SumPlan, AllRanksAgreeOnWhatWasMeasured) {
  std::vector<const SumAlgorithm*> all;
  for (const SumAlgorithm& algorithm : sum_algorithms()) all.push_back(&algorithm);
  std::vector<std::vector<double>> told(4);
  run_ranks(4, [&](Transport& t) {
    const SumPlan plan = measure_sums(t, kSumTimeout, WireType::int8, all, 64);
    ASSERT_EQ(plan.choices().size(), all.size());
    for (const MeasuredSum& sum : plan.choices()) {
      EXPECT_GE(sum.per_value, 0);
      told[static_cast<std::size_t>(t.rank())].insert(told[static_cast<std::size_t>(t.rank())].end(),
                                                      {sum.fixed, sum.per_value});
    }
  });
  for (const auto& times : told) EXPECT_EQ(times, told[0]);
}

TEST(SumPlan, RefusesATransportThatCannotAdd) {
  run_ranks(2, [&](Transport& t) {
    const std::string error =
        error_of([&] { measure_sums(t, kSumTimeout, WireType::f32, parse_sum_algorithms("direct,mpi"), 64); });
    EXPECT_TRUE(contains(error, "--allreduce mpi")) << error;
  });
}

TEST(SumPlan, KnowsWhetherPiecesHaveTheBitsOfTheWhole) {
  const auto same = [](const char* name, int ranks, WireType wire, std::size_t row) {
    return SumPlan(find_sum_algorithm(name)).same_in_pieces(ranks, wire, row);
  };
  EXPECT_TRUE(same("direct", 3, WireType::int8, 64));
  EXPECT_FALSE(same("direct", 3, WireType::int8, 65)) << "a block would hold values of two tokens";
  EXPECT_TRUE(same("scatter", 3, WireType::f32, 65));
  EXPECT_FALSE(same("scatter", 3, WireType::int8, 64));
  EXPECT_FALSE(same("ring", 3, WireType::f32, 64));
  EXPECT_TRUE(same("mpi", 2, WireType::f32, 64));
  EXPECT_FALSE(same("mpi", 3, WireType::f32, 64));
}

TEST(SumPlan, ChoosesByItselfAmongThoseInOrderOfRanks) {
  for (const int ranks : {1, 2, 3}) {
    run_ranks(ranks, [&](Transport& t) {
      const SumPlan plan = measure_sums(t, kSumTimeout, WireType::f32, {}, 64);
      EXPECT_EQ(plan.choices().size(), ranks > 2 ? 2U : 1U);
      for (const MeasuredSum& sum : plan.choices()) EXPECT_TRUE(sum.algorithm->in_rank_order);
    });
  }
}

TEST(SumAlgorithms, AreFoundByName) {
  for (const SumAlgorithm& algorithm : sum_algorithms()) {
    EXPECT_EQ(find_sum_algorithm(algorithm.name).finish, algorithm.finish);
  }
  EXPECT_TRUE(parse_sum_algorithms("auto").empty());
  const auto two = parse_sum_algorithms("ring,direct,ring");
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0]->name, "ring");
  EXPECT_EQ(two[1]->name, "direct");
  for (const char* text : {"", "ring,", "rings", ",ring", "auto,ring"}) {
    EXPECT_TRUE(contains(error_of([&] { parse_sum_algorithms(text); }), "choose auto, direct, scatter, ring, doubling"))
        << text;
  }
}

}  // namespace
}  // namespace covey
