// The transport this process was started for.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "mpi/transport.hpp"

namespace covey {

/// Under mpirun with several ranks: MPI; else a rank alone. Undoes the launcher's binding first (launch.hpp).
/// Collective over the launched ranks. A peer that takes no message for `patience` counts as lost. Throws Error if
/// ranks were launched but this build has no MPI.
std::unique_ptr<Transport> open_transport(std::chrono::milliseconds patience = std::chrono::seconds(30));

/// The MPI of this build, and what it notices of lost ranks; empty without MPI.
std::string mpi_description();

}  // namespace covey
