#include "cli/chat_flags.hpp"

#include <initializer_list>
#include <utility>

#include "cli/text_files.hpp"
#include "model/chat_template.hpp"

namespace covey {

Conversation ChatFlags::conversation(const std::string& model_path) const {
  Conversation conversation(ChatTemplate::choose(GgufFile::open(model_path), chat_template), chat_template);
  if (!load.empty()) conversation.load(chat_messages_from_json(read_file(load), load));
  if (!system.empty()) conversation.set_system(system);
  return conversation;
}

void ChatFlags::apply(const std::string& model_path, GenerateOptions& options) const {
  if (!chat) return;
  Conversation asked = conversation(model_path);
  asked.ask(std::move(options.prompt));
  asked.prompt_into(options);
}

void add_conversation_flags(CLI::App& parser, ChatFlags& flags, CLI::Option* chat) {
  const std::string with = chat == nullptr ? "" : "With --chat: ";
  CLI::Option* const system =
      parser.add_option("--system", flags.system, with + "A system message before the conversation")
          ->option_text("TEXT");
  CLI::Option* const load =
      parser.add_option("--load", flags.load, with + "Go on with a conversation, JSON as chat's /save writes it")
          ->option_text("FILE");
  CLI::Option* const chosen =
      parser
          .add_option("--chat-template", flags.chat_template,
                      with + "A template by name, of the file or built in: " + built_in_chat_template_names() +
                          " (default: the file's)")
          ->option_text("NAME");
  for (CLI::Option* option : {system, load, chosen}) {
    option->group(chat == nullptr ? "Conversation" : "Prompt");
    if (chat != nullptr) option->needs(chat);
  }
}

void add_chat_flags(CLI::App& parser, ChatFlags& flags) {
  CLI::Option* const chat =
      parser.add_flag("--chat", flags.chat, "The prompt is a message to the model, put in its chat template")
          ->excludes("--no-bos")
          ->group("Prompt");
  add_conversation_flags(parser, flags, chat);
}

}  // namespace covey
