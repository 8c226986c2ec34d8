#include "cli/ledger_table.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cli/text_table.hpp"
#include "cli/units.hpp"

namespace covey {

namespace {

struct PhaseLabel {
  Phase phase;
  std::string_view name;
};
constexpr std::array kPhases = {PhaseLabel{Phase::prefill, "prefill"}, PhaseLabel{Phase::decode, "decode"},
                                PhaseLabel{Phase::other, "other"}};

Traffic sent_in(const RankReport& rank, Phase phase) {
  Traffic all;
  for (const auto& [peer, traffic] : rank.sent) {
    all.messages += traffic[static_cast<std::size_t>(phase)].messages;
    all.bytes += traffic[static_cast<std::size_t>(phase)].bytes;
  }
  return all;
}

std::string summary_lines(const Summary& s) {
  std::string out = fmt::format("{}, {} rank{}: {} tokens generated in {}\n", s.mode, s.ranks, s.ranks == 1 ? "" : "s",
                                s.generated_tokens, format_seconds(s.work_seconds));
  out +=
      fmt::format("  prompt            {} tokens, {} of them found in the cache\n", s.prompt_tokens, s.reused_tokens);
  out += fmt::format("  first token       {} (TTFT)\n", format_seconds(s.ttft_seconds));
  out += fmt::format("  between tokens    {} median, {} p95 (ITL)\n", format_seconds(s.itl_median_seconds),
                     format_seconds(s.itl_p95_seconds));
  out += fmt::format("  tokens/s          {} in all, {} per stream\n", format_rate(s.tokens_per_second),
                     format_rate(s.stream_tokens_per_second));
  out += fmt::format("  sent              {} messages, {} ({} in prefill, {} in decode)\n", s.messages,
                     format_bytes(s.bytes), format_bytes(s.prefill_bytes), format_bytes(s.decode_bytes));
  out += fmt::format("  memory            {} model and cache on the largest rank, {} on all; peak process {}\n",
                     format_bytes(s.model_bytes), format_bytes(s.total_model_bytes), format_bytes(s.peak_rss_bytes));
  for (const LostRank& lost : s.losses) out += fmt::format("  lost              {}\n", lost_text(lost));
  if (s.joules >= 0) out += fmt::format("  energy            {:.1f} J\n", s.joules);
  return out;
}

std::string rank_table(const std::vector<RankReport>& ranks) {
  TextTable table({"rank", "phase", "compute", "transfer", "wait", "passes", "tokens", "messages", "bytes sent"},
                  {0, 1});
  for (const RankReport& rank : ranks) {
    for (const auto& [phase, name] : kPhases) {
      const PhaseTime& time = rank.phases[static_cast<std::size_t>(phase)];
      const Traffic sent = sent_in(rank, phase);
      if (time.passes == 0 && time.transfer == 0 && time.wait == 0 && sent.messages == 0) continue;
      table.add_row({fmt::format("{}", rank.rank), std::string(name), format_seconds(time.compute),
                     format_seconds(time.transfer), format_seconds(time.wait), fmt::format("{}", time.passes),
                     fmt::format("{}", time.tokens), fmt::format("{}", sent.messages), format_bytes(sent.bytes)});
    }
  }
  return table.text();
}

/// Empty where no device has a clock of its own.
std::string operation_table(const std::vector<RankReport>& ranks) {
  TextTable table({"rank", "on the device", "time", "share", "count"}, {0, 1});
  bool any = false;
  for (const RankReport& rank : ranks) {
    double all = 0;
    for (const OperationTime& time : rank.operations) all += time.seconds;
    for (const OperationTime& time : rank.operations) {
      table.add_row({fmt::format("{}", rank.rank), time.operation, format_seconds(time.seconds),
                     fmt::format("{:.1f} %", all > 0 ? 100 * time.seconds / all : 0), fmt::format("{}", time.count)});
      any = true;
    }
  }
  return any ? table.text() + "\n" : "";
}

std::string machine_table(const std::vector<RankReport>& ranks) {
  TextTable table({"rank", "host", "device", "loaded in", "model memory", "peak process"}, {0, 1, 2});
  for (const RankReport& rank : ranks) {
    table.add_row({fmt::format("{}", rank.rank), rank.host, rank.device, format_seconds(rank.load_seconds),
                   format_bytes(rank.model_bytes), format_bytes(rank.peak_rss_bytes)});
  }
  return table.text();
}

}  // namespace

std::string lost_text(const LostRank& lost) {
  const std::string then = lost.seconds > 0 ? "the others took over what it held within " + format_seconds(lost.seconds)
                                            : "the others went on without it";
  return fmt::format("{}; noticed {} after the start, {}", lost.why, format_seconds(lost.at), then);
}

std::string ledger_table(const Summary& summary, const std::vector<RankReport>& ranks) {
  return summary_lines(summary) + "\n" + rank_table(ranks) + "\n" + operation_table(ranks) + machine_table(ranks);
}

}  // namespace covey
