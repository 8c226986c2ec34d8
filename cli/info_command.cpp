#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/command.hpp"
#include "cli/model_report.hpp"
#include "cli/output.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

namespace {

struct InfoFlags {
  std::string model;
  bool tensors = false;
  bool metadata = false;
  bool json = false;
};

int info(const InfoFlags& flags) {
  const GgufFile file = GgufFile::open(flags.model);
  const ModelReport report(file);
  if (flags.json) {
    print(report.json(flags.tensors, flags.metadata).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
          "\n");
    return kExitOk;
  }
  print(report.overview());
  if (flags.metadata) print("\n" + report.metadata());
  if (flags.tensors) print("\n" + report.tensors());
  return kExitOk;
}

}  // namespace

CommandRun add_info(CLI::App& parser) {
  auto flags = std::make_shared<InfoFlags>();
  parser.add_option("FILE,-m,--model", flags->model, "Model, a GGUF file")->required()->option_text("(required)");
  parser.add_flag("--tensors", flags->tensors, "List all tensors");
  parser.add_flag("--metadata", flags->metadata, "List all metadata; long arrays abbreviated");
  parser.add_flag("--json", flags->json, "One JSON object");
  return [flags] { return info(*flags); };
}

}  // namespace covey
