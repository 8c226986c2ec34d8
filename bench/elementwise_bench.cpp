// What lies between products, on rows that stay in the first caches, and the cost of sharing work among threads.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "bench/measure.hpp"
#include "kernels/cpu/cores.hpp"
#include "kernels/cpu/thread_pool.hpp"

namespace covey {
namespace {

constexpr std::int64_t kWidth = 2048;
constexpr std::int64_t kFeedForward = 5632;
constexpr std::int32_t kPairs = 32;

/// A kernel over n floats, called again and again; counts bytes that pass through it.
template <class Work>
void add(const std::string& kernel, const IsaTable& isa, std::int64_t n, double bytes_each, Work work) {
  const std::string name = kernel + "/" + std::string(isa.name) + "/" + std::to_string(n);
  benchmark::RegisterBenchmark(name.c_str(), [=, &isa](benchmark::State& state) {
    const std::vector<float> in = random_floats(static_cast<std::size_t>(n));
    std::vector<float> out = random_floats(static_cast<std::size_t>(n), 2);
    for (auto _ : state) {
      work(isa, in.data(), n, out.data());
      benchmark::ClobberMemory();
    }
    state.counters["GB"] = benchmark::Counter(bytes_each * static_cast<double>(n * state.iterations()) * 1e-9,
                                              benchmark::Counter::kIsRate);
  });
}

void add_all(const IsaTable& isa) {
  add("rms_norm", isa, kWidth, 12,
      [](const IsaTable& i, const float* in, std::int64_t n, float* out) { i.rms_norm(in, in, 1e-5F, n, out); });
  add("silu_mul", isa, kFeedForward, 12,
      [](const IsaTable& i, const float* in, std::int64_t n, float* out) { i.silu_mul(in, n, out); });
  add("add", isa, kWidth, 12,
      [](const IsaTable& i, const float* in, std::int64_t n, float* out) { i.add(in, n, out); });
  // One head after the other; a row's angles are the same for all of them. Turned again and again, numbers keep their
  // size only by true angles: others would become subnormal, which takes ten times as long.
  std::array<float, kPairs> cosine{}, sine{};
  for (std::size_t i = 0; i < kPairs; ++i) {
    cosine[i] = std::cos(static_cast<float>(i));
    sine[i] = std::sin(static_cast<float>(i));
  }
  const auto turn = [cosine, sine](auto rope, std::int64_t n, float* out) {
    for (std::int64_t head = 0; head < n; head += 2 * std::int64_t{kPairs}) {
      rope(cosine.data(), sine.data(), kPairs, out + head);
    }
  };
  add("rope_adjacent", isa, kWidth, 8,
      [turn](const IsaTable& i, const float*, std::int64_t n, float* out) { turn(i.rope_adjacent, n, out); });
  add("rope_halves", isa, kWidth, 8,
      [turn](const IsaTable& i, const float*, std::int64_t n, float* out) { turn(i.rope_halves, n, out); });
  const auto blocks = std::make_shared<std::vector<ActivationBlock>>(kFeedForward / kActivationBlock);
  add("quantize", isa, kFeedForward, 4 + static_cast<double>(sizeof(ActivationBlock)) / kActivationBlock,
      [blocks](const IsaTable& i, const float* in, std::int64_t n, float*) {
        i.quantize(in, n, blocks->data(), 1);
        benchmark::DoNotOptimize(blocks->data());
      });
  const auto wide = std::make_shared<std::vector<WideActivationBlock>>(kFeedForward / kWideActivationBlock);
  add("quantize_wide", isa, kFeedForward, 4 + static_cast<double>(sizeof(WideActivationBlock)) / kWideActivationBlock,
      [wide](const IsaTable& i, const float* in, std::int64_t n, float*) {
        i.quantize_wide(in, n, wide->data(), 1);
        benchmark::DoNotOptimize(wide->data());
      });
}

/// The same as operations of a Vulkan device, on as many rows as are memory's business rather than a cache's.
struct Rows {
  static constexpr std::int32_t kRows = 1024;

  explicit Rows(const Computer& computer) : device(computer.device()) {
    std::array<std::int32_t, kSlotCount> widths{};
    for (const Slot slot : {Slot::residual, Slot::normed}) widths[static_cast<std::size_t>(slot)] = kWidth;
    for (const Slot slot : {Slot::gate, Slot::up}) widths[static_cast<std::size_t>(slot)] = kFeedForward;
    device->reserve(widths, kRows);
    weight = device->add_vector(random_floats(kWidth));
    for (const Slot slot : {Slot::residual, Slot::normed, Slot::gate, Slot::up}) {
      const std::span<float> values = device->map(slot, kRows);
      std::ranges::fill(values, 0.5F);
    }
    device->begin({});
  }

  std::unique_ptr<Device> device;
  VectorHandle weight;
};

template <class Work>
void add_rows(const std::string& kernel, const Computer& computer, std::int64_t width, double bytes_each, Work work) {
  const std::string name =
      kernel + "/" + computer.name + "/" + std::to_string(Rows::kRows) + "x" + std::to_string(width);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    Rows& rows = prepared<Rows>(computer.name, [&] { return std::make_unique<Rows>(computer); });
    const double values = static_cast<double>(width) * Rows::kRows;
    run_counted(
        state, computer, {0, 0, bytes_each * values}, [&] { work(rows); },
        [&] { benchmark::DoNotOptimize(rows.device->map(Slot::residual).data()); });
  })->UseRealTime();
}

void add_all_rows(const Computer& computer) {
  add_rows("rms_norm", computer, kWidth, 8, [](Rows& rows) {
    rows.device->norm({NormKind::rms, rows.weight, {}, 1e-5F}, Slot::residual, Slot::normed);
  });
  add_rows("silu_mul", computer, kFeedForward, 12,
           [](Rows& rows) { rows.device->gated(Activation::silu, Slot::gate, Slot::up); });
  add_rows("add", computer, kWidth, 12, [](Rows& rows) { rows.device->add(Slot::normed, Slot::residual); });
}

}  // namespace

void register_elementwise() {
  for (const Computer& computer : computers_here()) {
    if (computer.isa == nullptr) add_all_rows(computer);
  }
  for (const IsaTable* isa : isas_here()) add_all(*isa);
  for (int threads = 1; threads <= available_cores(); threads *= 2) {
    benchmark::RegisterBenchmark(("thread_pool/barrier/" + std::to_string(threads)).c_str(), [threads](benchmark::State&
                                                                                                           state) {
      ThreadPool pool(threads);
      for (auto _ : state) {
        pool.parallel_for(threads, {1, 1}, [](std::int64_t, std::int64_t, int) noexcept {});
      }
    })->UseRealTime();
  }
}

}  // namespace covey
