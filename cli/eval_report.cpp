#include "cli/eval_report.hpp"

#include <fmt/format.h>

#include "cli/text_table.hpp"
#include "cli/units.hpp"

namespace covey {

namespace {

std::string percent(double value) { return fmt::format("{:.1f}", 100 * value); }

std::string share_text(const Share& share) { return share.count == 0 ? "-" : percent(share.value()); }

std::vector<std::string> score_row(const std::string& name, const EvalScore& score) {
  const auto n = static_cast<double>(score.correct.count);
  return {name,
          fmt::format("{}", score.correct.count),
          percent(score.correct.value()),
          percent(score.correct.low()) + " - " + percent(score.correct.high()),
          share_text(score.proposals),
          share_text(score.vote),
          share_text(score.oracle),
          fmt::format("{}", score.unanswered.successes),
          fmt::format("{:.1f}", static_cast<double>(score.tokens) / n),
          format_seconds(score.seconds / n)};
}

Json share_json(const Share& share) {
  if (share.count == 0) return {};
  return {{"successes", share.successes},
          {"count", share.count},
          {"value", share.value()},
          {"low", share.low()},
          {"high", share.high()}};
}

Json score_json(const EvalScore& score) {
  const auto n = static_cast<double>(score.correct.count);
  return {{"accuracy", share_json(score.correct)},    {"unanswered", score.unanswered.successes},
          {"proposals", share_json(score.proposals)}, {"vote", share_json(score.vote)},
          {"oracle", share_json(score.oracle)},       {"tokens_per_answer", static_cast<double>(score.tokens) / n},
          {"seconds_per_answer", score.seconds / n}};
}

EvalScore score_of_all(const std::vector<EvalRecord>& records) {
  EvalScore all;
  for (const EvalRecord& record : records) all.add(record);
  return all;
}

}  // namespace

std::string eval_table(const std::vector<EvalRecord>& records) {
  TextTable table({"questions of", "number", "right %", "95 % interval", "proposals %", "vote %", "oracle %",
                   "no answer", "tokens", "time"});
  const auto subjects = scores_by_subject(records);
  if (subjects.size() > 1) {
    for (const auto& [subject, score] : subjects) table.add_row(score_row(subject, score));
  }
  table.add_row(score_row(subjects.size() > 1 ? "all" : subjects.begin()->first, score_of_all(records)));
  return table.text();
}

Json eval_json(const Json& settings, const std::vector<EvalRecord>& records, std::size_t answered,
               const Summary& summary, const std::vector<RankReport>& ranks) {
  Json out = {{"settings", settings}};
  out.update(score_json(score_of_all(records)));
  if (answered > 0) {
    out["bytes_per_answer"] = static_cast<double>(summary.bytes) / static_cast<double>(answered);
    out["messages_per_answer"] = static_cast<double>(summary.messages) / static_cast<double>(answered);
  }
  out["subjects"] = Json::object();
  for (const auto& [subject, score] : scores_by_subject(records)) out["subjects"][subject] = score_json(score);
  out["summary"] = summary_json(summary);
  out["ranks"] = Json::array();
  for (const RankReport& rank : ranks) out["ranks"].push_back(rank_json(rank));
  return out;
}

}  // namespace covey
