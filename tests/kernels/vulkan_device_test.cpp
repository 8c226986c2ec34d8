// The Vulkan device beyond what it computes: errors, limits, files, order. What it computes, the conformance suite
// compares.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "covey/error.hpp"
#include "tests/error_of.hpp"
#include "tests/kernels/device_cases.hpp"
#include "tests/kernels/tiny_layer.hpp"
#include "tests/kernels/vulkan_test_device.hpp"

#ifdef __SANITIZE_ADDRESS__
#define COVEY_LEAKS_ARE_LOOKED_FOR
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COVEY_LEAKS_ARE_LOOKED_FOR
#endif
#endif
#ifdef COVEY_LEAKS_ARE_LOOKED_FOR
// Leaks of drivers and layers themselves; ours are found.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libvulkan_\nleak:libVkLayer_\nleak:libvulkan.so\nleak:libLLVM\n";
}
#endif

namespace covey {
namespace {

// Vulkan's numbers: its headers need not be there to build this.
constexpr std::int32_t kOutOfHostMemory = -1, kOutOfDeviceMemory = -2, kDeviceLost = -4, kIncompatibleDriver = -9;

/// Without the search for missing barriers, which keeps memory that looks leaked: these tests look for leaks of ours.
VulkanOptions plain_options() {
  VulkanOptions options = vulkan_test_options();
  options.check_synchronization = false;
  return options;
}

class VulkanDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (!have_vulkan()) GTEST_SKIP() << why_no_vulkan();
  }

  /// Options under which calls of one function fail from the `after`th on.
  static VulkanOptions failing(const std::string& function, std::int32_t result, int after = 0) {
    VulkanOptions options = plain_options();
    options.fail = [=, calls = 0](std::string_view name) mutable -> std::int32_t {
      return name == function && calls++ >= after ? result : 0;
    };
    return options;
  }

  /// The logits of a prompt of 40 tokens and of a token after it.
  static std::vector<float> logits_of(Device& device, TensorType type = TensorType::q4_0) {
    TinyLayer layer(device, type, KvType::f16);
    TestBatch prompt(TinyLayer::kBlockTokens, {{4, 9, 1, 7, 11, 3}}),
        next(TinyLayer::kBlockTokens, {{4, 9, 1, 7, 11, 3}});
    for (std::int32_t p = 0; p < 40; ++p) prompt.add(0, p, p * 3 % TinyLayer::kVocab);
    next.add(0, 40, 5);
    std::vector<float> logits = layer.run(prompt, true);
    const std::vector<float> last = layer.run(next);
    logits.insert(logits.end(), last.begin(), last.end());
    return logits;
  }
};

/// The logits of one token.
std::vector<float> one_pass(Device& device) {
  TinyLayer layer(device, TensorType::q4_0, KvType::f16);
  TestBatch batch(TinyLayer::kBlockTokens, {{4}});
  batch.add(0, 0, 5);
  return layer.run(batch);
}

TEST_F(VulkanDevice, DevicesAreListedInTheOrderOfTheirNumbers) {
  const std::vector<VulkanDeviceInfo> devices = vulkan_devices();
  for (std::size_t i = 0; i < devices.size(); ++i) {
    EXPECT_EQ(devices[i].index, static_cast<std::int32_t>(i));
    EXPECT_FALSE(devices[i].name.empty());
    EXPECT_FALSE(devices[i].driver.empty());
    EXPECT_GT(devices[i].memory_bytes, 0U);
    EXPECT_LE(devices[i].free_bytes, devices[i].memory_bytes);
    EXPECT_GE(devices[i].binding_bytes, std::uint64_t{1} << 27);  // as Vulkan promises
    EXPECT_EQ(devices[i].api.substr(0, 2), "1.");
  }
  EXPECT_NE(make_vulkan_device(plain_options())->description().find(devices[0].name), std::string::npos);
}

