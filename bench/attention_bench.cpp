// Attention over the cache: depths, types of cache, groups of query heads, and many queries at once.
#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <span>

#include "bench/measure.hpp"

namespace covey {
namespace {

constexpr std::int32_t kHeadDim = 64;
constexpr std::int32_t kQueryHeads = 32;
constexpr std::int32_t kBlockTokens = 32;
constexpr std::int32_t kMostTokens = 64;
constexpr std::int32_t kDepths[] = {256, 1024, 4096};
constexpr std::int32_t kGroups[] = {1, 8};  // query heads that share a KV head
constexpr std::int32_t kQueries[] = {1, kMostTokens};

struct Cache {
  KvType type;
  const char* name;
};
constexpr Cache kCaches[] = {{KvType::f32, "f32"}, {KvType::f16, "f16"}, {KvType::q8_0, "q8_0"}};

struct Setting {
  Computer computer;
  Cache cache;
  std::int32_t group, depth, queries;

  std::string name() const {
    return "attention/" + computer.name + "/" + cache.name + "/group" + std::to_string(group) + "/depth" +
           std::to_string(depth) + (queries == 1 ? "/decode" : "/prefill" + std::to_string(queries));
  }
  std::int32_t kv_heads() const { return kQueryHeads / group; }
  KvLayout layout() const {
    KvLayout one = {1, kv_heads(), kHeadDim, depth / kBlockTokens, kBlockTokens, cache.type};
    // As many layers as make the next iteration read from memory.
    const std::size_t layer_bytes = kv_block_bytes(one) * static_cast<std::size_t>(one.blocks);
    one.layers = static_cast<std::int32_t>(std::min<std::size_t>(64, (kStreamBytes + layer_bytes - 1) / layer_bytes));
    return one;
  }
};

/// A device whose cache holds one sequence.
struct Filled {
  explicit Filled(const Setting& setting) : layout(setting.layout()), table(static_cast<std::size_t>(layout.blocks)) {
    device = setting.computer.device();
    std::array<std::int32_t, kSlotCount> widths{};
    const auto set = [&](Slot slot, std::int32_t heads) { widths[static_cast<std::size_t>(slot)] = heads * kHeadDim; };
    set(Slot::q, kQueryHeads);
    set(Slot::heads, kQueryHeads);
    set(Slot::k, layout.kv_heads);
    set(Slot::v, layout.kv_heads);
    device->reserve(widths, kMostTokens);
    device->reserve_kv(layout);
    std::iota(table.begin(), table.end(), 0);
    tables.emplace_back(table);
    for (std::int32_t first = 0; first < setting.depth; first += kMostTokens) {
      begin(first, kMostTokens);
      fill(Slot::k, kMostTokens);
      fill(Slot::v, kMostTokens);
      for (std::int32_t layer = 0; layer < layout.layers; ++layer) device->store_kv(layer, Slot::k, Slot::v);
    }
  }

  void begin(std::int32_t first, std::int32_t tokens) {
    position.resize(static_cast<std::size_t>(tokens));
    std::iota(position.begin(), position.end(), first);
    zero.assign(position.size(), 0);
    device->begin({zero, position, zero, position, tables, false});
  }
  void fill(Slot slot, std::int32_t tokens) const {
    const std::span<float> into = device->map(slot, tokens);
    const std::vector<float> values = random_floats(into.size());
    std::memcpy(into.data(), values.data(), into.size_bytes());
  }

  KvLayout layout;
  std::unique_ptr<Device> device;
  std::vector<std::int32_t> table;  // block i holds positions i * kBlockTokens on: a token's place is its position
  std::vector<std::span<const std::int32_t>> tables;
  std::vector<std::int32_t> position, zero;
};

void attend(benchmark::State& state, const Setting& setting) {
  Filled& filled = prepared<Filled>(setting.name(), [&] { return std::make_unique<Filled>(setting); });
  filled.begin(setting.depth - setting.queries, setting.queries);
  filled.fill(Slot::q, setting.queries);
  const AttendSpec spec = {kQueryHeads, setting.kv_heads(), kHeadDim, setting.group, 0, 0.125F};
  // Query i sees depth - queries + i + 1 positions; each costs a product with a key and one with a value.
  const double seen = setting.queries * (setting.depth - (setting.queries - 1) / 2.0);
  const auto bytes = static_cast<double>(kv_block_bytes(filled.layout)) * filled.layout.blocks / filled.layout.layers;
  const IterationWork work = {0, 4.0 * kQueryHeads * kHeadDim * seen, bytes};
  std::int32_t layer = 0;
  run_counted(
      state, setting.computer, work,
      [&] {
        filled.device->attend(layer, spec, Slot::q, Slot::heads);
        if (++layer == filled.layout.layers) layer = 0;
      },
      [&] { benchmark::DoNotOptimize(filled.device->map(Slot::heads).data()); });
}

}  // namespace

void register_attention() {
  for (const Computer& computer : computers_here()) {
    for (const Cache& cache : kCaches) {
      for (const std::int32_t group : kGroups) {
        for (const std::int32_t depth : kDepths) {
          for (const std::int32_t queries : kQueries) {
            const Setting setting = {computer, cache, group, depth, queries};
            benchmark::RegisterBenchmark(setting.name().c_str(), attend, setting)->UseRealTime();
          }
        }
      }
    }
  }
}

}  // namespace covey
