// How many cores this process may use.
#pragma once

#include <filesystem>
#include <string_view>

namespace covey {

/// Cores this process may use, at least 1: those of its affinity mask, or fewer where a control group (version 2)
/// limits its CPU time; a fraction of a core counts as one.
int available_cores();

/// The limit that one "cpu.max" file sets, in cores, rounded up; 0 for no limit or text that isn't understood.
/// "150000 100000" (quota and period in microseconds) gives 2, "max 100000" gives 0.
int quota_cores(std::string_view cpu_max);

/// The tightest limit of a process's control group and the groups around it; 0 for none. `mount` is where the
/// groups are mounted (/sys/fs/cgroup), `membership` the text of /proc/self/cgroup.
int cgroup_cores(const std::filesystem::path& mount, std::string_view membership);

}  // namespace covey