TEST_F(VulkanDevice, ADeviceThatIsNotThereIsAnError) {
  for (const std::int32_t index : {-1, 99}) {
    VulkanOptions options = plain_options();
    options.device = index;
    const std::string error = error_of([&] { make_vulkan_device(options); });
    EXPECT_NE(error.find("no Vulkan device " + std::to_string(index)), std::string::npos) << error;
    EXPECT_NE(error.find("covey devices"), std::string::npos) << error;
  }
  const std::string none =
      error_of([&] { make_vulkan_device(failing("vkEnumeratePhysicalDevices", kIncompatibleDriver)); });
  EXPECT_NE(none.find("install a driver"), std::string::npos) << none;
}

// Every call that can fail is made to, the first time and later: an Error names it, and nothing leaks (the validation
// layer would say so).
TEST_F(VulkanDevice, EveryFailedCallIsAnErrorThatNamesIt) {
  for (const char* call : {"vkEnumerateInstanceVersion",
                           "vkCreateInstance",
                           "vkCreateDevice",
                           "vkCreateBuffer",
                           "vkBindBufferMemory",
                           "vkMapMemory",
                           "vkCreateDescriptorSetLayout",
                           "vkCreatePipelineLayout",
                           "vkCreatePipelineCache",
                           "vkCreateShaderModule",
                           "vkCreateComputePipelines",
                           "vkCreateCommandPool",
                           "vkAllocateCommandBuffers",
                           "vkCreateSemaphore",
                           "vkCreateQueryPool",
                           "vkGetQueryPoolResults",
                           "vkCreateFence",
                           "vkResetCommandPool",
                           "vkBeginCommandBuffer",
                           "vkEndCommandBuffer",
                           "vkCreateDescriptorPool",
                           "vkAllocateDescriptorSets",
                           "vkResetFences"}) {
    for (const int after : {0, 1}) {
      bool failed = false;
      VulkanOptions options = failing(call, kOutOfHostMemory, after);
      options.timed = true;
      if (std::string_view(call).ends_with("Fences")) options.use = VulkanUse::none;
      if (std::string_view(call).ends_with("Fence")) options.use = VulkanUse::none;
      options.fail = [inner = options.fail, &failed](std::string_view name) mutable {
        const std::int32_t result = inner(name);
        failed = failed || result != 0;
        return result;
      };
      std::string error;
      try {
        one_pass(*make_vulkan_device(options));
      } catch (const Error& thrown) {
        error = thrown.what();
      }
      if (!failed) continue;  // called less often
      EXPECT_NE(error.find(call), std::string::npos) << call << ": " << error;
      EXPECT_NE(error.find("memory is full"), std::string::npos) << error;
    }
  }
}

TEST_F(VulkanDevice, OutOfMemorySaysHowMuchForWhat) {
  const std::string error =
      error_of([&] { one_pass(*make_vulkan_device(failing("vkAllocateMemory", kOutOfDeviceMemory))); });
  EXPECT_NE(error.find("vkAllocateMemory of "), std::string::npos) << error;
  EXPECT_NE(error.find("weights"), std::string::npos) << error;
  EXPECT_NE(error.find("smaller model"), std::string::npos) << error;
  VulkanOptions small = plain_options();
  small.memory_limit = 100'000;
  const std::string limited = error_of([&] { one_pass(*make_vulkan_device(small)); });
  EXPECT_NE(limited.find("has no room for"), std::string::npos) << limited;
  EXPECT_NE(limited.find("are left"), std::string::npos) << limited;
}

TEST_F(VulkanDevice, ALostDeviceIsAnError) {
  for (const char* call : {"vkQueueSubmit", "vkWaitSemaphores", "vkWaitForFences"}) {
    for (const int after : {0, 1}) {
      VulkanOptions options = failing(call, kDeviceLost, after);
      if (std::string_view(call) == "vkWaitForFences") options.use = VulkanUse::none;
      const std::string error = error_of([&] { one_pass(*make_vulkan_device(options)); });
      EXPECT_NE(error.find("VK_ERROR_DEVICE_LOST"), std::string::npos) << error;
      EXPECT_NE(error.find(call), std::string::npos) << error;
      EXPECT_NE(error.find("start again"), std::string::npos) << error;
    }
  }
}

