// A conversation with a model: its messages, and the prompt that they make in the model's chat template.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "model/chat_template.hpp"
#include "mpi/mode.hpp"

namespace covey {

class Conversation {
 public:
  /// `name`: by which ChatTemplate::choose() finds the template, for other ranks.
  explicit Conversation(ChatTemplate chat_template, std::string name = {});

  const std::vector<ChatMessage>& messages() const { return messages_; }
  void load(std::vector<ChatMessage> messages) { messages_ = std::move(messages); }
  /// All but the system message.
  void clear();

  /// Replaces the system message, which comes first; an empty text: takes it away.
  void set_system(const std::string& text);
  /// What the user says next.
  void ask(std::string text) { messages_.push_back({"user", std::move(text)}); }
  /// Forgets the answers behind the user's last message, so that it can be answered again. False if there is no such
  /// message.
  bool take_back_answer();
  /// A turn is a user's message and what follows up to the next one.
  std::size_t turns() const;
  /// Forgets the oldest turn, behind the system message. False if there is none.
  bool drop_oldest_turn();

  /// Sets what has to be generated: the answer to the last message. Tokens of earlier answers are handed on as they
  /// were drawn, so that they are found in the cache. Throws Error if the template refuses the messages.
  void prompt_into(GenerateOptions& options) const;
  /// Adds the answer to what prompt_into() has set.
  void answered(const GenerateOptions& options, const Completion& completion, const Tokenizer& tokenizer);

 private:
  std::shared_ptr<const ChatTemplate> template_;
  std::string name_;
  std::vector<ChatMessage> messages_;
  KnownTokens asked_, answered_;  // the last prompt, and the last prompt with its answer
};

}  // namespace covey
