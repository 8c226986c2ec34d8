// What Open MPI has to be told so that the others can go on after a rank is lost, and so that idle ranks don't burn
// cores.
#pragma once

namespace covey {

/// Sets, for this process and those it starts, the parameters of Open MPI that nobody has set: OMPI_MCA_… variables
/// win. To be called before MPI_Init.
void set_mpi_parameters();

/// Whether the launcher lets ranks go on after one has ended badly (mpirun --enable-recovery).
bool launcher_spares_survivors();

}  // namespace covey
