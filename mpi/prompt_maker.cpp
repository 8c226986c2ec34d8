#include "mpi/prompt_maker.hpp"

#include <algorithm>
#include <utility>

namespace covey {

namespace {

// The text of a message, where that is a text.
const std::string* text_of(const ChatMessage& message) {
  const jinja::Value* content = message.more.find("content");
  if (content == nullptr) return &message.content;
  return content->is(jinja::Kind::string) ? &content->text() : nullptr;
}

void set_text(ChatMessage& message, std::string text) {
  if (message.more.find("content") == nullptr) {
    message.content = std::move(text);
  } else {
    message.more.set("content", std::move(text));
  }
}

}  // namespace

GenerateOptions PromptMaker::question(const GenerateOptions& options) const {
  GenerateOptions made = options;
  if (own_model_ && options.chat) render_chat(*options.chat, made);
  return made;
}

GenerateOptions PromptMaker::aggregation(const GenerateOptions& options, std::span<const std::string> proposals,
                                         std::string_view synthesis) const {
  const AggregationPrompt& prompt = words(options.prompt_template);
  GenerateOptions made = options;
  made.known = {};
  if (!options.chat) {
    made.prompt = prompt.render({options.prompt, proposals, synthesis, false});
    return made;
  }
  ChatQuestion chat = *options.chat;
  const std::string* asked = chat.messages.empty() ? nullptr : text_of(chat.messages.back());
  if (asked != nullptr) {
    set_text(chat.messages.back(), prompt.render({*asked, proposals, synthesis, true}));
  } else {
    chat.messages.push_back({"user", prompt.render({{}, proposals, synthesis, true})});
  }
  render_chat(chat, made);
  return made;
}

const AggregationPrompt& PromptMaker::words(const std::string& source) const {
  const auto found = words_.find(source);
  if (found != words_.end()) return found->second;
  return words_.emplace(source, AggregationPrompt(source.empty() ? usual_ : std::string_view(source))).first->second;
}

const ChatTemplate& PromptMaker::chat(const std::string& name) const {
  const auto found = chats_.find(name);
  if (found != chats_.end()) return found->second;
  return chats_.emplace(name, ChatTemplate::choose(model_.file, name)).first->second;
}

void PromptMaker::render_chat(const ChatQuestion& question, GenerateOptions& options) const {
  const ChatTemplate& words_of_model = chat(question.chat_template);
  options.prompt = words_of_model.render({.messages = question.messages});
  options.special = true;
  options.bos = words_of_model.bos_for(options.prompt).value_or(true);
  options.known = {};
}

std::int32_t shared_beginning(std::span<const Token> a, std::span<const Token> b) {
  return static_cast<std::int32_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace covey
