// A token's numbers depend on its own sequence only: same bits alone, in company, and in a prompt cut anywhere.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "tests/kernels/device_cases.hpp"
#include "tests/kernels/tiny_layer.hpp"

namespace covey {
namespace {

using DeviceReproducibility = DeviceConformance;
INSTANTIATE_TEST_SUITE_P(Devices, DeviceReproducibility, testing::ValuesIn(product_cases()), device_case_name);

using Place = std::pair<std::int32_t, std::int32_t>;  // sequence, position

std::int32_t token_at(const Place& place) { return (place.first * 131 + place.second * 37) % TinyLayer::kVocab; }

// The logits of each place, when the passes are cut in this way.
std::map<Place, std::vector<float>> run(Device& device, TensorType type, KvType kv,
                                        const std::vector<std::vector<Place>>& passes) {
  TinyLayer layer(device, type, kv);
  std::map<Place, std::vector<float>> logits;
  for (const std::vector<Place>& places : passes) {
    TestBatch batch(TinyLayer::kBlockTokens, {{4, 9, 1, 7, 11}, {3, 8, 0, 2, 30}});
    for (const Place& place : places) batch.add(place.first, place.second, token_at(place));
    const std::vector<float> all = layer.run(batch);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto row = all.begin() + static_cast<std::ptrdiff_t>(i) * TinyLayer::kVocab;
      logits[places[i]] = {row, row + TinyLayer::kVocab};
    }
  }
  return logits;
}

TEST_P(DeviceReproducibility, BatchesDoNotChangeBits) {
  constexpr std::int32_t kLength = 12;
  std::vector<std::vector<Place>> one_by_one, pieces(2), together(1);
  for (const std::int32_t sequence : {0, 1}) {
    for (std::int32_t position = 0; position < kLength; ++position) one_by_one.push_back({{sequence, position}});
  }
  for (std::int32_t position = 0; position < kLength; ++position) {
    for (const std::int32_t sequence : {1, 0}) together[0].emplace_back(sequence, position);
    pieces[position < 7 ? 0 : 1].emplace_back(0, position);
    pieces[position < 2 ? 0 : 1].emplace_back(1, position);
  }
  for (const auto& [type, kv] : {std::pair{TensorType::q4_0, KvType::f16}, std::pair{TensorType::q8_0, KvType::q8_0},
                                 std::pair{TensorType::q6_k, KvType::f32}, std::pair{TensorType::f16, KvType::f32}}) {
    const auto alone = run(*device_, type, kv, one_by_one);
    EXPECT_EQ(alone, run(*device_, type, kv, together));
    EXPECT_EQ(alone, run(*device_, type, kv, pieces));
  }
}

}  // namespace
}  // namespace covey
