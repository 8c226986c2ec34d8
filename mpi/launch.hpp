// What the launcher (mpirun) has told this process, and the division of a host's cores among its ranks.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace covey {

/// This process's rank and the number of ranks, from the launcher's environment: known before MPI_Init. nullopt where
/// the process was started without a launcher (or by one that does not tell).
std::optional<int> launched_rank();
std::optional<int> launched_size();

/// The cores this process may run on, ascending.
std::vector<int> allowed_cores();

/// mpirun binds each rank to one core unless told otherwise, all threads of the rank included. Gives back all cores the
/// launcher itself may use. Does nothing if the user chose a binding (mpirun --bind-to), or nothing is bound. Call it
/// before threads are started: they inherit the set.
void undo_launcher_binding();

/// One rank's part of its host.
struct CoreShare {
  int threads = 1;
  std::vector<int> cores;  ///< to run on; empty where ranks outnumber cores and binding would only hurt
};

/// Divides `cores` evenly among `host_size` ranks; consecutive cores stay together.
CoreShare cores_for_rank(int host_rank, int host_size, std::span<const int> cores);

/// Restricts this process (threads started from now on) to `cores`; no effect if empty or refused by the system.
void bind_to_cores(std::span<const int> cores);

}  // namespace covey
