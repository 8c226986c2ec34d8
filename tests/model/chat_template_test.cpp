#include "model/chat_template.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "model/jinja/json.hpp"
#include "tests/error_of.hpp"
#include "tests/model/made_vocabulary.hpp"

namespace covey {
namespace {

using namespace std::string_view_literals;  // a plain literal would be stored as a truth value

GgufFile file_with(const std::function<void(MadeGguf&)>& more = {}) {
  return MadeVocabulary().gguf([&more](MadeGguf& gguf) {
    set_usual_ids(gguf);
    if (more) more(gguf);
  });
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const ChatInput kTalk = {
    .messages = {{"system", "Be brief."}, {"user", "Hello"}, {"assistant", "Hi"}, {"user", "Bye"}}};

TEST(ChatTemplate, OfTheFile) {
  const GgufFile file = file_with([](MadeGguf& gguf) {
    gguf.set(
        "tokenizer.chat_template",
        "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}{{ eos_token }}{% endfor %}{{ tools }}"sv);
    gguf.set("tokenizer.chat_template.tool_use", "{{ tools | length }}"sv);
  });
  EXPECT_TRUE(has_chat_template(file));
  EXPECT_EQ(named_chat_templates(file), std::vector<std::string>{"tool_use"});
  const ChatTemplate chat = ChatTemplate::choose(file, "");
  EXPECT_EQ(chat.render({.messages = {{"user", "a"}}}), "<s>user:a</s>None");
  EXPECT_EQ(chat.origin(), "made.gguf: tokenizer.chat_template");
  EXPECT_EQ(ChatTemplate::choose(file, "default", true).origin(), chat.origin());
  const ChatInput with_tools = {.tools = jinja::parse_json("[1, 2]", "tools")};
  EXPECT_EQ(ChatTemplate::choose(file, "", true).render(with_tools), "2");
  EXPECT_EQ(ChatTemplate::choose(file, "tool_use").render(with_tools), "2");
}

TEST(ChatTemplate, BosIsWrittenOnce) {
  const ChatTemplate chat("", "test", {"<s>", "</s>"});
  EXPECT_EQ(chat.bos_for("<s>a"), false);
  EXPECT_EQ(chat.bos_for("a<s>"), std::nullopt);
  EXPECT_EQ(ChatTemplate("", "test", {}).bos_for("a"), std::nullopt);
}

TEST(ChatTemplate, MoreOfAMessage) {
  const ChatTemplate chat(
      "{% for m in messages %}{{ m | tojson }}{% endfor %}{{ enable_thinking }}{{ bos_token is defined }}", "test", {});
  const ChatInput input = {
      .messages = {{"assistant", "x", jinja::parse_json(R"({"content": null, "n": [1]})", "more").dict()}},
      .variables = {{"enable_thinking", false}}};
  EXPECT_EQ(chat.render(input), R"({"role": "assistant", "content": null, "n": [1]}FalseFalse)");
}

TEST(ChatTemplate, BuiltIn) {
  const GgufFile file = file_with();
  const auto prompt = [&file](std::string_view name) { return ChatTemplate::choose(file, name).render(kTalk); };
  EXPECT_EQ(prompt("chatml"),
            "<|im_start|>system\nBe "
            "brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi<|im_end|>\n"
            "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(prompt("gemma"),
            "<s><start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n<start_of_turn>model\nHi<end_of_turn>\n"
            "<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n");
  EXPECT_EQ(prompt("llama2"), "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello [/INST] Hi </s><s>[INST] Bye [/INST]");
  EXPECT_EQ(
      prompt("llama3"),
      "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
      "Hello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>user"
      "<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_EQ(prompt("mistral"), "<s>[INST] Be brief.\n\nHello [/INST] Hi</s>[INST] Bye [/INST]");
  EXPECT_EQ(prompt("phi3"),
            "<|system|>\nBe "
            "brief.<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\nHi<|end|>\n<|user|>\nBye<|end|>\n<|assistant|>\n");
  EXPECT_EQ(
      prompt("phi4"),
      "<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant"
      "<|im_sep|>Hi<|im_end|><|im_start|>user<|im_sep|>Bye<|im_end|><|im_start|>assistant<|im_sep|>");
  EXPECT_EQ(prompt("vicuna"), "Be brief.\n\nUSER: Hello\nASSISTANT: Hi</s>\nUSER: Bye\nASSISTANT:");
  EXPECT_EQ(
      prompt("zephyr"),
      "<|system|>\nBe brief.</s>\n<|user|>\nHello</s>\n<|assistant|>\nHi</s>\n<|user|>\nBye</s>\n<|assistant|>\n");
}

TEST(ChatTemplate, EveryBuiltInOneTakesAnyConversation) {
  for (const BuiltInChatTemplate& one : built_in_chat_templates()) {
    const ChatTemplate chat(one.source, std::string(one.name), {"<s>", "</s>"});
    for (const bool prompt : {false, true}) {
      ChatInput input = {.add_generation_prompt = prompt};
      EXPECT_FALSE(holds(chat.render(input), "None")) << one.name;
      for (const char* role : {"user", "assistant", "system", "user", "tool"}) {
        input.messages.push_back({role, "漢字 {{ x }}"});
        const std::string text = chat.render(input);
        EXPECT_EQ(holds(text, "漢字 {{ x }}"), true) << one.name;
      }
      EXPECT_EQ(holds(chat.render(input), "{%"), false) << one.name;
    }
  }
}

TEST(ChatTemplate, ErrorsShowTheWayOut) {
  EXPECT_EQ(error_of([] { ChatTemplate::choose(file_with(), ""); }),
            "made.gguf: the file has no chat template; choose a built-in one with --chat-template NAME: " +
                built_in_chat_template_names());
  const GgufFile broken = file_with([](MadeGguf& gguf) {
    gguf.set("tokenizer.chat_template", "a\n{{ 1 | nope }}"sv);
    gguf.set("tokenizer.chat_template.fails", "\n\n{{ messages[0].a.b }}"sv);
    gguf.set("tokenizer.chat_template.refuses", "\n{{ raise_exception('no system') }}"sv);
  });
  const std::string parse = error_of([&] { ChatTemplate::choose(broken, ""); });
  EXPECT_TRUE(parse.starts_with("made.gguf: tokenizer.chat_template, line 2: there is no filter 'nope'; ")) << parse;
  EXPECT_TRUE(holds(parse, "--chat-template NAME: chatml, ")) << parse;
  const std::string fails = error_of([&] { return ChatTemplate::choose(broken, "fails").render(kTalk); });
  EXPECT_TRUE(fails.starts_with("made.gguf: tokenizer.chat_template.fails, line 3: ")) << fails;
  EXPECT_EQ(error_of([&] { return ChatTemplate::choose(broken, "refuses").render(kTalk); }),
            "made.gguf: tokenizer.chat_template.refuses refuses these messages, line 2: no system");
  const std::string unknown = error_of([&] { ChatTemplate::choose(broken, "other"); });
  EXPECT_TRUE(holds(unknown, "no chat template 'other'")) << unknown;
  EXPECT_TRUE(holds(unknown, "made.gguf has fails, refuses")) << unknown;
  const GgufFile outside = MadeVocabulary().gguf([](MadeGguf& gguf) {
    gguf.set("tokenizer.chat_template", ""sv);
    gguf.set("tokenizer.ggml.eos_token_id", std::uint32_t{100000});
  });
  EXPECT_TRUE(holds(error_of([&] { ChatTemplate::choose(outside, ""); }), "eos_token_id"));
}

TEST(ChatTemplate, MessagesFromJson) {
  const auto messages = chat_messages_from_json(
      R"([{"role": "user", "content": "a\ud83d\ude00"}, {"role": "tool", "id": 1}])", "chat.json");
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].role, "user");
  EXPECT_EQ(messages[0].more.find("content")->text(), "a😀");
  EXPECT_EQ(messages[1].more.find("id")->integer(), 1);
  const std::string written = chat_messages_to_json(messages);
  EXPECT_EQ(written.substr(0, 58), "[\n  {\n    \"role\": \"user\",\n    \"content\": \"a😀\"\n  },\n  {\n");
  EXPECT_EQ(chat_messages_to_json(chat_messages_from_json(written, "chat.json")), written);
  EXPECT_EQ(chat_messages_from_json(chat_messages_to_json({}), "chat.json").size(), 0U);
  const std::vector<ChatMessage> plain = {{"user", "a \"b\"\n"}};
  EXPECT_EQ(chat_messages_from_json(chat_messages_to_json(plain), "chat.json")[0].more.find("content")->text(),
            "a \"b\"\n");
  const ChatTemplate chat("{% for m in messages %}{{ m | tojson }}{% endfor %}", "test", {});
  EXPECT_EQ(chat.render({.messages = messages}),
            R"({"role": "user", "content": "a😀"}{"role": "tool", "id": 1, "content": null})");
  for (const char* wrong : {"{}", "[1]", "[{}]", "[{\"role\": 1}]", "[", "[}", "\"", "[{\"role\": \"a\"}] x",
                            "[\"\\u12\"]", "nul", "01a", "", "[1e999]"})
    EXPECT_TRUE(error_of([wrong] { chat_messages_from_json(wrong, "chat.json"); }).starts_with("chat.json: ")) << wrong;
  EXPECT_TRUE(
      holds(error_of([] { chat_messages_from_json(std::string(100000, '['), "chat.json"); }), "nests too deep"));
}

}  // namespace
}  // namespace covey
