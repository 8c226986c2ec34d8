// What rank 0 and its launcher (covey launch) tell each other through a file: mpirun's own exit status says nothing
// once ranks may be lost.
//
//     started HOST PROCESS     MPI is up
//     lost WHY                 by another rank: rank 0 is gone
//     ended CODE               rank 0's exit code
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace covey {

/// Names the file in the environment of ranks.
inline constexpr const char* kStatusVariable = "COVEY_LAUNCH_STATUS";

/// For ranks; all three do nothing without a launcher, or where its file can't be written (on another host).
void tell_launcher_started() noexcept;
void tell_launcher_lost(std::string_view why) noexcept;
void tell_launcher_ended(int code) noexcept;

/// What the file says so far.
struct LaunchStatus {
  bool started = false;
  int process = 0;  ///< of rank 0; 0 if it runs on another host
  std::optional<std::string> lost;
  std::optional<int> code;
};
/// Lines that are none of these are passed over.
LaunchStatus parse_status(std::string_view text, std::string_view this_host);

}  // namespace covey
