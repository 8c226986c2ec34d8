#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/chat_flags.hpp"
#include "cli/command.hpp"
#include "cli/generation_flags.hpp"
#include "cli/interrupt.hpp"
#include "cli/job.hpp"
#include "cli/job_flags.hpp"
#include "cli/ledger_table.hpp"
#include "cli/output.hpp"
#include "cli/report_json.hpp"
#include "cli/text_files.hpp"

namespace covey {

namespace {

struct RunFlags {
  JobFlags job;
  GenerationFlags generation;
  ChatFlags chat;
};

Json run_json(const RunFlags& flags, const Answer& answer, const Summary& summary,
              const std::vector<RankReport>& ranks) {
  const bool logprobs = flags.generation.logprobs;
  Json out = {{"mode", flags.job.mode}, {"model", flags.job.job.model_path}};
  out.update(completion_json(answer.completion, logprobs));
  if (!flags.job.lora.empty()) out["lora"] = flags.job.lora;
  out["prompt_tokens"] = answer.completion.prompt_tokens;
  out["reused_tokens"] = answer.completion.reused_tokens;
  out["proposals"] = Json::array();
  for (const Proposal& proposal : answer.proposals) out["proposals"].push_back(proposal_json(proposal, logprobs));
  out["proposal_ranks"] = Json::array();
  for (const Proposal& proposal : answer.proposals) out["proposal_ranks"].push_back(proposal.rank);
  if (answer.chosen >= 0) out["chosen"] = answer.chosen;
  out["lost"] = lost_json(answer.lost);
  if (!answer.others.empty()) {
    out["others"] = Json::array();
    for (const Completion& other : answer.others) out["others"].push_back(completion_json(other, logprobs));
  }
  out["summary"] = summary_json(summary);
  out["ranks"] = Json::array();
  for (const RankReport& rank : ranks) out["ranks"].push_back(rank_json(rank));
  return out;
}

void print_proposals(const std::vector<Proposal>& proposals) {
  for (const Proposal& one : proposals) {
    const std::string made = one.use == Use::used ? finish_name(one.finish) : use_name(one.use);
    print_error_stream(fmt::format("proposal {}{} (rank {}, {} tokens, {}): {}\n",
                                   one.layer > 0 ? fmt::format("{}.", one.layer + 1) : "", one.index + 1, one.rank,
                                   one.tokens.size(), made, one.text));
  }
}

// What there is of an answer that was interrupted: the text is on standard output already, unless JSON was asked for.
void print_interrupted(const RunFlags& flags, const std::string& text) {
  print(flags.generation.json ? json_line({{"mode", flags.job.mode},
                                           {"model", flags.job.job.model_path},
                                           {"text", text},
                                           {"finish", "interrupted"}})
                              : "\n");
}

void answer(const RunFlags& flags, const GenerateOptions& options, Session& session) {
  const bool json = flags.generation.json;
  std::string text;
  const auto sink = [&](std::string_view piece) {
    check_interrupt();
    text += piece;
    if (!json) print(piece);
  };
  Answer answer;
  try {
    answer = session.generate(options, sink);
  } catch (const Error&) {
    if (interrupt_code() != 0) print_interrupted(flags, text);
    throw;
  }
  if (!json) print("\n");
  for (const LostRank& lost : answer.lost) print_note(lost_text(lost));
  if (flags.generation.verbose) print_proposals(answer.proposals);
  const std::vector<RankReport> ranks = session.close();
  const Summary summary = summarize(flags.job.mode, ranks);
  if (json) print(json_line(run_json(flags, answer, summary, ranks)));
  if (!flags.generation.save.empty()) {
    write_file(flags.generation.save, json_line(run_json(flags, answer, summary, ranks)));
  }
  if (flags.generation.stats) print_error_stream("\n" + ledger_table(summary, ranks));
}

}  // namespace

CommandRun add_run(CLI::App& parser) {
  auto flags = std::make_shared<RunFlags>();
  add_job_flags(parser, flags->job);
  add_generation_flags(parser, flags->generation);
  add_timeline_flag(parser, flags->job, "Output");
  add_chat_flags(parser, flags->chat);
  return [flags] {
    if (flags->generation.sequences > 1 && !find_mode(flags->job.mode).many_sequences) {
      throw UsageError("--sequences: mode " + flags->job.mode + " draws one answer: leave it out");
    }
    flags->job.timed = flags->generation.stats || flags->generation.json || !flags->generation.save.empty();
    run_job(flags->job, [&](Session& session) {
      GenerateOptions options = flags->generation.options(flags->generation.prompt_text());
      flags->chat.apply(flags->job.job.model_path, options);
      answer(*flags, options, session);
    });
    return int{kExitOk};
  };
}

}  // namespace covey
