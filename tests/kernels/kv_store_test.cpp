#include "kernels/cpu/kv_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "covey/error.hpp"
#include "tests/kernels/random_data.hpp"

namespace covey {
namespace {

constexpr std::int32_t kStoredHeadDim = 32;

// Where a token's key starts in its tile, and how far apart its numbers lie: F32 and F16 only.
const std::byte* key_number(const KvRun& run, KvType type, std::int32_t block, std::int32_t offset, std::int32_t d) {
  const std::size_t bytes = type == KvType::f32 ? 4 : 2;
  return run.first_keys + run.steps.to(block) + offset / 16 * key_tile_bytes(type, kStoredHeadDim) +
         (d * 16 + offset % 16) * bytes;
}
const std::byte* value_row(const KvRun& run, KvType type, std::int32_t block, std::int32_t offset) {
  return run.first_keys + run.steps.to(block) + run.to_values + offset * value_row_bytes(type, kStoredHeadDim);
}

TEST(KvStore, BytesOfTilesAndRows) {
  EXPECT_EQ(key_tile_bytes(KvType::f32, 80), 16U * 320);
  EXPECT_EQ(key_tile_bytes(KvType::f16, 20), 16U * 40);
  EXPECT_EQ(key_tile_bytes(KvType::q8_0, 96), 16U * 102);
  EXPECT_EQ(value_row_bytes(KvType::f32, 80), 320U);
  EXPECT_EQ(value_row_bytes(KvType::f16, 20), 64U);
  EXPECT_EQ(value_row_bytes(KvType::q8_0, 96), 102U);
}

TEST(KvStore, BlockBytesCountAllLayersKeysAndValues) {
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    EXPECT_EQ(kv_block_bytes({3, 2, kStoredHeadDim, 100, 32, type}),
              3U * 2 * 32 * 2 * value_row_bytes(type, kStoredHeadDim));
    EXPECT_EQ(kv_block_bytes({3, 2, kStoredHeadDim, 100, 17, type}),
              3U * 2 * (32 + 17) * value_row_bytes(type, kStoredHeadDim));
  }
  EXPECT_EQ(kv_block_bytes({0, 2, kStoredHeadDim, 100, 16, KvType::f32}), 0U);
  EXPECT_EQ(kv_block_bytes({3, 0, kStoredHeadDim, 100, 16, KvType::f32}), 0U);
}

TEST(KvStore, RefusesImpossibleLayouts) {
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  EXPECT_THROW(kv_block_bytes({1, 1, 40, 1, 16, KvType::q8_0}), Error);
  EXPECT_THROW(kv_block_bytes({-1, 1, 32, 1, 16, KvType::f32}), Error);
  EXPECT_THROW(kv_block_bytes({kMost, kMost, kMost, 1, 16, KvType::f32}), Error);
  EXPECT_THROW(KvStore({1, 1, 32, kMost, 16, KvType::f32}), Error);
  EXPECT_THROW(KvStore({kMost, 1, 32768, 1 << 20, 16, KvType::f32}), Error);
}

TEST(KvStore, KeepsEveryTokenApart) {
  constexpr std::int32_t kLayers = 2, kKvHeads = 3, kBlocks = 4;
  for (const auto& [block_tokens, log2_group] : {std::pair{5, 0}, {16, 1}, {16, 4}, {19, 0}, {19, 2}}) {
    KvStore store({kLayers, kKvHeads, kStoredHeadDim, kBlocks, block_tokens, KvType::f32}, log2_group);
    EXPECT_EQ(store.memory_bytes(), kBlocks * kv_block_bytes(store.layout()));
    RandomData data(1);
    const std::int32_t places = kBlocks * block_tokens, width = kKvHeads * kStoredHeadDim;
    const std::vector<float> k = data.numbers(kLayers * places * width), v = data.numbers(k.size());
    for (std::int32_t row = 0; row < kLayers * places; ++row) {
      store.store(row / places, row % places, k.data() + row * width, v.data() + row * width, scalar());
    }
    // Read back after all was written: nothing may have been written over.
    const std::int32_t blocks[] = {0};
    for (std::int32_t row = 0; row < kLayers * places; ++row) {
      const std::int32_t block = row % places / block_tokens, offset = row % places % block_tokens;
      for (std::int32_t head = 0; head < kKvHeads; ++head) {
        const KvRun run = store.run(row / places, head, blocks, {head, blocks});
        const std::size_t in = row * width + head * kStoredHeadDim;
        for (std::int32_t d = 0; d < kStoredHeadDim; ++d) {
          EXPECT_EQ(std::memcmp(key_number(run, KvType::f32, block, offset, d), k.data() + in + d, sizeof(float)), 0);
        }
        EXPECT_EQ(
            std::memcmp(value_row(run, KvType::f32, block, offset), v.data() + in, kStoredHeadDim * sizeof(float)), 0);
      }
    }
  }
}

class KvStoreGroups : public testing::TestWithParam<std::int32_t> {};

TEST_P(KvStoreGroups, CopiesBlocksOfAllLayers) {
  constexpr std::int32_t kLayers = 3;
  KvStore store({kLayers, 1, kStoredHeadDim, 3, 1, KvType::f32}, GetParam());
  RandomData data(2);
  const std::vector<float> values = data.numbers(3 * kLayers * kStoredHeadDim);
  for (std::int32_t block = 0; block < 3; ++block) {
    for (std::int32_t layer = 0; layer < kLayers; ++layer) {
      const float* const row = values.data() + (block * kLayers + layer) * kStoredHeadDim;
      store.store(layer, block, row, row, scalar());
    }
  }
  store.copy_block(2, 0);
  store.copy_block(1, 1);
  for (std::int32_t layer = 0; layer < kLayers; ++layer) {
    const auto holds = [&](std::int32_t block, std::int32_t original) {
      const float* const row = values.data() + (original * kLayers + layer) * kStoredHeadDim;
      const std::int32_t blocks[] = {0};
      const KvRun run = store.run(layer, 0, blocks, {0, blocks});
      return std::memcmp(key_number(run, KvType::f32, block, 0, 7), row + 7, sizeof(float)) == 0 &&
             std::memcmp(value_row(run, KvType::f32, block, 0), row, kStoredHeadDim * sizeof(float)) == 0;
    };
    EXPECT_TRUE(holds(0, 2));
    EXPECT_TRUE(holds(1, 1));
    EXPECT_TRUE(holds(2, 2));
  }
}

TEST_P(KvStoreGroups, ForgetsOneBlockOnly) {
  const KvLayout layout{4, 8, 64, 3, 32, KvType::f32};  // many pages a block
  KvStore store(layout, GetParam());
  const std::vector<float> ones(static_cast<std::size_t>(layout.kv_heads * layout.head_dim), 1.0F);
  for (std::int32_t layer = 0; layer < layout.layers; ++layer) {
    for (std::int32_t place = 0; place < layout.blocks * layout.block_tokens; ++place) {
      store.store(layer, place, ones.data(), ones.data(), *isa_tables().back());
    }
  }
  store.forget_block(1);
  const auto count_of_ones = [&](std::int32_t block) {
    std::ptrdiff_t count = 0;
    for (std::int32_t i = 0; i < layout.layers * layout.kv_heads; ++i) {
      const std::int32_t head = i % layout.kv_heads;
      const KvRun run = store.run(i / layout.kv_heads, head, &block, {head, {&block, 1}});
      const auto* const numbers = reinterpret_cast<const float*>(run.keys(0));
      count += std::count(numbers, numbers + run.steps.block / sizeof(float), 1.0F);
    }
    return count;
  };
  const auto all = static_cast<std::ptrdiff_t>(kv_block_bytes(layout) / sizeof(float));
  EXPECT_EQ(count_of_ones(0), all);
  EXPECT_EQ(count_of_ones(2), all);
  EXPECT_LT(count_of_ones(1), GetParam() == 0 ? all / 10 : all / 2) << "but for the pages shared with neighbours";
}

INSTANTIATE_TEST_SUITE_P(Blocks, KvStoreGroups, testing::Values(0, 1, 4));

}  // namespace
}  // namespace covey
