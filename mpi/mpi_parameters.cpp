#include "mpi/mpi_parameters.hpp"

#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace covey {

namespace {

void set_default(const char* variable, const char* value) { setenv(variable, value, 0); }

}  // namespace

void set_mpi_parameters() {
  set_default("OMPI_MCA_pml", "ob1");
  set_default("OMPI_MCA_btl", "vader,tcp,self");
  set_default("OMPI_MCA_mpi_yield_when_idle", "1");
  set_default("OMPI_MCA_async_mpi_finalize", "1");  // else ending after a death hangs one time in five
  // Every chunk goes eagerly, inside a host too: otherwise it waits for the sender's next call.
  for (const char* variable : {"OMPI_MCA_btl_tcp_eager_limit", "OMPI_MCA_btl_tcp_rndv_eager_limit",
                               "OMPI_MCA_btl_vader_eager_limit", "OMPI_MCA_btl_vader_max_send_size"}) {
    set_default(variable, "65536");
  }
  // Buffers of that size come from a segment of each rank. Its default holds 8 of them, in all: a lost rank would keep
  // those for ever. Only what is touched takes memory.
  set_default("OMPI_MCA_btl_vader_segment_size", "16777216");
  set_default("OMPI_MCA_btl_vader_free_list_inc", "16");
  set_default("OMPI_MCA_btl_vader_single_copy_mechanism", "none");  // needs rights that containers lack, and complains
  set_default("OMPI_MCA_btl_base_warn_component_unused", "0");
}

bool launcher_spares_survivors() {
  const char* const recovery = std::getenv("OMPI_MCA_orte_enable_recovery");
  return recovery != nullptr && std::string_view(recovery) != "0" && std::string_view(recovery) != "false";
}

}  // namespace covey
