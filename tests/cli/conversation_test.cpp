#include "cli/conversation.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "mpi/self_transport.hpp"

namespace covey {
namespace {

constexpr const char* kPlain =
    "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}";

Conversation plain_conversation(const char* source = kPlain) {
  return Conversation(ChatTemplate(source, "test", {"<s>", "</s>"}));
}

std::string roles_of(const Conversation& conversation) {
  std::string text;
  for (const ChatMessage& message : conversation.messages()) text += message.role[0] + message.content + ' ';
  return text;
}

std::string prompt_of(const Conversation& conversation) {
  GenerateOptions options;
  conversation.prompt_into(options);
  return options.prompt;
}

Conversation three_turns() {
  Conversation conversation = plain_conversation();
  conversation.load({{"system", "S"},
                     {"user", "1"},
                     {"assistant", "a"},
                     {"user", "2"},
                     {"assistant", "b"},
                     {"user", "3"},
                     {"assistant", "c"}});
  return conversation;
}

TEST(Conversation, MakesAPromptOfItsMessages) {
  Conversation conversation = plain_conversation();
  conversation.ask("Hello");
  GenerateOptions options;
  conversation.prompt_into(options);
  EXPECT_EQ(options.prompt, "<s>[user]Hello</s>[assistant]");
  EXPECT_TRUE(options.special);
  EXPECT_FALSE(options.bos) << "the template has written it";
  conversation.set_system("Be kind");
  EXPECT_EQ(prompt_of(conversation), "<s>[system]Be kind</s>[user]Hello</s>[assistant]");
  conversation.set_system("Be brief");
  EXPECT_EQ(prompt_of(conversation), "<s>[system]Be brief</s>[user]Hello</s>[assistant]");
  conversation.set_system("");
  EXPECT_EQ(prompt_of(conversation), "<s>[user]Hello</s>[assistant]");
}

TEST(Conversation, ForgetsWhatItIsTold) {
  Conversation conversation = three_turns();
  EXPECT_EQ(conversation.turns(), 3U);
  EXPECT_TRUE(conversation.drop_oldest_turn());
  EXPECT_EQ(roles_of(conversation), "sS u2 ab u3 ac ");
  EXPECT_TRUE(conversation.take_back_answer());
  EXPECT_EQ(roles_of(conversation), "sS u2 ab u3 ");
  EXPECT_TRUE(conversation.take_back_answer()) << "asked again though there was no answer";
  EXPECT_TRUE(conversation.drop_oldest_turn());
  EXPECT_TRUE(conversation.drop_oldest_turn());
  EXPECT_FALSE(conversation.drop_oldest_turn());
  EXPECT_FALSE(conversation.take_back_answer());
  EXPECT_EQ(roles_of(conversation), "sS ");
  conversation = three_turns();
  conversation.clear();
  EXPECT_EQ(roles_of(conversation), "sS ");
}

TEST(Conversation, HandsItsMessagesOn) {
  Conversation conversation(ChatTemplate(kPlain, "test", {"<s>", "</s>"}), "chatml");
  conversation.ask("why?");
  GenerateOptions options;
  conversation.prompt_into(options);
  ASSERT_TRUE(options.chat.has_value());
  EXPECT_EQ(options.chat->chat_template, "chatml");
  ASSERT_EQ(options.chat->messages.size(), 1U);
  EXPECT_EQ(options.chat->messages[0].content, "why?");
}

/// A conversation with a model, alone.
class Talk {
 public:
  explicit Talk(const char* source = kPlain) : conversation(plain_conversation(source)) {
    JobOptions job;
    job.model_path = COVEY_TEST_DATA "/llama.gguf";
    job.stage.cpu.threads = 1;
    session_ = find_mode("solo").open(ledger_, job);
    options.sampling.temperature = 1.0F;
    options.max_tokens = 12;
  }
  ~Talk() { session_->close(); }

  Completion ask(const std::string& text) {
    conversation.ask(text);
    GenerateOptions asked = options;
    conversation.prompt_into(asked);
    Completion completion = session_->generate(asked, {}).completion;
    conversation.answered(asked, completion, session_->tokenizer());
    return completion;
  }
  std::uint64_t prefilled() { return ledger_.report().phases[static_cast<int>(Phase::prefill)].tokens; }

  Conversation conversation;
  GenerateOptions options;

 private:
  SelfTransport self_;
  Ledger ledger_{self_};
  std::unique_ptr<Session> session_;
};

TEST(Conversation, ATurnEvaluatesOnlyWhatIsNew) {
  Talk talk;
  std::int32_t context = 0;
  for (const std::string text : {"Hello there", "and then?", "\xE2\x82\xAC and a"}) {
    const std::uint64_t before = talk.prefilled();
    const Completion answer = talk.ask(text);
    EXPECT_EQ(answer.reused_tokens, std::max(context - 1, 0)) << "all but the last token, which was only drawn";
    EXPECT_EQ(talk.prefilled() - before, static_cast<std::uint64_t>(answer.prompt_tokens - answer.reused_tokens));
    context = answer.prompt_tokens + static_cast<std::int32_t>(answer.tokens.size());
  }
}

TEST(Conversation, AnAnswerCutByAStopStringIsReadAnew) {
  Talk talk;
  const std::string whole = talk.ask("Hello").text;
  talk.conversation.clear();
  talk.options.stop = {whole.substr(whole.size() / 2)};
  const Completion cut = talk.ask("Hello");
  ASSERT_EQ(cut.finish, Finish::stop_string);
  ASSERT_LT(cut.text.size(), whole.size());
  const Completion next = talk.ask("more");
  EXPECT_GE(next.reused_tokens, cut.prompt_tokens);
  EXPECT_LT(next.reused_tokens, cut.prompt_tokens + static_cast<std::int32_t>(cut.tokens.size()));
}

TEST(Conversation, ATemplateThatRewritesAnswersCostsOnlyThem) {
  Talk talk(
      "{% for m in messages %}[{{ m.role }}]{{ 'x' if m.role == 'assistant' else m.content }}</s>{% endfor %}[a]");
  const Completion first = talk.ask("Hello there");
  const Completion second = talk.ask("and then?");
  EXPECT_GE(second.reused_tokens, first.prompt_tokens - 3);
  EXPECT_LE(second.reused_tokens, first.prompt_tokens);
}

}  // namespace
}  // namespace covey
