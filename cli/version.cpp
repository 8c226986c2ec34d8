#include "cli/version.hpp"

#include <fmt/format.h>

#include "kernels/cpu/isa.hpp"
#include "kernels/quant/formats.hpp"
#include "mpi/open_transport.hpp"

namespace covey {

std::string version_text() {
  std::string text = fmt::format("covey {}\n", COVEY_VERSION);
  text += "instruction sets that run here:";
  for (const IsaTable* table : isa_tables()) {
    if (table->runs_here()) text += fmt::format(" {}", table->name);
  }
  text += "\nweight formats:";
  for (const Format& format : formats()) text += fmt::format(" {}", tensor_type_info(format.type).name);
  const std::string mpi = mpi_description();
  text += fmt::format("\nMPI: {}\n", mpi.empty() ? "no (built without it: one process only)" : mpi);
  return text;
}

}  // namespace covey
