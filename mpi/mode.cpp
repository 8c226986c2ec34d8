#include "mpi/mode.hpp"

#include <algorithm>
#include <array>

#include "mpi/mode_list.hpp"

namespace covey {

std::span<const Mode> modes() {
  static const std::array<Mode, 5> list{kSoloMode, kPipelineMode, kTensorMode, kHybridMode, kSelfMoaMode};
  return list;
}

const Mode& find_mode(std::string_view name) {
  const auto found = std::ranges::find(modes(), name, &Mode::name);
  if (found != modes().end()) return *found;
  std::string names;
  for (const Mode& mode : modes()) names += (names.empty() ? "" : ", ") + std::string(mode.name);
  throw Error("--mode: there is no mode '" + std::string(name) + "': choose one of " + names);
}

}  // namespace covey
