// `covey chat` at work: messages in, answers out, and commands that begin with a slash.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "cli/conversation.hpp"
#include "cli/message_reader.hpp"
#include "cli/slash_commands.hpp"
#include "mpi/mode.hpp"

namespace covey {

/// What the last answer took.
struct AnswerPace {
  std::int32_t prompt_tokens = 0, reused_tokens = 0;  ///< of the conversation
  std::int32_t tokens = 0;                            ///< drawn
  std::int32_t context_tokens = 0;                    ///< of the answer and all it was drawn from
  std::int32_t proposals = 0;
  double first_seconds = 0;  ///< from the message to the first text
  double seconds = 0;        ///< to the end
};

class ChatLoop {
 public:
  /// `options` say how answers are drawn. All references must outlive the object.
  ChatLoop(Session& session, Conversation conversation, const GenerateOptions& options, LineSource& lines)
      : session_(session), conversation_(std::move(conversation)), options_(options), lines_(lines) {}

  /// Until the input ends or the user leaves. Answers go to standard output, all else to standard error. Throws what
  /// ends a session.
  void run();

 private:
  void obey(SlashAction action, const std::string& argument);
  void ask(std::string text);
  void regenerate();
  /// False if there is no answer; what is wrong has been said.
  bool answer();
  bool generate(const GenerateOptions& options, Answer& answer);
  void remark(const Completion& completion) const;
  void drop(const std::string& argument);
  void save(const std::string& path) const;
  void load(const std::string& path);
  void show_stats() const;

  Session& session_;
  Conversation conversation_;
  GenerateOptions options_;
  LineSource& lines_;
  std::uint64_t again_ = 0;  // how often the last message was answered again
  AnswerPace pace_;
};

}  // namespace covey
