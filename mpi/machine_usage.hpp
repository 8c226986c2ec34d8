// What this process and its machine have used, as the system counts it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace covey {

std::string host_name();

/// The most memory this process has had resident (VmHWM); 0 where the system doesn't tell.
std::uint64_t peak_rss_bytes();

/// Of this host; 0 where the system doesn't tell.
struct HostMemory {
  std::uint64_t total = 0;
  std::uint64_t available = 0;  ///< without swapping
};
HostMemory host_memory();

/// Energy of the processor packages since construction, from the RAPL counters under `folder`
/// (https://docs.kernel.org/power/powercap/powercap.html).
class EnergyMeter {
 public:
  explicit EnergyMeter(const std::string& folder = "/sys/class/powercap");

  /// -1 where there is no counter, or none that this user may read. A counter that wrapped once is corrected; they wrap
  /// after 40 minutes or more.
  double joules() const;

 private:
  struct Counter {
    std::string file;
    std::uint64_t start = 0;   // microjoules
    std::uint64_t period = 0;  // microjoules after which it starts again
  };
  std::vector<Counter> counters_;
  bool complete_ = true;
};

}  // namespace covey
