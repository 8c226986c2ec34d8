#include "cli/conversation.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "mpi/request_run.hpp"

namespace covey {

namespace {

bool is_user(const ChatMessage& message) { return message.role == "user"; }
bool is_system(const ChatMessage& message) { return message.role == "system"; }

// The drawn tokens that the answer's text is made of: what a stop string, or half a character, took is not in it.
std::optional<std::vector<Token>> tokens_of_text(const Completion& completion, const Tokenizer& tokenizer) {
  Detokenizer stream(tokenizer, false);
  std::string text;
  auto next = completion.tokens.begin();
  while (text.size() < completion.text.size() && next != completion.tokens.end()) text += stream.push(*next++);
  if (text != completion.text) return std::nullopt;
  return std::vector<Token>(completion.tokens.begin(), next);
}

}  // namespace

Conversation::Conversation(ChatTemplate chat_template, std::string name)
    : template_(std::make_shared<const ChatTemplate>(std::move(chat_template))), name_(std::move(name)) {}

void Conversation::clear() {
  std::erase_if(messages_, [](const ChatMessage& message) { return !is_system(message); });
}

void Conversation::set_system(const std::string& text) {
  if (!messages_.empty() && is_system(messages_.front())) messages_.erase(messages_.begin());
  if (!text.empty()) messages_.insert(messages_.begin(), {"system", text});
}

bool Conversation::take_back_answer() {
  const auto last = std::find_if(messages_.rbegin(), messages_.rend(), is_user);
  if (last == messages_.rend()) return false;
  messages_.erase(last.base(), messages_.end());
  return true;
}

std::size_t Conversation::turns() const {
  return static_cast<std::size_t>(std::count_if(messages_.begin(), messages_.end(), is_user));
}

bool Conversation::drop_oldest_turn() {
  const auto first = std::find_if(messages_.begin(), messages_.end(), is_user);
  if (first == messages_.end()) return false;
  messages_.erase(first, std::find_if(std::next(first), messages_.end(), is_user));
  return true;
}

void Conversation::prompt_into(GenerateOptions& options) const {
  options.prompt = template_->render({.messages = messages_});
  options.special = true;
  options.bos = template_->bos_for(options.prompt).value_or(options.bos);
  const bool goes_on = !answered_.text.empty() && options.prompt.starts_with(answered_.text);
  options.known = goes_on ? answered_ : asked_;
  options.chat = ChatQuestion{messages_, name_};
}

void Conversation::answered(const GenerateOptions& options, const Completion& completion, const Tokenizer& tokenizer) {
  messages_.push_back({"assistant", completion.text});
  asked_ = {options.prompt, continuation(options, tokenizer).prompt};
  answered_ = {};
  if (const auto drawn = tokens_of_text(completion, tokenizer)) {
    answered_ = {asked_.text + completion.text, asked_.tokens};
    answered_.tokens.insert(answered_.tokens.end(), drawn->begin(), drawn->end());
  }
}

}  // namespace covey