// Paths of memory and cut matrices give the same bits.
TEST_F(VulkanDevice, WhereMemoryLiesChangesNothing) {
  const std::vector<float> expected = logits_of(*make_vulkan_device(plain_options()));
  EXPECT_TRUE(std::ranges::all_of(expected, [](float x) { return std::isfinite(x); }));
  VulkanOptions options = plain_options();
  options.plain = true;
  EXPECT_EQ(logits_of(*make_vulkan_device(options)), expected);
  const std::vector<float> whole = logits_of(*make_vulkan_device(plain_options()), TensorType::f32);
  options.binding_limit = 200'000;  // less than most of the matrices take
  EXPECT_EQ(logits_of(*make_vulkan_device(options), TensorType::f32), whole);
}

// The next pass is recorded while the one before it runs: nothing is waited for before its values are wanted.
TEST_F(VulkanDevice, ASecondPassIsRecordedWhileTheFirstRuns) {
  for (const VulkanUse use : {VulkanUse::fast, VulkanUse::none}) {
    std::vector<std::string> calls;
    VulkanOptions options = plain_options();
    options.use = use;
    options.fail = [&](std::string_view name) {
      calls.emplace_back(name);
      return 0;
    };
    const std::unique_ptr<Device> device = make_vulkan_device(options);
    std::array<std::int32_t, kSlotCount> widths{};
    for (const Slot slot : {Slot::residual, Slot::partial}) widths[static_cast<std::size_t>(slot)] = 64;
    device->reserve(widths, 2);
    const TestBatch batch = plain_batch(2);
    for (const Slot slot : {Slot::residual, Slot::partial}) std::ranges::fill(device->map(slot, 2), 1.0F);
    calls.clear();
    for (int pass = 0; pass < 2; ++pass) {
      device->begin(batch.view());
      device->add(Slot::partial, Slot::residual);
    }
    const auto submitted = std::ranges::find(calls, "vkQueueSubmit");
    ASSERT_NE(submitted, calls.end());
    EXPECT_NE(std::find(submitted, calls.end(), "vkBeginCommandBuffer"), calls.end());
    for (const std::string& call : calls) EXPECT_EQ(call.find("Wait"), std::string::npos) << call;
    EXPECT_EQ(device->map(Slot::residual)[0], 3.0F);
    const char* const wait = use == VulkanUse::none ? "vkWaitForFences" : "vkWaitSemaphores";
    EXPECT_NE(std::ranges::find(calls, wait), calls.end());
  }
}

TEST_F(VulkanDevice, ItsClockTellsWhatOperationsTake) {
  VulkanOptions options = plain_options();
  EXPECT_TRUE(make_vulkan_device(options)->take_operation_times().empty());
  options.timed = true;
  const std::unique_ptr<Device> device = make_vulkan_device(options);
  one_pass(*device);
  const std::vector<OperationTime> times = device->take_operation_times();
  for (const char* operation : {"products", "attention", "norms", "embeddings"}) {
    const auto found = std::ranges::find(times, operation, &OperationTime::operation);
    ASSERT_NE(found, times.end()) << operation;
    EXPECT_GT(found->count, 0U);
    EXPECT_GE(found->seconds, 0);
    EXPECT_LT(found->seconds, 60);
  }
  EXPECT_TRUE(device->take_operation_times().empty());
}

/// Attention over one sequence of two spans: its shaders differ in who shares what.
class VulkanAttention : public VulkanDevice {
 protected:
  static constexpr std::int32_t kHeads = 2, kKvHeads = 1, kHeadDim = 72, kLength = 280, kBlockTokens = 8;

