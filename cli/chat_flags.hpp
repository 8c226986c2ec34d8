// `covey run --chat`: the prompt as a user's message, in the form that the model was taught to expect.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "mpi/mode.hpp"

namespace covey {

struct ChatFlags {
  bool chat = false;
  std::string system;         ///< a system message before the user's; empty: none
  std::string chat_template;  ///< as ChatTemplate::choose() takes it

  /// Makes the prompt of `options` the user's message of a conversation with the model at `model_path`, if --chat was
  /// given. Throws UsageError for modes that cannot, Error if there is no template that can be used.
  void apply(const std::string& model_path, const std::string& mode, GenerateOptions& options) const;
};

/// The flags must live as long as the parser is used.
void add_chat_flags(CLI::App& parser, ChatFlags& flags);

}  // namespace covey
