// `covey chat` and `covey run --chat`: which conversation, in which template.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/conversation.hpp"
#include "mpi/mode.hpp"

namespace covey {

struct ChatFlags {
  bool chat = false;          ///< of run: --chat
  std::string system;         ///< a system message before the first; empty: none
  std::string chat_template;  ///< as ChatTemplate::choose() takes it
  std::string load;           ///< file of a conversation to go on with; empty: none

  /// The conversation so far with the model at `model_path`. Throws Error if there is no template that can be used, or
  /// the file can't be.
  Conversation conversation(const std::string& model_path) const;

  /// Of run: makes the prompt of `options` the user's next message, if --chat was given.
  void apply(const std::string& model_path, GenerateOptions& options) const;
};

/// The flags must live as long as the parser is used. `chat`: the option that they need, if any.
void add_conversation_flags(CLI::App& parser, ChatFlags& flags, CLI::Option* chat);
/// Of run: these, and --chat.
void add_chat_flags(CLI::App& parser, ChatFlags& flags);

}  // namespace covey
