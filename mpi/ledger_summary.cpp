#include <algorithm>
#include <cmath>

#include "mpi/ledger.hpp"

namespace covey {

namespace {

// Nearest rank: the smallest value that at least that fraction of all values do not exceed. 0 of no values.
double quantile(std::vector<double> values, double fraction) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(values.size())));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void add_streams(const std::vector<RankReport>& ranks, Summary& summary) {
  std::vector<double> gaps;
  std::vector<double> speeds;
  bool answered = false;
  for (const RankReport& rank : ranks) {
    for (const StreamTimes& stream : rank.streams) {
      summary.generated_tokens += stream.tokens.size();
      summary.prompt_tokens += static_cast<std::uint64_t>(std::max(stream.prompt_tokens, 0));
      summary.reused_tokens += static_cast<std::uint64_t>(std::max(stream.reused_tokens, 0));
      if (stream.tokens.empty()) continue;
      if (!answered && stream.role != "proposal") {
        summary.ttft_seconds = stream.first_token;
        answered = true;
      }
      for (std::size_t i = 1; i < stream.tokens.size(); ++i) gaps.push_back(stream.tokens[i] - stream.tokens[i - 1]);
      const double span = stream.tokens.back() - stream.tokens.front();
      if (span > 0) speeds.push_back(static_cast<double>(stream.tokens.size() - 1) / span);
    }
  }
  summary.itl_median_seconds = quantile(gaps, 0.5);
  summary.itl_p95_seconds = quantile(gaps, 0.95);
  summary.stream_tokens_per_second = quantile(speeds, 0.5);
}

void add_traffic(const RankReport& rank, Summary& summary) {
  for (const auto& [peer, phases] : rank.sent) {
    for (const Phase phase : {Phase::prefill, Phase::decode, Phase::other}) {
      const Traffic& traffic = phases[static_cast<std::size_t>(phase)];
      summary.messages += traffic.messages;
      summary.bytes += traffic.bytes;
    }
    summary.prefill_bytes += phases[static_cast<std::size_t>(Phase::prefill)].bytes;
    summary.decode_bytes += phases[static_cast<std::size_t>(Phase::decode)].bytes;
  }
}

}  // namespace

Summary summarize(const std::string& mode, const std::vector<RankReport>& ranks) {
  Summary summary;
  summary.mode = mode;
  summary.ranks = static_cast<std::int32_t>(ranks.size());
  bool metered = !ranks.empty();
  double joules = 0;
  for (const RankReport& rank : ranks) {
    add_traffic(rank, summary);
    summary.work_seconds = std::max(summary.work_seconds, rank.work_seconds);
    summary.peak_rss_bytes = std::max(summary.peak_rss_bytes, rank.peak_rss_bytes);
    summary.model_bytes = std::max(summary.model_bytes, rank.model_bytes);
    summary.total_model_bytes += rank.model_bytes;
    metered = metered && rank.joules >= 0;
    joules += rank.joules;
  }
  if (metered) summary.joules = joules;
  if (!ranks.empty()) summary.losses = ranks.front().losses;
  add_streams(ranks, summary);
  if (summary.work_seconds > 0) {
    summary.tokens_per_second = static_cast<double>(summary.generated_tokens) / summary.work_seconds;
  }
  return summary;
}

}  // namespace covey
