#include <algorithm>
#include <chrono>
#include <memory>

#include "kernels/vulkan/vulkan_recorder.hpp"
#include "kernels/vulkan_device.hpp"

namespace covey {
namespace {

constexpr VkDeviceSize kReadBytes = VkDeviceSize{64} << 20;
constexpr std::uint32_t kEach = 16;     // vectors of 16 bytes that an invocation reads
constexpr std::uint32_t kRounds = 256;  // of 16 multiply-adds each
// Whatever a submission costs is little beside such a repetition.
constexpr double kShortest = 2e-3;

}  // namespace

struct VulkanLimitMeter::Impl {
  explicit Impl(const VulkanOptions& options)
      : context(options),
        memory(context),
        pipelines(context),
        recorder(context, memory, pipelines),
        data(memory.allocate(VulkanMemoryKind::device, std::min<VkDeviceSize>(kReadBytes, context.largest_binding()),
                             "what is read to measure")),
        result(memory.allocate(VulkanMemoryKind::device, 4, "a result")) {}

  ~Impl() { context.api().DeviceWaitIdle(context.device()); }

  /// Seconds that `times` dispatches take.
  template <class Dispatch>
  double seconds_of(std::uint32_t times, const Dispatch& dispatch) {
    const auto start = std::chrono::steady_clock::now();
    for (std::uint32_t i = 0; i < times; ++i) dispatch();
    recorder.finish();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  /// The most dispatches a second that repetitions within `time` reach.
  template <class Dispatch>
  double rate_of(double time, const Dispatch& dispatch) {
    seconds_of(1, dispatch);  // compiles, and touches memory
    std::uint32_t times = 1;
    double seconds = seconds_of(times, dispatch);
    for (; seconds < kShortest && times < 4096; seconds = seconds_of(times, dispatch)) times *= 2;
    double best = times / seconds;
    const auto start = std::chrono::steady_clock::now();
    do {
      best = std::max(best, times / seconds_of(times, dispatch));
    } while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < time);
    return best;
  }

  MachineLimits measure(double time) {
    const auto vectors = static_cast<std::uint32_t>(data.range().size / 16);
    const VulkanBinding reading[] = {{data.range(), false}, {result.range(), true}};
    const std::uint32_t read[] = {vectors, kEach};
    const VulkanGrid read_grid{(vectors + 64 * kEach - 1) / (64 * kEach), 1};
    const VkPipeline reader = pipelines.get("peak_read", {});
    MachineLimits limits;
    limits.read_bytes = static_cast<double>(vectors) * 16 *
                        rate_of(time, [&] { recorder.dispatch(reader, reading, read, read_grid, "reading"); });

    const VulkanBinding computing[] = {{result.range(), true}};
    const std::uint32_t compute[] = {kRounds, 0x3f7fbe77U};  // a factor of 0.999
    const VulkanGrid compute_grid{1024, 1};
    const VkPipeline computer = pipelines.get("peak_multiply_add", {});
    limits.float_operations = 1024.0 * 64 * kRounds * 16 * 2 * rate_of(time, [&] {
                                recorder.dispatch(computer, computing, compute, compute_grid, "computing");
                              });
    measure_int8(time, limits);
    measure_halves(time, limits);
    return limits;
  }

  void measure_int8(double time, MachineLimits& limits) {
    if (!context.features().integer_dot) return;
    const VulkanBinding computing[] = {{result.range(), true}};
    const VulkanGrid compute_grid{1024, 1};
    const std::uint32_t dots[] = {kRounds, 0x01ff0203U};
    const VkPipeline dotter = pipelines.get("peak_dot", {});
    // Sixteen products of four bytes a round.
    limits.int8_operations = 1024.0 * 64 * kRounds * 16 * 4 * 2 * rate_of(time, [&] {
                               recorder.dispatch(dotter, computing, dots, compute_grid, "computing");
                             });
  }

  void measure_halves(double time, MachineLimits& limits) {
    const VulkanFeatures& features = context.features();
    if (features.cooperative == Cooperative::none) return;
    const bool software = features.cooperative == Cooperative::software;
    const VulkanBinding computing[] = {{data.range(), false}, {result.range(), true}};
    const VulkanGrid grid{software ? 1U : 1024U, 1};
    const std::uint32_t rounds = software ? 16 : kRounds;
    const std::uint32_t push[] = {rounds, 16};
    const std::uint32_t constants[] = {features.cooperative_subgroups()};
    const VkPipeline multiplier = pipelines.get(cooperative_shader("peak_cooperative", features), constants);
    // Four products of matrices of 16 x 16 in each subgroup a round.
    limits.half_operations = 1.0 * grid.count * constants[0] * rounds * 4 * 16 * 16 * 16 * 2 *
                             rate_of(time, [&] { recorder.dispatch(multiplier, computing, push, grid, "computing"); });
  }

  VulkanContext context;
  VulkanMemory memory;
  VulkanPipelines pipelines;
  VulkanRecorder recorder;
  VulkanMemory::Allocation data, result;
};

VulkanLimitMeter::VulkanLimitMeter(const VulkanOptions& options) : impl_(std::make_unique<Impl>(options)) {}
VulkanLimitMeter::~VulkanLimitMeter() = default;

MachineLimits VulkanLimitMeter::measure(double time) { return impl_->measure(time); }

}  // namespace covey
