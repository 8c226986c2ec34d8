// Attention over the paged cache, on every device.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/kernels/device_cases.hpp"
#include "tests/kernels/exact_dot.hpp"

namespace covey {
namespace {

constexpr std::int32_t kTokensInBlock = 4;
constexpr std::int32_t kCacheBlocks = 10;
constexpr std::int32_t kLayers = 2;

double tolerance(KvType type) {
  switch (type) {
    case KvType::f32:
      return 2e-5;
    case KvType::f16:
      return 2e-3;
    case KvType::q8_0:
      return 2e-2;
  }
  return 0;
}

// A device's cache beside a plain one: what was stored at each place.
class DeviceAttention : public DeviceConformance {
 protected:
  struct Cached {
    std::vector<float> k, v;  // (kv_heads, head_dim)
  };

  void start(const AttendSpec& spec, KvType type, std::int32_t blocks = kCacheBlocks) {
    spec_ = spec;
    type_ = type;
    cache_.clear();
    const std::int32_t queries = spec.heads * spec.head_dim;
    reserve({{Slot::q, queries}, {Slot::heads, queries}, {Slot::k, kv_width()}, {Slot::v, kv_width()}}, 16);
    device_->reserve_kv({kLayers, spec.kv_heads, spec.head_dim, blocks, kTokensInBlock, type});
  }

  std::int32_t kv_width() const { return spec_.kv_heads * spec_.head_dim; }

  // Stores new keys and values for the batch, in one layer.
  void store(const TestBatch& batch, std::int32_t layer) {
    const BatchView view = batch.view();
    const auto tokens = static_cast<std::int32_t>(view.size());
    const std::vector<float> k = data_.numbers(tokens * kv_width()), v = data_.numbers(tokens * kv_width());
    write(Slot::k, tokens, k);
    write(Slot::v, tokens, v);
    device_->store_kv(layer, Slot::k, Slot::v);
    for (std::int32_t t = 0; t < tokens; ++t) {
      const auto row = [&](const std::vector<float>& all) {
        return std::vector<float>(all.begin() + t * kv_width(), all.begin() + (t + 1) * kv_width());
      };
      cache_[{layer, view.place[t]}] = {row(k), row(v)};
    }
  }

  // The same, then compares what its tokens see, in every layer.
  void pass(const TestBatch& batch, float query_size = 1.0F) {
    const BatchView view = batch.view();
    const auto tokens = static_cast<std::int32_t>(view.size());
    device_->begin(view);
    for (std::int32_t layer = 0; layer < kLayers; ++layer) {
      store(batch, layer);
      std::vector<float> q = data_.numbers(tokens * spec_.heads * spec_.head_dim);
      for (float& value : q) value *= query_size;
      write(Slot::q, tokens, q);
      device_->attend(layer, spec_, Slot::q, Slot::heads);
      compare(batch, layer, q, read(Slot::heads));
    }
  }

  void compare(const TestBatch& batch, std::int32_t layer, const std::vector<float>& q, const std::vector<float>& out) {
    const BatchView view = batch.view();
    ASSERT_EQ(out.size(), q.size());
    for (std::size_t row = 0; row < q.size() / spec_.head_dim; ++row) {
      const std::size_t t = row / spec_.heads;
      const auto head = static_cast<std::int32_t>(row % spec_.heads);
      const std::int32_t kv = (spec_.first_query + head) / spec_.group * spec_.head_dim;
      const float* const query = q.data() + row * spec_.head_dim;
      std::vector<double> scores;
      std::vector<const float*> values;
      const std::int32_t first = spec_.window > 0 ? std::max(0, view.position[t] - spec_.window + 1) : 0;
      for (std::int32_t p = first; p <= view.position[t]; ++p) {
        const Cached& cached = cache_.at({layer, batch.place_of(view.sequence[t], p)});
        const double score = spec_.scale * exact_dot(query, cached.k.data() + kv, spec_.head_dim);
        scores.push_back(spec_.softcap > 0 ? spec_.softcap * std::tanh(score / spec_.softcap) : score);
        values.push_back(cached.v.data() + kv);
      }
      const double largest = *std::max_element(scores.begin(), scores.end());
      double total = 0;
      for (double& score : scores) total += score = std::exp(score - largest);
      std::vector<double> sums(spec_.head_dim, 0.0);
      for (std::size_t p = 0; p < scores.size(); ++p) add_scaled(scores[p] / total, values[p], sums);
      for (std::int32_t i = 0; i < spec_.head_dim; ++i) {
        ASSERT_NEAR(out[row * spec_.head_dim + i], sums[i], tolerance(type_))
            << "token " << t << " head " << head << " dimension " << i;
      }
    }
  }

