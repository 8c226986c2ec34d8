#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/version.hpp"

namespace covey {

CommandRun add_version(CLI::App& /*parser*/) {
  return [] {
    print(version_text());
    return int{kExitOk};
  };
}

}  // namespace covey
