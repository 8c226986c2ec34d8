#include "cli/chat_flags.hpp"

#include <utility>

#include "cli/command.hpp"
#include "model/chat_template.hpp"

namespace covey {

void ChatFlags::apply(const std::string& model_path, const std::string& mode, GenerateOptions& options) const {
  if (!chat) return;
  if (mode == "self-moa") {
    throw UsageError("--chat: self-moa continues plain text only; use another --mode, or write the prompt out");
  }
  const ChatTemplate chosen = ChatTemplate::choose(GgufFile::open(model_path), chat_template);
  ChatInput input;
  if (!system.empty()) input.messages.push_back({"system", system});
  input.messages.push_back({"user", std::move(options.prompt)});
  options.prompt = chosen.render(input);
  options.special = true;
  options.bos = chosen.bos_for(options.prompt).value_or(options.bos);
}

void add_chat_flags(CLI::App& parser, ChatFlags& flags) {
  const char* group = "Prompt";
  CLI::Option* const chat =
      parser.add_flag("--chat", flags.chat, "The prompt is a message to the model, put in its chat template")
          ->excludes("--no-bos")
          ->group(group);
  parser.add_option("--system", flags.system, "With --chat: a system message before it")
      ->needs(chat)
      ->option_text("TEXT")
      ->group(group);
  parser
      .add_option("--chat-template", flags.chat_template,
                  "With --chat: a template by name, of the file or built in: " + built_in_chat_template_names() +
                      " (default: the file's)")
      ->needs(chat)
      ->option_text("NAME")
      ->group(group);
}

}  // namespace covey
