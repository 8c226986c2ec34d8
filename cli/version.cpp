#include "cli/version.hpp"

#include <fmt/format.h>

#include "kernels/cpu/isa.hpp"
#include "kernels/quant/formats.hpp"

namespace covey {

std::string version_text() {
  std::string text = fmt::format("covey {}\n", COVEY_VERSION);
  text += "instruction sets that run here:";
  for (const IsaTable* table : isa_tables()) {
    if (table->runs_here()) text += fmt::format(" {}", table->name);
  }
  text += "\nweight formats:";
  for (const Format& format : formats()) text += fmt::format(" {}", tensor_type_info(format.type).name);
  text += fmt::format("\nMPI: {}\n", COVEY_HAS_MPI ? "yes" : "no (built without it: one process only)");
  return text;
}

}  // namespace covey
