#include <memory>
#include <string>
#include <utility>

#include "cli/chat_flags.hpp"
#include "cli/chat_loop.hpp"
#include "cli/command.hpp"
#include "cli/generation_flags.hpp"
#include "cli/job.hpp"
#include "cli/job_flags.hpp"
#include "cli/ledger_table.hpp"
#include "cli/output.hpp"
#include "cli/plain_lines.hpp"
#include "mpi/launch.hpp"
#ifdef COVEY_WITH_LIBEDIT
#include "cli/edited_lines.hpp"
#endif

namespace covey {

namespace {

struct ChatCommandFlags {
  JobFlags job;
  GenerationFlags generation;
  ChatFlags chat;
  std::string history;
};

// A rank's output may be a terminal that mpirun made up, and its input is a pipe.
bool somebody_types() { return stdin_is_terminal() && stdout_is_terminal() && !launched_rank(); }

std::unique_ptr<LineSource> line_source(const ChatCommandFlags& flags) {
  const bool typed = somebody_types();
#ifdef COVEY_WITH_LIBEDIT
  if (typed) return std::make_unique<EditedLines>(flags.history);
#else
  if (!flags.history.empty()) {
    throw UsageError("--history: this program was built without libedit, which keeps the history of lines");
  }
#endif
  return std::make_unique<PlainLines>(typed);
}

void chat(const ChatCommandFlags& flags, Conversation conversation, Session& session) {
  {
    const std::unique_ptr<LineSource> lines = line_source(flags);
    if (somebody_types() && !flags.job.quiet) print_note("/help shows the commands, /exit or Ctrl-D leaves");
    ChatLoop(session, std::move(conversation), flags.generation.options(""), *lines).run();
  }
  const std::vector<RankReport> ranks = session.close();
  if (flags.generation.stats) print_error_stream("\n" + ledger_table(summarize(flags.job.mode, ranks), ranks));
}

}  // namespace

CommandRun add_chat(CLI::App& parser) {
  auto flags = std::make_shared<ChatCommandFlags>();
  flags->generation.tokens = -1;
  add_job_flags(parser, flags->job);
  add_conversation_flags(parser, flags->chat, nullptr);
  add_answer_flags(parser, flags->generation);
  parser.add_option("--history", flags->history, "Keep typed lines in this file, for the arrow keys of the next time")
      ->option_text("FILE")
      ->group("Conversation");
  parser.add_flag("--stats", flags->generation.stats, "The account of all ranks in the end, on standard error");
  return [flags] {
    flags->job.timed = flags->generation.stats;
    run_job(flags->job,
            [&](Session& session) { chat(*flags, flags->chat.conversation(flags->job.job.model_path), session); });
    return int{kExitOk};
  };
}

}  // namespace covey
