// covey_benchmarks: the kernels one by one, against what the machine can do. Takes Google Benchmark's own options:
//
//   covey_benchmarks --benchmark_filter=matmul/Q4_0/avx2
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <map>
#include <optional>

#include "bench/measure.hpp"
#include "kernels/device_profile.hpp"

namespace covey {

std::unique_ptr<Device> Computer::device() const {
  if (isa == nullptr) return make_vulkan_device(gpu);
  CpuOptions options;
  options.threads = 1;
  options.isa = isa->name;
  return make_cpu_device(options);
}

const MachineLimits& Computer::limits() const {
  static std::map<std::string, MachineLimits> known;
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  CpuOptions one_thread;
  one_thread.threads = 1;
  if (isa != nullptr) one_thread.isa = isa->name;
  DeviceMeter meter(isa == nullptr ? std::optional(gpu) : std::nullopt);
  return known.emplace(name, meter.measure(one_thread, kLimitTime.count())).first->second;
}

double Computer::seconds() const {
  timespec time{};
  clock_gettime(isa != nullptr ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<Computer> computers_here() {
  std::vector<Computer> computers;
  for (const IsaTable* isa : isas_here()) computers.push_back({std::string(isa->name), isa, {}});
  for (const VulkanDeviceInfo& info : vulkan_devices()) {
    Computer& computer = computers.emplace_back();
    computer.name = "vulkan:" + std::to_string(info.index);
    computer.gpu.device = info.index;
  }
  return computers;
}

std::vector<const IsaTable*> isas_here() {
  std::vector<const IsaTable*> here;
  std::ranges::copy_if(isa_tables(), std::back_inserter(here), [](const IsaTable* isa) { return isa->runs_here(); });
  return here;
}

std::vector<float> random_floats(std::size_t n, std::uint64_t seed) {
  std::vector<float> values(n);
  for (float& value : values) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    value = static_cast<float>(static_cast<std::int32_t>(seed >> 40)) * 0x1p-23F - 1.0F;
  }
  return values;
}

}  // namespace covey

int main(int argc, char** argv) {
  covey::register_matmul();
  covey::register_attention();
  covey::register_elementwise();
  covey::register_all_reduce();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
