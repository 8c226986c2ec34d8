// Sums over ranks that are threads of this process: what the algorithms cost beside the network.
#include <algorithm>

#include "bench/measure.hpp"
#include "mpi/loopback_transport.hpp"
#include "mpi/tensor_exchange.hpp"

namespace covey {
namespace {

struct Way {
  TensorExchange::Algorithm algorithm;
  const char* name;
};
constexpr Way kWays[] = {{TensorExchange::Algorithm::direct, "direct"}, {TensorExchange::Algorithm::sliced, "sliced"}};
constexpr int kRanks[] = {2, 4};
constexpr std::size_t kTokens[] = {1, 64};
constexpr std::size_t kReducedWidth = 2048;

void reduce(benchmark::State& state, TensorExchange::Algorithm algorithm, int ranks, std::size_t tokens) {
  run_ranks(ranks, [&](Transport& transport) {
    TensorExchange exchange(transport, std::chrono::seconds(30), algorithm);
    std::vector<float> partial(tokens * kReducedWidth, 1.0F);
    // Sums of sums grow without bound: each begins anew.
    const auto sum = [&] {
      std::ranges::fill(partial, 1.0F);
      exchange.sum(partial);
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
  for (const Way& way : kWays) {
    for (const int ranks : kRanks) {
      for (const std::size_t tokens : kTokens) {
        const std::string name = "all_reduce/" + std::string(way.name) + "/" + std::to_string(ranks) + "ranks/" +
                                 std::to_string(tokens) + "x" + std::to_string(kReducedWidth);
        benchmark::RegisterBenchmark(name.c_str(), reduce, way.algorithm, ranks, tokens)->UseRealTime();
      }
    }
  }
}

}  // namespace covey
