#include "kernels/cpu/cores.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace covey {
namespace {

// More processors than any kernel is built for.
constexpr int kMostProcessors = 1 << 16;

int affinity_cores() {
  // The kernel refuses a mask smaller than its own, so ask with larger ones until it answers.
  for (int processors = 1024; processors <= kMostProcessors; processors *= 2) {
    cpu_set_t* mask = CPU_ALLOC(processors);
    if (mask == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(processors);
    const int count = sched_getaffinity(0, bytes, mask) == 0 ? CPU_COUNT_S(bytes, mask) : 0;
    CPU_FREE(mask);
    if (count > 0) return count;
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The line of the version 2 hierarchy is "0::<path>".
std::string_view unified_group(std::string_view membership) {
  while (!membership.empty()) {
    const std::size_t end = std::min(membership.find('\n'), membership.size());
    const std::string_view line = membership.substr(0, end);
    if (line.starts_with("0::/")) return line.substr(4);
    membership.remove_prefix(std::min(end + 1, membership.size()));
  }
  return {};
}

}  // namespace

int quota_cores(std::string_view cpu_max) {
  std::int64_t quota = 0, period = 0;
  const char* const end = cpu_max.data() + cpu_max.size();
  const auto first = std::from_chars(cpu_max.data(), end, quota);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return 0;
  const auto second = std::from_chars(first.ptr + 1, end, period);
  if (second.ec != std::errc() || quota <= 0 || period <= 0) return 0;
  const std::int64_t cores = quota / period + (quota % period != 0 ? 1 : 0);
  return static_cast<int>(std::min<std::int64_t>(cores, kMostProcessors));
}

int cgroup_cores(const std::filesystem::path& mount, std::string_view membership) {
  std::filesystem::path group = unified_group(membership);
  int tightest = 0;
  for (;;) {
    const int cores = quota_cores(file_text(mount / group / "cpu.max"));
    if (cores > 0 && (tightest == 0 || cores < tightest)) tightest = cores;
    if (group.empty()) return tightest;
    group = group.parent_path();
  }
}

int available_cores() {
  const int affine = std::max(affinity_cores(), 1);
  const int limit = cgroup_cores("/sys/fs/cgroup", file_text("/proc/self/cgroup"));
  return limit > 0 ? std::min(affine, limit) : affine;
}

}  // namespace covey
