// How Open MPI is to work, by the process-level parameters that the user has not set.
#pragma once

namespace covey {

/// Before MPI_Init; OMPI_MCA_... variables that are there win.
void set_mpi_parameters();

}  // namespace covey
