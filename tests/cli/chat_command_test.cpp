// `covey chat` as scripts use it, through pipes, and as somebody at a terminal does.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/program.hpp"
#include "tests/cli/terminal.hpp"

namespace covey {
namespace {

using namespace std::chrono_literals;

// What `more` does not set is set for short and equal answers.
std::vector<std::string> chat_flags(const std::vector<std::string>& more) {
  std::vector<std::string> flags = {"chat", "-m", test_data("llama.gguf")};
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"--chat-template", "chatml"}, {"-n", "8"}, {"-c", "1024"}}) {
    if (std::find(more.begin(), more.end(), name) == more.end()) flags.insert(flags.end(), {name, value});
  }
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

Finished chat_with(const std::string& input, const std::vector<std::string>& more = {}) {
  return covey_run(chat_flags(more), {.input = input, .out_path = "", .environment = {}});
}

nlohmann::json saved_chat(const std::string& path) {
  return nlohmann::json::parse(std::ifstream(path), nullptr, false);
}

// Answers of random weights may hold newlines: they are compared by what is saved.
std::vector<std::string> answers_in(const nlohmann::json& messages) {
  std::vector<std::string> answers;
  for (const auto& message : messages) {
    if (message["role"] == "assistant") answers.push_back(message["content"]);
  }
  return answers;
}

