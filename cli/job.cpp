#include "cli/job.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "cli/interrupt.hpp"
#include "cli/launch_status.hpp"
#include "cli/progress_bar.hpp"
#include "mpi/emulated_link.hpp"
#include "mpi/launch.hpp"
#include "mpi/ledger.hpp"
#include "mpi/mpi_parameters.hpp"
#include "mpi/open_transport.hpp"

namespace covey {

namespace {

// mpirun ends the whole job as soon as one rank ends with an error: rank 0 gets this long to say what the error is.
constexpr std::chrono::seconds kTimeToReport{1};

// Each rank takes its part of its host's cores, unless it was told how many threads to run.
void share_cores(const Transport& transport, CpuOptions& cpu) {
  if (cpu.threads != 0 || transport.host_size() == 1) return;
  const CoreShare share = cores_for_rank(transport.host_rank(), transport.host_size(), allowed_cores());
  cpu.threads = share.threads;
  bind_to_cores(share.cores);
}

std::unique_ptr<Session> open_session(const JobFlags& flags, Ledger& ledger) {
  ProgressBar bar("loading", !flags.quiet && ledger.rank() == 0);
  JobOptions options = flags.options(ledger.rank(), ledger.size());
  share_cores(ledger, options.stage.cpu);
  options.regroups = launcher_spares_survivors();
  options.stage.progress = [&bar](double fraction) {
    check_interrupt();
    bar.update(fraction);
  };
  return find_mode(flags.mode).open(ledger, options);
}

void work_or_serve(const JobFlags& flags, Ledger& ledger, const JobWork& work) {
  const std::unique_ptr<Session> session = open_session(flags, ledger);
  if (ledger.rank() == 0) {
    work(*session);
  } else {
    session->serve();
  }
}

}  // namespace

void run_job(const JobFlags& flags, const JobWork& work) {
  const std::unique_ptr<Transport> transport = open_transport(flags.link.timeout());
  if (transport->rank() == 0) tell_launcher_started();
  std::optional<EmulatedLink> link;
  if (!flags.link.profile.empty()) link.emplace(*transport, find_link_profile(flags.link.profile));
  Ledger ledger(link ? static_cast<Transport&>(*link) : *transport);
  if (flags.timeline) ledger.record_timeline();
  const auto tell_others = [&](const char* why) {
    transport->fail(why);
    if (transport->rank() != 0) std::this_thread::sleep_for(kTimeToReport);
  };
  try {
    work_or_serve(flags, ledger, work);
  } catch (const std::exception& error) {
    tell_others(error.what());
    throw;
  } catch (...) {  // nobody reads the answer any more
    tell_others("rank 0 has ended early");
    throw;
  }
}

}  // namespace covey
