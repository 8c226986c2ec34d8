// The devices that the conformance suite runs on, and what its tests share. Another kind of device joins
// device_cases().
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/cpu/isa.hpp"
#include "kernels/device.hpp"
#include "tests/kernels/random_data.hpp"
#include "tests/kernels/vulkan_test_device.hpp"

namespace covey {

struct DeviceCase {
  std::string name;
  std::function<std::unique_ptr<Device>()> make;
};
inline void PrintTo(const DeviceCase& device, std::ostream* out) { *out << device.name; }

inline std::vector<DeviceCase> device_cases() {
  std::vector<DeviceCase> cases;
  for (const IsaTable* isa : isa_tables()) {
    if (!isa->runs_here()) continue;
    for (const int threads : {1, 2, 3}) {
      cases.push_back({"cpu_" + std::string(isa->name) + "_" + std::to_string(threads), [isa, threads] {
                         CpuOptions options;
                         options.threads = threads;
                         options.isa = isa->name;
                         return make_cpu_device(options);
                       }});
    }
  }
  cases.push_back({"vulkan", [] { return vulkan_test_device(VulkanUse::fast); }});
  return cases;
}

/// With a Vulkan device besides that uses no optional feature and reaches slots through copies.
inline std::vector<DeviceCase> device_and_memory_cases() {
  std::vector<DeviceCase> cases = device_cases();
  cases.push_back({"vulkan_1_1", [] { return vulkan_test_device(VulkanUse::none); }});
  return cases;
}

/// And one that uses all features, fast or not: for tests of products.
inline std::vector<DeviceCase> product_cases() {
  std::vector<DeviceCase> cases = device_and_memory_cases();
  cases.push_back({"vulkan_all", [] { return vulkan_test_device(VulkanUse::all); }});
  return cases;
}

inline std::string device_case_name(const testing::TestParamInfo<DeviceCase>& info) { return info.param.name; }

/// The tokens of a pass, put together token by token.
class TestBatch {
 public:
  TestBatch(std::int32_t block_tokens, std::vector<std::vector<std::int32_t>> block_tables)
      : block_tokens_(block_tokens), tables_(std::move(block_tables)), spans_(tables_.begin(), tables_.end()) {}
  TestBatch(TestBatch&&) = default;  // not copied: spans_ point into tables_
  TestBatch& operator=(TestBatch&&) = default;

  void add(std::int32_t sequence, std::int32_t position, std::int32_t token = 0) {
    token_.push_back(token);
    position_.push_back(position);
    sequence_.push_back(sequence);
    place_.push_back(place_of(sequence, position));
  }

  std::int32_t place_of(std::int32_t sequence, std::int32_t position) const {
    return tables_[sequence][position / block_tokens_] * block_tokens_ + position % block_tokens_;
  }

  BatchView view(bool prompt = false) const { return {token_, position_, sequence_, place_, spans_, prompt}; }

 private:
  std::int32_t block_tokens_;
  std::vector<std::vector<std::int32_t>> tables_;
  std::vector<std::span<const std::int32_t>> spans_;
  std::vector<std::int32_t> token_, position_, sequence_, place_;
};

/// Tokens of one sequence, for operations that ask only how many there are.
inline TestBatch plain_batch(std::int32_t tokens) {
  std::vector<std::int32_t> table(static_cast<std::size_t>(tokens));
  for (std::int32_t t = 0; t < tokens; ++t) table[t] = t;
  TestBatch batch(1, {table});
  for (std::int32_t t = 0; t < tokens; ++t) batch.add(0, t);
  return batch;
}

class DeviceConformance : public testing::TestWithParam<DeviceCase> {
 protected:
  DeviceConformance() : device_(GetParam().make()) {}

  void SetUp() override {
    if (device_ == nullptr) GTEST_SKIP() << why_no_vulkan();
  }

  void reserve(std::initializer_list<std::pair<Slot, std::int32_t>> widths, std::int32_t rows) {
    std::array<std::int32_t, kSlotCount> all{};
    for (const auto& [slot, width] : widths) all[static_cast<std::size_t>(slot)] = width;
    device_->reserve(all, rows);
  }

  void write(Slot slot, std::int32_t rows, const std::vector<float>& values) {
    const std::span<float> mapped = device_->map(slot, rows);
    ASSERT_EQ(mapped.size(), values.size());
    std::copy(values.begin(), values.end(), mapped.begin());
  }

  std::vector<float> read(Slot slot) {
    const std::span<float> mapped = device_->map(slot);
    return {mapped.begin(), mapped.end()};
  }

  /// Begins a pass whose tokens are asked only for their number.
  void begin(std::int32_t tokens, bool prompt = false) {
    batch_ = plain_batch(tokens);
    device_->begin(batch_.view(prompt));
  }

  RandomData data_{2024};
  std::unique_ptr<Device> device_;
  TestBatch batch_ = plain_batch(0);
};

inline void expect_near(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], tolerance * (1.0 + std::abs(expected[i]))) << "at " << i;
  }
}

}  // namespace covey
