#include "mpi/exchange_options.hpp"

#include <algorithm>
#include <charconv>

namespace covey {

namespace {

void refuse_flag(bool given, bool used, std::string_view flag, std::string_view mode, std::string_view where) {
  if (!given || used) return;
  throw Error(std::string(flag) + ": mode " + std::string(mode) + " has no use for it: take it with " +
              std::string(where));
}

}  // namespace

Mesh parse_mesh(std::string_view text) {
  const auto number = [&](std::string_view digits) {
    std::int32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool usable = error == std::errc() && end == digits.data() + digits.size() && value >= 1;
    if (!usable || value > 65536) {
      throw Error("--mesh: can't read '" + std::string(text) +
                  "': expected TxP, like 2x3 for 2 ranks in each of 3 stages");
    }
    return value;
  };
  const std::size_t by = std::min(text.find('x'), text.size());
  return {number(text.substr(0, by)), number(text.substr(std::min(by + 1, text.size())))};
}

std::string settings_of(const ExchangeOptions& options) {
  std::string sums = options.sums.empty() ? "auto" : "";
  for (const SumAlgorithm* const sum : options.sums) sums += (sums.empty() ? "" : ",") + std::string(sum->name);
  std::string text = "--allreduce " + sums + " --wire " + std::string(wire_name(options.wire));
  if (!options.overlap) text += " --overlap off";
  if (options.mesh.parts > 0) {
    text += " --mesh " + std::to_string(options.mesh.parts) + "x" + std::to_string(options.mesh.stages);
  }
  return text;
}

void check_exchange_options(const ExchangeOptions& options, std::string_view mode, const ExchangeUses& uses) {
  const ExchangeOptions usual;
  refuse_flag(!options.sums.empty(), uses.sums, "--allreduce", mode, "tensor or hybrid");
  refuse_flag(options.wire != usual.wire, uses.wire, "--wire", mode, "pipeline, tensor or hybrid");
  refuse_flag(options.overlap != usual.overlap, uses.sums, "--overlap", mode, "tensor or hybrid");
  refuse_flag(options.mesh != usual.mesh, uses.mesh, "--mesh", mode, "hybrid");
  refuse_flag(options.schedule != usual.schedule, uses.stages, "--schedule", mode, "pipeline or hybrid");
  refuse_flag(options.micro_batch != usual.micro_batch, uses.stages, "--micro-batch", mode, "pipeline or hybrid");
}

}  // namespace covey