TEST(ChatCommand, AnswersEachLineAndPrintsNothingElse) {
  const std::string path = scratch("talk.json");
  const Finished ended = chat_with("Hello\nand then?\n/save " + path + "\n", {"--greedy"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto messages = saved_chat(path);
  ASSERT_EQ(messages.size(), 4U) << ended.err;
  EXPECT_EQ(messages[2], (nlohmann::json{{"role", "user"}, {"content", "and then?"}}));
  const std::vector<std::string> answers = answers_in(messages);
  EXPECT_EQ(ended.out, answers[0] + "\n" + answers[1] + "\n");
  EXPECT_EQ(ended.out.find('\x1b'), std::string::npos);
  EXPECT_EQ(ended.err.find('\x1b'), std::string::npos);
  const Finished first = covey_run({"run", "-m", test_data("llama.gguf"), "--chat", "--chat-template", "chatml", "-n",
                                    "8", "--greedy", "-p", "Hello"});
  EXPECT_EQ(first.out, answers[0] + "\n");
}

TEST(ChatCommand, GoesOnWithWhatWasSaved) {
  const std::string path = scratch("go-on.json");
  const Finished first = chat_with("Hello\n/save " + path + "\n", {"--greedy"});
  const Finished loaded = chat_with("/load " + path + "\nand then?\n/save " + path + "2\n", {"--greedy"});
  EXPECT_EQ(loaded.code, 0) << loaded.err;
  ASSERT_EQ(saved_chat(path + "2").size(), 4U) << loaded.err;
  EXPECT_EQ(answers_in(saved_chat(path + "2"))[0] + "\n", first.out);
  EXPECT_EQ(answers_in(saved_chat(path + "2"))[1] + "\n", loaded.out);
  EXPECT_EQ(chat_with("and then?\n", {"--greedy", "--load", path}).out, loaded.out);
  EXPECT_EQ(covey_run({"run", "-m", test_data("llama.gguf"), "--chat", "--chat-template", "chatml", "-n", "8",
                       "--greedy", "--load", path, "-p", "and then?"})
                .out,
            loaded.out);
}

TEST(ChatCommand, ATurnEvaluatesOnlyWhatIsNew) {
  const Finished ended = chat_with("Hello\n/stats\nand then?\n/stats\n", {"--ignore-eos"});
  // The first prompt, and the answer but for its last token, which was drawn and not evaluated.
  const auto number_before = [&](const std::string& text, std::size_t from) {
    const std::size_t end = ended.err.find(text, from);
    return std::stoi(ended.err.substr(ended.err.rfind(' ', end - 1) + 1));
  };
  const std::size_t first = ended.err.find("prompt:");
  const std::size_t second = ended.err.find("prompt:", first + 1);
  ASSERT_NE(second, std::string::npos) << ended.err;
  EXPECT_EQ(number_before(" of them in the cache", first), 0) << ended.err;
  EXPECT_EQ(number_before(" of them in the cache", second), number_before(" tokens, ", first) + 8 - 1) << ended.err;
}

TEST(ChatCommand, AnswersAgainWithAnotherSeed) {
  const std::string one = scratch("seed1.json"), two = scratch("seed2.json"), three = scratch("seed3.json");
  const std::vector<std::string> hot = {"--temp", "3", "--top-k", "0", "--seed", "5"};
  const Finished ended =
      chat_with("Hello\n/save " + one + "\n/regen\n/save " + two + "\n/regen\n/save " + three + "\n", hot);
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(saved_chat(two).size(), 2U);
  EXPECT_NE(answers_in(saved_chat(one)), answers_in(saved_chat(two)));
  EXPECT_NE(answers_in(saved_chat(two)), answers_in(saved_chat(three)));
  std::vector<std::string> next = hot;
  next.back() = "6";
  EXPECT_EQ(chat_with("Hello\n", next).out, answers_in(saved_chat(two))[0] + "\n");
  EXPECT_NE(chat_with("/regen\n").err.find("no message to answer"), std::string::npos);
  EXPECT_NE(chat_with("Hello\n/regen\n", {"--greedy"}).err.find("--temp"), std::string::npos);
}

TEST(ChatCommand, ObeysItsCommands) {
  const std::string path = scratch("commands.json");
  const Finished ended =
      chat_with("/hepl\n/help\n\none\ntwo\nthree\n/drop 2\n/system Be kind\n//x\\\ny\n\"\"\"\n/a\n\"\"\"\n/save " +
                path + "\n/clear\n/save " + scratch("cleared.json") + "\n/save /nowhere/x\n/load " +
                test_data("llama.gguf") + "\n/drop x\n/exit\nnever\n");
  EXPECT_EQ(ended.code, 0) << ended.err;
  for (const char* part : {"did you mean /help?", "/regen  ", "2 turns forgotten, 1 left", "7 messages written",
                           "error: /nowhere/x", "error: " COVEY_TEST_DATA, "a number of turns, not x"}) {
    EXPECT_NE(ended.err.find(part), std::string::npos) << part << "\n" << ended.err;
  }
  const auto messages = saved_chat(path);
  ASSERT_EQ(messages.size(), 7U);
  EXPECT_EQ(messages[0]["content"], "Be kind");
  EXPECT_EQ(messages[1]["content"], "three");
  EXPECT_EQ(messages[3]["content"], "/x\ny");
  EXPECT_EQ(messages[5]["content"], "/a");
  EXPECT_EQ(saved_chat(scratch("cleared.json")).size(), 1U);
}

TEST(ChatCommand, AFullContextHasAWayOut) {
  const Finished ended = chat_with("one\n" + std::string(200, 'x') + "\n/drop\n/stats\ntwo\n/stats\n", {"-c", "128"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.err.find("the context holds 128"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("/drop"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("messages: 0 in 0 turns"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("messages: 2 in 1 turn\n"), std::string::npos) << ended.err;
  const Finished filled = chat_with("one\n/stats\n", {"-c", "96", "-n", "-1", "--ignore-eos"});
  EXPECT_EQ(filled.code, 0) << filled.err;
  EXPECT_NE(filled.err.find("(the context is full"), std::string::npos) << filled.err;
  EXPECT_NE(filled.err.find("96 of 96"), std::string::npos) << filled.err;
}

TEST(ChatCommand, ATemplateThatRefusesIsNoEnd) {
  const Finished ended = chat_with("/system Be kind\none\n/system\none\n", {"--chat-template", "gemma"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  const Finished absent = covey_run({"chat", "-m", test_data("llama.gguf")});
  EXPECT_EQ(absent.code, 1);
  EXPECT_NE(absent.err.find("chatml"), std::string::npos) << absent.err;
}

TEST(ChatCommand, ShowsTheAccountInTheEnd) {
  const Finished ended = chat_with("one\ntwo\n", {"--stats"});
  EXPECT_NE(ended.err.find("TTFT"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("found in the cache"), std::string::npos) << ended.err;
}

// A model that may talk for long.
std::string talkative() {
  const std::string path = scratch("talkative.gguf");
  EXPECT_EQ(covey_run({"synth", path, "--n-embd", "64", "--n-ff", "96", "--n-head", "4", "--n-kv", "2", "--n-ctx",
                       "100000", "-q"})
                .code,
            0);
  return path;
}

std::vector<std::string> endless(const std::string& model) {
  return {"chat", "-m", model, "--chat-template", "chatml", "-c", "100000", "--ignore-eos", "--temp", "5", "-q"};
}

TEST(ChatCommand, AnInterruptEndsTheAnswerOnly) {
  std::vector<std::string> command = endless(talkative());
  command.insert(command.begin(), COVEY_PROGRAM);
  const std::string path = scratch("stopped.json");
  Subprocess chat(command, {.input = "one\n/save " + path + "\n", .out_path = "", .environment = {}});
  ASSERT_TRUE(chat.wait_for_output("a", 60s)) << chat.wait(1s).err;
  ::kill(chat.pid(), SIGINT);
  const Finished ended = chat.wait(60s);
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.err.find("(stopped)"), std::string::npos) << ended.err;
  EXPECT_EQ(answers_in(saved_chat(path))[0] + "\n", ended.out);
}

TEST(ChatCommand, AtATerminal) {
  std::vector<std::string> command = endless(talkative());
  command.insert(command.begin(), COVEY_PROGRAM);
  TerminalProcess chat(command);
  ASSERT_TRUE(chat.wait_for(">>>")) << chat.screen();
  chat.type("gr\xC3\xBC\xC3\x9F\n");
  ASSERT_TRUE(chat.wait_for("a")) << chat.screen();
  chat.type("\x03");
  ASSERT_TRUE(chat.wait_for("(stopped)")) << chat.screen();
  ASSERT_TRUE(chat.wait_for(">>>")) << chat.screen();
  chat.type("half\x03");
  ASSERT_TRUE(chat.wait_for("/exit or Ctrl-D leaves")) << chat.screen();
  ASSERT_TRUE(chat.wait_for(">>>")) << chat.screen();
  const std::string path = scratch("terminal.json");
  chat.type("/save " + path + "\n");
  ASSERT_TRUE(chat.wait_for("2 messages written")) << chat.screen();
  ASSERT_TRUE(chat.wait_for(">>>")) << chat.screen();
  chat.type("\x04");
  EXPECT_EQ(chat.wait(), 0) << chat.screen();
  EXPECT_EQ(saved_chat(path)[0]["content"], "gr\xC3\xBC\xC3\x9F");
}

#ifdef COVEY_WITH_LIBEDIT

TEST(ChatCommand, EditsAndRemembersLines) {
  const std::string history = scratch("history"), path = scratch("edited.json");
  std::filesystem::remove(history);
  std::vector<std::string> command = chat_flags({"--history", history, "-q"});
  command.insert(command.begin(), COVEY_PROGRAM);
  {
    TerminalProcess chat(command);
    ASSERT_TRUE(chat.wait_for(">>>")) << chat.screen();
    chat.type("wxrd\x1b[D\x1b[D\x7Fo\n");
    ASSERT_TRUE(chat.wait_for("no more)")) << chat.screen();
    ASSERT_TRUE(chat.wait_for(">>>")) << chat.screen();
    chat.type("\x04");
    EXPECT_EQ(chat.wait(), 0) << chat.screen();
  }
  TerminalProcess again(command);
  ASSERT_TRUE(again.wait_for(">>>")) << again.screen();
  again.type("\x1b[A");
  ASSERT_TRUE(again.wait_for("word")) << again.screen();
  again.type("s\n");
  ASSERT_TRUE(again.wait_for(">>>")) << again.screen();
  again.type("first\nsecond\n");
  ASSERT_TRUE(again.wait_for("no more)")) << again.screen();
  ASSERT_TRUE(again.wait_for(">>>")) << again.screen();
  again.type("/save " + path + "\n");
  ASSERT_TRUE(again.wait_for("written")) << again.screen();
  again.type("/exit\n");
  EXPECT_EQ(again.wait(), 0) << again.screen();
  const auto messages = saved_chat(path);
  ASSERT_TRUE(messages.is_array()) << again.screen();
  EXPECT_EQ(messages[0]["content"], "words");
  EXPECT_EQ(messages[2]["content"], "first\nsecond") << "pasted together";
}

#else

TEST(ChatCommand, WithoutLibeditThereIsNoHistory) {
  const Finished ended = chat_with("", {"--history", scratch("history")});
  EXPECT_EQ(ended.code, 2);
  EXPECT_NE(ended.err.find("libedit"), std::string::npos) << ended.err;
}

#endif

#ifdef COVEY_WITH_MPI

TEST(MpiChat, IsTheSameOverRanks) {
  const std::string alone = scratch("solo-talk.json");
  chat_with("Hello\nand then?\n/save " + alone + "\n", {"--greedy"});
  for (const std::string mode : {"pipeline", "tensor"}) {
    const std::string path = scratch(mode + "-talk.json");
    const Finished ended =
        mpirun(2, chat_flags({"--greedy", "--mode", mode}),
               {.input = "Hello\nand then?\n/save " + path + "\n", .out_path = "", .environment = {}});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(saved_chat(path), saved_chat(alone)) << mode;
    EXPECT_EQ(ended.out.find('\x1b'), std::string::npos) << mode << ": rank 0's output may look like a terminal";
  }
}

TEST(MpiChat, SelfMoaTalksAlikeOnAnyNumberOfRanks) {
  std::vector<std::string> flags = chat_flags({"--mode", "self-moa", "--proposals", "3", "--temp", "2"});
  const std::string alone = scratch("moa1.json"), together = scratch("moa2.json");
  const std::string input = "Hello\nand then?\n/save ";
  const Finished one = covey_run(flags, {.input = input + alone + "\n", .out_path = "", .environment = {}});
  EXPECT_EQ(one.code, 0) << one.err;
  const Finished two = mpirun(2, flags, {.input = input + together + "\n", .out_path = "", .environment = {}});
  EXPECT_EQ(two.code, 0) << two.err;
  EXPECT_EQ(saved_chat(alone).size(), 4U);
  EXPECT_EQ(saved_chat(together), saved_chat(alone));
}

TEST(MpiChat, AKilledRankEndsTheConversationAndIsNamed) {
  std::vector<std::string> flags = endless(talkative());
  flags.insert(flags.end(), {"--mode", "pipeline", "--timeout", "600"});
  Subprocess job(mpirun_command(2, flags), {.input = "one\ntwo\n", .out_path = "", .environment = mpi_environment()});
  ASSERT_TRUE(job.wait_for_output("a", 60s)) << job.wait(1s).err;
  const std::vector<pid_t> ranks = children_of(job.pid());
  ASSERT_EQ(ranks.size(), 2U);
  ::kill(ranks[1], SIGKILL);
  const Finished ended = job.wait(10s);
  EXPECT_FALSE(ended.timed_out);
  EXPECT_NE(ended.code, 0);
  EXPECT_NE(ended.err.find("rank 1"), std::string::npos) << ended.err;
}

#endif

}  // namespace
}  // namespace covey
