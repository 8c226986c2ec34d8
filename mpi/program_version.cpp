#include "mpi/program_version.hpp"

namespace covey {

std::string_view program_version() { return COVEY_VERSION; }

}  // namespace covey
