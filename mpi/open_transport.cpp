#include "mpi/open_transport.hpp"

#include "mpi/launch.hpp"
#ifdef COVEY_WITH_MPI
#include "mpi/mpi_transport.hpp"
#endif
#include "mpi/self_transport.hpp"

namespace covey {

std::unique_ptr<Transport> open_transport(std::chrono::milliseconds patience) {
  undo_launcher_binding();
  if (!launched_rank() || launched_size() == 1) return std::make_unique<SelfTransport>();
#ifdef COVEY_WITH_MPI
  return std::make_unique<MpiTransport>(patience);
#else
  static_cast<void>(patience);
  throw Error(
      "started as one of several ranks, but this build has no MPI: install Open MPI (libopenmpi-dev) and rebuild");
#endif
}

std::string mpi_description() {
#ifdef COVEY_WITH_MPI
  return mpi_library();
#else
  return {};
#endif
}

}  // namespace covey