  AttendSpec spec_;
  KvType type_ = KvType::f32;
  std::map<std::pair<std::int32_t, std::int32_t>, Cached> cache_;  // by (layer, place)
};

INSTANTIATE_TEST_SUITE_P(Devices, DeviceAttention, testing::ValuesIn(device_cases()), device_case_name);

// Sequences 0 and 1 share their first two blocks; sequence 2 has its own.
const std::vector<std::vector<std::int32_t>> kTables = {{5, 2, 7, 9}, {5, 2, 0}, {8, 1}};

TEST_P(DeviceAttention, SeesItsSequenceUpToItsPosition) {
  const std::vector<AttendSpec> specs = {
      {4, 4, 32, 1, 0, 0.2F},        // a KV head for each query head
      {8, 2, 64, 4, 0, 0.1F},        // grouped
      {5, 2, 32, 4, 2, 0.2F},        // a shard: two queries of one group, three of the next
      {3, 1, 96, 8, 5, 0.1F},        // a shard: the last three of a group
      {70, 1, 32, 70, 0, 0.2F},      // one KV head for all
      {4, 2, 64, 2, 0, 1.0F, 2.0F},  // capped scores
      {4, 2, 64, 2, 0, 0.2F, 0.0F, 1}, {5, 2, 32, 4, 2, 0.2F, 0.0F, 3}, {4, 2, 32, 2, 0, 0.8F, 5.0F, 8},
  };
  for (const AttendSpec& spec : specs) {
    for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
      SCOPED_TRACE(std::to_string(spec.heads) + " heads, KV type " + std::to_string(static_cast<int>(type)));
      start(spec, type);
      TestBatch prompt(kTokensInBlock, kTables);
      for (std::int32_t p = 0; p < 9; ++p) prompt.add(0, p);
      pass(prompt);
      TestBatch mixed(kTokensInBlock, kTables);  // more of a prompt, a fork's first token, a prompt from its start
      for (std::int32_t p = 9; p < 13; ++p) mixed.add(0, p);
      mixed.add(1, 8);
      for (std::int32_t p = 0; p < 6; ++p) mixed.add(2, p);
      pass(mixed);
      TestBatch decode(kTokensInBlock, kTables);
      decode.add(2, 6);
      decode.add(0, 13);
      decode.add(1, 9);
      pass(decode);
    }
  }
}

// Windows within a span of positions, over the edge of two, and over several.
TEST_P(DeviceAttention, WindowsInLongSequences) {
  for (const std::int32_t window : {7, 200, 256, 300}) {
    constexpr std::int32_t kBlocksOfLong = 170;
    start({4, 2, 32, 2, 0, 0.4F, 0.0F, window}, KvType::f32, kBlocksOfLong);
    std::vector<std::int32_t> table;
    for (std::int32_t b = 0; b < kBlocksOfLong; ++b) table.push_back(b * 7 % kBlocksOfLong);
    const std::vector<std::vector<std::int32_t>> tables = {table};
    for (std::int32_t at = 0; at < 660; at += 16) {
      TestBatch piece(kTokensInBlock, tables);
      for (std::int32_t p = at; p < std::min(at + 16, 660); ++p) piece.add(0, p);
      device_->begin(piece.view());
      for (std::int32_t layer = 0; layer < kLayers; ++layer) store(piece, layer);
    }
    for (const std::int32_t from : {250, 505, 648}) {
      TestBatch batch(kTokensInBlock, tables);
      for (std::int32_t p = from; p < from + 12; ++p) batch.add(0, p);
      pass(batch);
    }
  }
}

TEST_P(DeviceAttention, HeadDimensionsWithTails) {
  for (const std::int32_t head_dim : {1, 6, 40, 100}) {
    for (const KvType type : {KvType::f32, KvType::f16}) {
      start({6, 3, head_dim, 2, 0, 0.3F}, type);
      TestBatch batch(kTokensInBlock, kTables);
      for (std::int32_t p = 0; p < 7; ++p) batch.add(2, p);
      pass(batch);
    }
  }
}

TEST_P(DeviceAttention, LargeScoresDoNotOverflow) {
  start({2, 1, 32, 2, 0, 30.0F}, KvType::f32);
  TestBatch batch(kTokensInBlock, kTables);
  for (std::int32_t p = 0; p < 14; ++p) batch.add(0, p);
  // The softmax is nearly a choice of one position, and rounding of scores in the hundreds must not change which.
  pass(batch, 10.0F);
}

TEST_P(DeviceAttention, CopiedBlocksAreApart) {
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    start({4, 2, 32, 2, 0, 0.2F}, type);
    const std::vector<std::vector<std::int32_t>> tables = {{3, 6}, {3, 4}};
    TestBatch prompt(kTokensInBlock, tables);
    for (std::int32_t p = 0; p < 6; ++p) prompt.add(0, p);
    pass(prompt);
    device_->copy_kv_block(6, 4);
    for (std::int32_t layer = 0; layer < kLayers; ++layer) {
      for (std::int32_t i = 0; i < kTokensInBlock; ++i) {
        const auto source = cache_.find({layer, 6 * kTokensInBlock + i});
        if (source != cache_.end()) cache_[{layer, 4 * kTokensInBlock + i}] = source->second;
      }
    }
    TestBatch forked(kTokensInBlock, tables);  // both write their own copy from here on
    forked.add(0, 6);
    forked.add(1, 6);
    pass(forked);
  }
}

// Layer 1 forgets what is before its window; layer 0 keeps all of it.
TEST_P(DeviceAttention, ForgottenBlocksDoNotMatter) {
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    start({4, 2, 32, 2, 0, 0.4F}, type);
    device_->reserve_kv({kLayers, spec_.kv_heads, spec_.head_dim, kCacheBlocks, kTokensInBlock, type, 1});
    TestBatch prompt(kTokensInBlock, kTables);
    for (std::int32_t p = 0; p < 12; ++p) prompt.add(0, p);
    pass(prompt);
    for (const std::int32_t block : {5, 2}) device_->forget_kv_block(block);
    TestBatch next(kTokensInBlock, kTables);
    next.add(0, 12);
    device_->begin(next.view());
    for (std::int32_t layer = 0; layer < kLayers; ++layer) {
      spec_.window = layer == 0 ? 0 : 5;  // 8 to 12, the first of the third block
      store(next, layer);
      const std::vector<float> q = data_.numbers(spec_.heads * spec_.head_dim);
      write(Slot::q, 1, q);
      device_->attend(layer, spec_, Slot::q, Slot::heads);
      compare(next, layer, q, read(Slot::heads));
    }
  }
}

}  // namespace
}  // namespace covey
