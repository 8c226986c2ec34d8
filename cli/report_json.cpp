#include "cli/report_json.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>

namespace covey {

namespace {

constexpr std::array<std::string_view, kPhaseCount> kPhaseNames = {"load", "prefill", "decode", "other"};

Json joules_json(double joules) { return joules < 0 ? Json() : Json(joules); }

Json stream_json(const StreamTimes& stream) {
  return {{"role", stream.role},
          {"start", stream.start},
          {"first_token", stream.first_token},
          {"tokens", stream.tokens},
          {"prompt_tokens", stream.prompt_tokens},
          {"reused_tokens", stream.reused_tokens}};
}

// Spans as [start, end, what], in whole microseconds: the clock tells no more.
Json timeline_json(const std::vector<TimelineSpan>& timeline) {
  constexpr std::array<std::string_view, 3> kNames = {"compute", "send", "wait"};
  const auto rounded = [](double seconds) { return std::round(seconds * 1e6) / 1e6; };
  Json spans = Json::array();
  for (const TimelineSpan& span : timeline) {
    spans.push_back({rounded(span.start), rounded(span.end), kNames[static_cast<std::size_t>(span.doing)]});
  }
  return spans;
}

}  // namespace

Json summary_json(const Summary& summary) {
  return {{"mode", summary.mode},
          {"ranks", summary.ranks},
          {"work_seconds", summary.work_seconds},
          {"ttft_seconds", summary.ttft_seconds},
          {"itl_median_seconds", summary.itl_median_seconds},
          {"itl_p95_seconds", summary.itl_p95_seconds},
          {"tokens_per_second", summary.tokens_per_second},
          {"stream_tokens_per_second", summary.stream_tokens_per_second},
          {"generated_tokens", summary.generated_tokens},
          {"prompt_tokens", summary.prompt_tokens},
          {"reused_tokens", summary.reused_tokens},
          {"messages", summary.messages},
          {"bytes", summary.bytes},
          {"prefill_bytes", summary.prefill_bytes},
          {"decode_bytes", summary.decode_bytes},
          {"peak_rss_bytes", summary.peak_rss_bytes},
          {"model_bytes", summary.model_bytes},
          {"total_model_bytes", summary.total_model_bytes},
          {"joules", joules_json(summary.joules)},
          {"lost", lost_json(summary.losses)}};
}

Json lost_json(const std::vector<LostRank>& losses) {
  Json all = Json::array();
  for (const LostRank& one : losses) {
    all.push_back({{"rank", one.rank}, {"why", one.why}, {"at_seconds", one.at}, {"recovery_seconds", one.seconds}});
  }
  return all;
}

Json rank_json(const RankReport& rank) {
  Json phases = Json::object();
  for (std::size_t p = 0; p < rank.phases.size(); ++p) {
    const PhaseTime& time = rank.phases[p];
    phases[std::string(kPhaseNames[p])] = {{"compute", time.compute},
                                           {"transfer", time.transfer},
                                           {"wait", time.wait},
                                           {"passes", time.passes},
                                           {"tokens", time.tokens}};
  }
  Json operations = Json::object();
  for (const OperationTime& time : rank.operations) {
    operations[time.operation] = {{"seconds", time.seconds}, {"count", time.count}};
  }
  Json sent = Json::array();
  for (const auto& [peer, traffic] : rank.sent) {
    Json link = {{"to", peer}};
    for (std::size_t p = 0; p < traffic.size(); ++p) {
      link[std::string(kPhaseNames[p])] = {{"messages", traffic[p].messages}, {"bytes", traffic[p].bytes}};
    }
    sent.push_back(std::move(link));
  }
  Json streams = Json::array();
  for (const StreamTimes& stream : rank.streams) streams.push_back(stream_json(stream));
  Json json = {{"rank", rank.rank},
               {"host", rank.host},
               {"device", rank.device},
               {"phases", std::move(phases)},
               {"operations", std::move(operations)},
               {"sent", std::move(sent)},
               {"streams", std::move(streams)},
               {"model_bytes", rank.model_bytes},
               {"peak_rss_bytes", rank.peak_rss_bytes},
               {"joules", joules_json(rank.joules)},
               {"load_seconds", rank.load_seconds},
               {"work_seconds", rank.work_seconds}};
  if (!rank.timeline.empty()) json["timeline"] = timeline_json(rank.timeline);
  return json;
}

Json completion_json(const Completion& completion, bool with_logprobs) {
  Json out = {{"text", completion.text}, {"tokens", completion.tokens}, {"finish", finish_name(completion.finish)}};
  if (with_logprobs) out["logprobs"] = completion.logprobs;
  return out;
}

const char* use_name(Use use) {
  switch (use) {
    case Use::used:
      return "used";
    case Use::late:
      return "late";
    case Use::lost:
      return "lost";
  }
  return "unknown";
}

Json proposal_json(const Proposal& proposal, bool with_logprobs) {
  Json out = completion_json(proposal, with_logprobs);
  out["index"] = proposal.index;
  out["layer"] = proposal.layer;
  out["use"] = use_name(proposal.use);
  if (!proposal.extracted.empty()) out["extracted"] = proposal.extracted;
  return out;
}

std::string json_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace covey
