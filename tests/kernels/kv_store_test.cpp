#include "kernels/cpu/kv_store.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "covey/error.hpp"
#include "tests/kernels/random_data.hpp"

namespace covey {
namespace {

constexpr std::int32_t kHeadDim = 32;

const IsaTable& scalar() { return select_isa("scalar"); }

std::vector<std::byte> stored(KvType type, const float* in) {
  std::vector<std::byte> row(kv_row_bytes(type, kHeadDim));
  scalar().store_kv[static_cast<std::size_t>(type)](in, kHeadDim, row.data());
  return row;
}

TEST(KvStore, BlockBytesCountAllLayersKeysAndValues) {
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    EXPECT_EQ(kv_block_bytes({3, 2, kHeadDim, 100, 16, type}), 3U * 2 * 16 * 2 * kv_row_bytes(type, kHeadDim));
  }
  EXPECT_EQ(kv_block_bytes({0, 2, kHeadDim, 100, 16, KvType::f32}), 0U);
  EXPECT_EQ(kv_block_bytes({3, 0, kHeadDim, 100, 16, KvType::f32}), 0U);
}

TEST(KvStore, RefusesImpossibleLayouts) {
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  EXPECT_THROW(kv_block_bytes({1, 1, 40, 1, 16, KvType::q8_0}), Error);
  EXPECT_THROW(kv_block_bytes({-1, 1, 32, 1, 16, KvType::f32}), Error);
  EXPECT_THROW(kv_block_bytes({kMost, kMost, kMost, 1, 16, KvType::f32}), Error);
  EXPECT_THROW(KvStore({1, 1, 32, kMost, 16, KvType::f32}), Error);
  EXPECT_THROW(KvStore({kMost, 1, 32768, 1 << 20, 16, KvType::f32}), Error);
}

TEST(KvStore, KeepsEveryRowApart) {
  constexpr std::int32_t kLayers = 2, kKvHeads = 3, kBlocks = 4, kBlockTokens = 5;
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    KvStore store({kLayers, kKvHeads, kHeadDim, kBlocks, kBlockTokens, type});
    EXPECT_EQ(store.memory_bytes(), kBlocks * kv_block_bytes(store.layout()));
    RandomData data(1);
    constexpr std::int32_t kPlaces = kBlocks * kBlockTokens, kWidth = kKvHeads * kHeadDim;
    const std::vector<float> k = data.numbers(kLayers * kPlaces * kWidth), v = data.numbers(k.size());
    for (std::int32_t row = 0; row < kLayers * kPlaces; ++row) {
      store.store(row / kPlaces, row % kPlaces, k.data() + row * kWidth, v.data() + row * kWidth, scalar());
    }
    // Read back after all was written: nothing may have been written over.
    for (std::int32_t row = 0; row < kLayers * kPlaces; ++row) {
      const std::int32_t place = row % kPlaces;
      for (std::int32_t head = 0; head < kKvHeads; ++head) {
        const KvRun run = store.run(row / kPlaces, place / kBlockTokens, head, place % kBlockTokens + 1);
        const std::size_t bytes = kv_row_bytes(type, kHeadDim), offset = place % kBlockTokens * bytes;
        const std::size_t in = row * kWidth + head * kHeadDim;
        EXPECT_EQ(std::memcmp(run.k + offset, stored(type, k.data() + in).data(), bytes), 0);
        EXPECT_EQ(std::memcmp(run.v + offset, stored(type, v.data() + in).data(), bytes), 0);
        EXPECT_EQ(run.tokens, place % kBlockTokens + 1);
      }
    }
  }
}

TEST(KvStore, CopiesBlocksOfAllLayers) {
  constexpr std::int32_t kLayers = 3;
  KvStore store({kLayers, 1, kHeadDim, 3, 1, KvType::f32});
  RandomData data(2);
  const std::vector<float> values = data.numbers(3 * kLayers * kHeadDim);
  for (std::int32_t block = 0; block < 3; ++block) {
    for (std::int32_t layer = 0; layer < kLayers; ++layer) {
      const float* const row = values.data() + (block * kLayers + layer) * kHeadDim;
      store.store(layer, block, row, row, scalar());
    }
  }
  store.copy_block(2, 0);
  store.copy_block(1, 1);
  for (std::int32_t layer = 0; layer < kLayers; ++layer) {
    const auto holds = [&](std::int32_t block, std::int32_t original) {
      const float* const row = values.data() + (original * kLayers + layer) * kHeadDim;
      const KvRun run = store.run(layer, block, 0, 1);
      return std::memcmp(run.k, row, kHeadDim * sizeof(float)) == 0 &&
             std::memcmp(run.v, row, kHeadDim * sizeof(float)) == 0;
    };
    EXPECT_TRUE(holds(0, 2));
    EXPECT_TRUE(holds(1, 1));
    EXPECT_TRUE(holds(2, 2));
  }
}

}  // namespace
}  // namespace covey
