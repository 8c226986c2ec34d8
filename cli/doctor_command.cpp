#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "cli/job_flags.hpp"
#include "cli/launch_status.hpp"
#include "cli/output.hpp"
#include "cli/report_json.hpp"
#include "cli/text_table.hpp"
#include "cli/units.hpp"
#include "model/stage.hpp"
#include "mpi/checkup.hpp"
#include "mpi/emulated_link.hpp"
#include "mpi/open_transport.hpp"

namespace covey {

namespace {

struct DoctorFlags {
  std::string model;
  LinkFlags link;
  bool json = false;
};

RankHealth describe(const std::string& model) {
  RankHealth health = own_health();
  if (model.empty()) return health;
  try {
    health.fingerprint = model_facts(GgufFile::open(model)).fingerprint;
  } catch (const Error& error) {
    health.model_error = error.what();
  }
  return health;
}

Json rank_health_json(const Checkup& checkup, std::size_t rank) {
  const RankHealth& health = checkup.ranks[rank];
  Json out = {{"rank", rank},
              {"host", health.host},
              {"version", health.version},
              {"isa", health.isa},
              {"cores", health.cores},
              {"memory_bytes", health.memory_bytes},
              {"available_bytes", health.available_bytes},
              {"model_hash", health.fingerprint == 0 ? Json() : Json(fmt::format("{:016x}", health.fingerprint))},
              {"clock_offset_seconds", checkup.clock_offset[rank]},
              {"clock_error_seconds", checkup.clock_error[rank]}};
  if (!health.model_error.empty()) out["model_error"] = health.model_error;
  return out;
}

Json checkup_json(const Checkup& checkup, const Findings& findings) {
  Json out = {{"ranks", Json::array()},
              {"links", Json::array()},
              {"problems", findings.problems},
              {"remarks", findings.remarks}};
  for (std::size_t from = 0; from < checkup.ranks.size(); ++from) {
    out["ranks"].push_back(rank_health_json(checkup, from));
    for (std::size_t to = 0; to < checkup.ranks.size(); ++to) {
      const LinkHealth& link = checkup.links[from][to];
      if (from == to) continue;
      out["links"].push_back(
          {{"from", from}, {"to", to}, {"latency_seconds", link.latency}, {"bytes_per_second", link.bytes_per_second}});
    }
  }
  return out;
}

std::string signed_seconds(double seconds) { return (seconds < 0 ? "-" : "+") + format_seconds(std::fabs(seconds)); }

std::string machines(const Checkup& checkup) {
  TextTable table({"rank", "host", "version", "model", "isa", "cores", "memory", "available", "clock"},
                  {0, 1, 2, 3, 4});
  for (std::size_t rank = 0; rank < checkup.ranks.size(); ++rank) {
    const RankHealth& health = checkup.ranks[rank];
    const std::string model = health.fingerprint != 0      ? fmt::format("{:016x}", health.fingerprint)
                              : health.model_error.empty() ? "-"
                                                           : "unreadable";
    table.add_row({fmt::format("{}", rank), health.host, health.version, model, health.isa,
                   fmt::format("{}", health.cores), format_bytes(health.memory_bytes),
                   format_bytes(health.available_bytes), rank == 0 ? "" : signed_seconds(checkup.clock_offset[rank])});
  }
  return table.text();
}

/// A square table, what leaves a rank in its row.
template <typename Cell>
std::string between_ranks(const Checkup& checkup, const std::string& heading, const Cell& cell) {
  std::vector<std::string> headings{heading};
  for (std::size_t to = 0; to < checkup.ranks.size(); ++to) headings.push_back(fmt::format("to {}", to));
  TextTable table(headings);
  for (std::size_t from = 0; from < checkup.ranks.size(); ++from) {
    std::vector<std::string> cells{fmt::format("from {}", from)};
    for (std::size_t to = 0; to < checkup.ranks.size(); ++to) {
      cells.push_back(from == to ? "" : cell(checkup.links[from][to]));
    }
    table.add_row(std::move(cells));
  }
  return table.text();
}

std::string checkup_text(const Checkup& checkup, const Findings& findings) {
  std::string text = machines(checkup);
  if (checkup.ranks.size() > 1) {
    text +=
        "\n" + between_ranks(checkup, "latency", [](const LinkHealth& link) { return format_seconds(link.latency); });
    text += "\n" + between_ranks(checkup, "Mbit/s",
                                 [](const LinkHealth& link) { return format_rate(link.bytes_per_second * 8e-6); });
  }
  text += "\n";
  for (const std::string& problem : findings.problems) text += "problem: " + problem + "\n";
  for (const std::string& remark : findings.remarks) text += "remark: " + remark + "\n";
  if (findings.problems.empty()) text += "the ranks can work together\n";
  return text;
}

int examine(const DoctorFlags& flags) {
  const auto timeout = flags.link.timeout();
  const std::unique_ptr<Transport> transport = open_transport(timeout);
  if (transport->rank() == 0) tell_launcher_started();
  std::optional<EmulatedLink> link;
  if (!flags.link.profile.empty()) link.emplace(*transport, find_link_profile(flags.link.profile));
  try {
    const Checkup checkup =
        check_up(link ? static_cast<Transport&>(*link) : *transport, describe(flags.model), timeout);
    if (transport->rank() != 0) return kExitOk;
    const Findings findings = judge_checkup(checkup);
    print(flags.json ? json_line(checkup_json(checkup, findings)) : checkup_text(checkup, findings));
    return findings.problems.empty() ? kExitOk : kExitFailed;
  } catch (const Error& error) {
    transport->fail(error.what());
    throw;
  }
}

}  // namespace

CommandRun add_doctor(CLI::App& parser) {
  auto flags = std::make_shared<DoctorFlags>();
  parser.add_option("-m,--model", flags->model, "Compare this file on all ranks")->option_text("FILE");
  add_link_flags(parser, flags->link, "Ranks");
  parser.add_flag("--json", flags->json, "One JSON object");
  return [flags] { return examine(*flags); };
}

}  // namespace covey
