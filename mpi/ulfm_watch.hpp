// User-level failure mitigation (ULFM), where the MPI has it: it notices the ends of processes on any host. Open MPI
// has it from 5.0 on, for jobs started with mpirun --with-ft ulfm; elsewhere this finds nothing. For the file that
// includes <mpi.h>, after that.
#pragma once

#if defined(OPEN_MPI) && __has_include(<mpi-ext.h>)
#include <mpi-ext.h>
#endif

#include <chrono>
#include <numeric>
#include <vector>

namespace covey {

#ifdef OMPI_HAVE_MPI_EXT_FTMPI
inline constexpr bool kHasUlfm = true;
#else
inline constexpr bool kHasUlfm = false;
#endif

class UlfmWatch {
 public:
  /// Ranks of the world whose end has become known since the last call. Looks no more often than is useful.
  std::vector<int> newly_failed() {
    std::vector<int> ranks;
#ifdef OMPI_HAVE_MPI_EXT_FTMPI
    const auto now = std::chrono::steady_clock::now();
    if (now < next_look_) return ranks;
    next_look_ = now + std::chrono::milliseconds(50);
    MPI_Group failed = MPI_GROUP_NULL;
    MPI_Group world = MPI_GROUP_NULL;
    int size = 0;
    if (MPIX_Comm_get_failed(MPI_COMM_WORLD, &failed) != MPI_SUCCESS) return ranks;
    MPI_Group_size(failed, &size);
    if (size > known_) {  // those that were known come first
      std::vector<int> places(static_cast<std::size_t>(size - known_));
      std::iota(places.begin(), places.end(), known_);
      ranks.resize(places.size());
      MPI_Comm_group(MPI_COMM_WORLD, &world);
      MPI_Group_translate_ranks(failed, static_cast<int>(places.size()), places.data(), world, ranks.data());
      MPI_Group_free(&world);
      known_ = size;
    }
    MPI_Group_free(&failed);
#endif
    return ranks;
  }

#ifdef OMPI_HAVE_MPI_EXT_FTMPI
 private:
  std::chrono::steady_clock::time_point next_look_{};
  int known_ = 0;
#endif
};

}  // namespace covey
