// Ranks at work: opens a mode's session over however many ranks there are, and ends it whatever happens.
#pragma once

#include <functional>

#include "cli/job_flags.hpp"
#include "mpi/mode.hpp"

namespace covey {

/// Rank 0's part: uses the session, then closes it.
using JobWork = std::function<void(Session& session)>;

/// Does `work` on rank 0 while the other ranks serve. Throws what failed on this rank, after the others have been told.
void run_job(const JobFlags& flags, const JobWork& work);

}  // namespace covey
