#include "mpi/machine_usage.hpp"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>

namespace covey {

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

namespace {

/// The number in the line of a /proc file that begins with `key`, in bytes; 0 without one.
std::uint64_t kib_line(const char* file, std::string_view key) {
  std::ifstream lines(file);
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.starts_with(key)) continue;
    std::uint64_t kib = 0;
    for (const char c : line) {
      if (c >= '0' && c <= '9') kib = kib * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return kib * 1024;
  }
  return 0;
}

}  // namespace

std::uint64_t peak_rss_bytes() { return kib_line("/proc/self/status", "VmHWM:"); }

HostMemory host_memory() {
  return {kib_line("/proc/meminfo", "MemTotal:"), kib_line("/proc/meminfo", "MemAvailable:")};
}

namespace {

std::optional<std::uint64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

// "intel-rapl:0" is a package; "intel-rapl:0:1" a part of it, counted already.
bool is_package(const std::string& name) {
  constexpr std::string_view kPrefix = "intel-rapl:";
  return name.starts_with(kPrefix) && name.find(':', kPrefix.size()) == std::string::npos;
}

}  // namespace

EnergyMeter::EnergyMeter(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (!is_package(entry.path().filename().string())) continue;
    const std::string file = (entry.path() / "energy_uj").string();
    const auto start = read_number(file);
    const auto period = read_number((entry.path() / "max_energy_range_uj").string());
    complete_ = complete_ && start.has_value();
    if (start) counters_.push_back({file, *start, period.value_or(0)});
  }
}

double EnergyMeter::joules() const {
  if (counters_.empty() || !complete_) return -1;
  double sum = 0;
  for (const Counter& counter : counters_) {
    const auto now = read_number(counter.file);
    if (!now) return -1;
    const std::uint64_t wrapped = *now < counter.start ? counter.period : 0;
    sum += static_cast<double>(*now + wrapped - counter.start) * 1e-6;
  }
  return sum;
}

}  // namespace covey
