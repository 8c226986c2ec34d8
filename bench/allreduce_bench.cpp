// Sums over ranks that are threads of this process: what the algorithms cost beside the network.
#include <algorithm>

#include "bench/measure.hpp"
#include "mpi/loopback_transport.hpp"
#include "mpi/tensor_exchange.hpp"

namespace covey {
namespace {

constexpr int kRanks[] = {2, 4};
constexpr std::size_t kTokens[] = {1, 64};
constexpr std::size_t kReducedWidth = 2048;

void reduce(benchmark::State& state, const SumAlgorithm& algorithm, WireType wire, int ranks, std::size_t tokens) {
  run_ranks(ranks, [&](Transport& transport) {
    TensorExchange exchange(transport, std::chrono::seconds(30), SumPlan(algorithm), wire);
    std::vector<float> partial(tokens * kReducedWidth, 1.0F);
    // Sums of sums grow without bound: each begins anew.
    const auto sum = [&] {
      std::ranges::fill(partial, 1.0F);
      exchange.begin();
      exchange.sum(partial, SumUse::residual);
    };
    if (transport.rank() == 0) {
      for (auto _ : state) sum();
    } else {
      for (benchmark::IterationCount i = 0; i < state.max_iterations; ++i) sum();
    }
  });
  state.counters["GB"] = benchmark::Counter(
      static_cast<double>(tokens * kReducedWidth * sizeof(float)) * static_cast<double>(state.iterations()) * 1e-9,
      benchmark::Counter::kIsRate);
}

}  // namespace

void register_all_reduce() {
  for (const SumAlgorithm& algorithm : sum_algorithms()) {
    for (const std::string& wire : wire_names()) {
      for (const int ranks : kRanks) {
        for (const std::size_t tokens : kTokens) {
          const std::string name = "all_reduce/" + std::string(algorithm.name) + "/" + wire + "/" +
                                   std::to_string(ranks) + "ranks/" + std::to_string(tokens) + "x" +
                                   std::to_string(kReducedWidth);
          const auto run = [&algorithm, type = find_wire(wire), ranks, tokens](benchmark::State& state) {
            reduce(state, algorithm, type, ranks, tokens);
          };
          benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime();
        }
      }
    }
  }
}

}  // namespace covey
