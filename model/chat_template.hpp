// From a conversation to the prompt that a model was taught to expect.
//
//     const ChatTemplate chat = ChatTemplate::choose(file, "");
//     const std::string prompt = chat.render({.messages = {{"user", "Hello"}}});
//     tokenizer.encode(prompt, {.bos = chat.bos_for(prompt), .special = true});
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/jinja/template.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace covey {

struct ChatMessage {
  std::string role;  ///< system, user, assistant, tool, …
  std::string content;
  /// Further members of the message, as `tool_calls`; they win over the two above, so a content that is no text, or
  /// none, goes here.
  jinja::Dict more = {};
};

struct ChatInput {
  std::vector<ChatMessage> messages = {};
  jinja::Value tools = {};            ///< a list of JSON schemas of functions; undefined: none
  bool add_generation_prompt = true;  ///< the prompt ends where the assistant begins to speak
  jinja::Dict variables = {};         ///< more that a template may ask for: enable_thinking, documents, …
};

/// Texts of special tokens that templates write.
struct ChatTokens {
  std::string bos, eos;

  /// Those of a file's vocabulary; empty where it has none. Throws Error if an id lies outside of it.
  static ChatTokens of(const GgufFile& file);
};

/// Immutable; safe to use from many threads.
class ChatTemplate {
 public:
  /// `origin` stands for the template in errors. Throws Error naming it and the line.
  ChatTemplate(std::string_view source, std::string origin, ChatTokens tokens);

  /// `wanted`: a template that the file has beside its usual one (tokenizer.chat_template.<wanted>), or else a built-in
  /// one; "default", or nothing: the file's usual one, or, `with_tools`, the one named tool_use if it is there. Throws
  /// Error, with the names there are, if there is no such template or it can't be used.
  static ChatTemplate choose(const GgufFile& file, std::string_view wanted, bool with_tools = false);

  /// Throws Error if the template refuses the messages, or fails. An empty `clock` is the time of this machine.
  std::string render(const ChatInput& input, const jinja::Clock& clock = {}) const;

  /// What to pass to the tokenizer: no BOS where `prompt` begins with one already, else as the vocabulary asks.
  std::optional<bool> bos_for(std::string_view prompt) const;

  /// "model.gguf: tokenizer.chat_template", "built-in template chatml"
  const std::string& origin() const { return origin_; }

 private:
  jinja::Template parsed(std::string_view source) const;

  std::string origin_;
  ChatTokens tokens_;
  jinja::Template template_;
};

/// Whether `file` has a template of its own, and the names of those beside it.
bool has_chat_template(const GgufFile& file);
std::vector<std::string> named_chat_templates(const GgufFile& file);

/// Messages from JSON: an array of objects, each with a "role"; a content that is missing is null. Throws Error, `name`
/// standing for the text.
std::vector<ChatMessage> chat_messages_from_json(std::string_view json, const std::string& name);

/// The other way round: indented JSON that chat_messages_from_json() reads back.
std::string chat_messages_to_json(std::span<const ChatMessage> messages);

struct BuiltInChatTemplate {
  std::string_view name;
  std::string_view source;
};

/// For files that have none, or one that can't be used.
std::span<const BuiltInChatTemplate> built_in_chat_templates();
/// "chatml, gemma, …"
std::string built_in_chat_template_names();

}  // namespace covey
