#include "mpi/launch.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace covey {

namespace {

std::optional<int> number_of(std::initializer_list<const char*> variables) {
  for (const char* variable : variables) {
    const char* text = std::getenv(variable);
    if (text == nullptr) continue;
    const std::string_view view(text);
    int value = 0;
    const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
    if (error == std::errc() && end == view.data() + view.size() && value >= 0) return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<int> launched_rank() { return number_of({"OMPI_COMM_WORLD_RANK", "PMIX_RANK"}); }

std::optional<int> launched_size() { return number_of({"OMPI_COMM_WORLD_SIZE"}); }

std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
    }
  }
  if (cores.empty()) cores.push_back(0);
  return cores;
}

void undo_launcher_binding() {
  const bool bound = std::getenv("OMPI_MCA_orte_bound_at_launch") != nullptr;
  const bool chosen = std::getenv("OMPI_MCA_hwloc_base_binding_policy") != nullptr;
  if (!bound || chosen) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  // The parent is the launcher (or its daemon on this host), which is not bound; what restricts it restricts us too.
  if (sched_getaffinity(getppid(), sizeof(set), &set) == 0) sched_setaffinity(0, sizeof(set), &set);
}

CoreShare cores_for_rank(int host_rank, int host_size, std::span<const int> cores) {
  const auto rank = static_cast<std::size_t>(std::max(host_rank, 0));
  const auto ranks = static_cast<std::size_t>(std::max(host_size, 1));
  CoreShare share;
  if (rank >= ranks || cores.size() < ranks) return share;
  const std::size_t first = cores.size() * rank / ranks;
  const std::size_t last = cores.size() * (rank + 1) / ranks;
  share.cores.assign(cores.begin() + static_cast<std::ptrdiff_t>(first),
                     cores.begin() + static_cast<std::ptrdiff_t>(last));
  share.threads = static_cast<int>(share.cores.size());
  return share;
}

void bind_to_cores(std::span<const int> cores) {
  if (cores.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) {
    if (core >= 0 && core < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(core), &set);
  }
  sched_setaffinity(0, sizeof(set), &set);
}

}  // namespace covey