  void start(KvType type) {
    device_ = vulkan_test_device(VulkanUse::fast);
    std::array<std::int32_t, kSlotCount> widths{};
    for (const Slot slot : {Slot::q, Slot::heads}) widths[static_cast<std::size_t>(slot)] = kHeads * kHeadDim;
    for (const Slot slot : {Slot::k, Slot::v}) widths[static_cast<std::size_t>(slot)] = kKvHeads * kHeadDim;
    device_->reserve(widths, kLength);
    device_->reserve_kv({1, kKvHeads, kHeadDim, kLength / kBlockTokens, kBlockTokens, type});
    RandomData data(3);
    const std::vector<float> k = data.numbers(kLength * kKvHeads * kHeadDim);
    q_ = data.numbers(kLength * kHeads * kHeadDim);
    begin(0, kLength, false);
    write(Slot::k, k);
    write(Slot::v, k);
    device_->store_kv(0, Slot::k, Slot::v);
  }

  void begin(std::int32_t first, std::int32_t last, bool prompt) {
    std::vector<std::int32_t> table;
    for (std::int32_t b = 0; b < kLength / kBlockTokens; ++b) table.push_back(b * 7 % (kLength / kBlockTokens));
    batch_ = TestBatch(kBlockTokens, {table});
    for (std::int32_t p = first; p < last; ++p) batch_.add(0, p);
    device_->begin(batch_.view(prompt));
  }
  void write(Slot slot, std::span<const float> values) {
    const auto rows = static_cast<std::int32_t>(batch_.view().size());
    std::ranges::copy(values, device_->map(slot, rows).begin());
  }
  std::vector<float> attend(std::int32_t first, std::int32_t last, bool prompt, const AttendSpec& spec) {
    begin(first, last, prompt);
    write(Slot::q, std::span(q_).subspan(first * kHeads * kHeadDim, (last - first) * kHeads * kHeadDim));
    device_->attend(0, spec, Slot::q, Slot::heads);
    const std::span<const float> out = device_->map(Slot::heads);
    return {out.begin(), out.end()};
  }

  std::unique_ptr<Device> device_;
  TestBatch batch_ = plain_batch(0);
  std::vector<float> q_;
};

TEST_F(VulkanAttention, AllWaysToComputeIt) {
  for (const KvType type : {KvType::f32, KvType::f16}) {
    start(type);
    for (const AttendSpec& spec : {AttendSpec{kHeads, kKvHeads, kHeadDim, 2, 0, 0.3F},
                                   AttendSpec{kHeads, kKvHeads, kHeadDim, 2, 0, 0.3F, 4.0F, 100}}) {
      const std::vector<float> together = attend(0, kLength, false, spec);         // a workgroup for all spans
      const std::vector<float> alone = attend(kLength - 1, kLength, false, spec);  // one for each span
      EXPECT_EQ(alone, std::vector<float>(together.end() - kHeads * kHeadDim, together.end()));
      const std::vector<float> prompt = attend(0, kLength, true, spec);  // one for 16 tokens
      ASSERT_EQ(prompt.size(), together.size());
      for (std::size_t i = 0; i < prompt.size(); ++i) ASSERT_NEAR(prompt[i], together[i], 2e-6) << "at " << i;
    }
  }
}

TEST_F(VulkanDevice, KeepsPipelinesOnDisk) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "covey_vulkan_cache";
  std::filesystem::remove_all(folder);
  VulkanOptions options = plain_options();
  options.cache_folder = folder.string();
  const std::vector<float> expected = one_pass(*make_vulkan_device(options));
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 1U);
  const auto size = std::filesystem::file_size(files[0]);
  EXPECT_EQ(one_pass(*make_vulkan_device(options)), expected);
  // Cut off, overwritten, foreign: as if it were not there.
  std::filesystem::resize_file(files[0], size / 2);
  EXPECT_EQ(one_pass(*make_vulkan_device(options)), expected);
  std::fstream(files[0], std::ios::in | std::ios::out | std::ios::binary).seekp(30).put('x');
  EXPECT_EQ(one_pass(*make_vulkan_device(options)), expected);
  std::ofstream(files[0], std::ios::binary | std::ios::trunc) << "something else altogether, and longer than a head";
  EXPECT_EQ(one_pass(*make_vulkan_device(options)), expected);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace covey
