#include "tests/cli/program.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace covey {
namespace {

const std::vector<std::string> kCommands = {"run",   "info",  "tokenize", "perplexity", "logits",
                                            "bench", "synth", "quantize", "table",      "version"};

TEST(Program, HelpNamesCommandsAndModesAndMpirun) {
  const Finished help = covey_run({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.err, "");
  EXPECT_NE(help.out.find("Usage: covey ["), std::string::npos);
  for (const std::string& word : kCommands) EXPECT_NE(help.out.find("\n  " + word), std::string::npos) << word;
  for (const char* word : {"solo", "pipeline", "tensor", "self-moa", "mpirun -np"})
    EXPECT_NE(help.out.find(word), std::string::npos) << word;
}

TEST(Program, EveryCommandHasHelpWithExamples) {
  for (const std::string& command : kCommands) {
    const Finished help = covey_run({command, "--help"});
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_NE(help.out.find("Examples:\n  "), std::string::npos) << command;
    EXPECT_NE(help.out.find("Usage: covey " + command + " ["), std::string::npos) << command;
  }
}

TEST(Program, TellsItsVersion) {
  const Finished flag = covey_run({"--version"});
  EXPECT_EQ(flag.code, 0);
  EXPECT_EQ(flag.out.rfind("covey ", 0), 0U);
  const Finished command = covey_run({"version"});
  EXPECT_EQ(command.code, 0);
  EXPECT_EQ(command.out.rfind(flag.out, 0), 0U) << "the command begins with the same line";
  EXPECT_NE(command.out.find("scalar"), std::string::npos);
  EXPECT_NE(command.out.find("Q4_0"), std::string::npos);
}

TEST(Program, WithoutACommandShowsHelpAndFails) {
  const Finished nothing = covey_run({});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_NE(nothing.out.find("Commands"), std::string::npos);
}

struct WrongUse {
  std::vector<std::string> arguments;
  std::vector<std::string> said;  // all of these are in the message
};

TEST(Program, WrongUseIsNamedWithTheWayOut) {
  const std::string model = test_data("llama.gguf");
  const std::vector<WrongUse> cases = {
      {{"rnu"}, {"'rnu'", "run", "logits"}},
      {{"run", "-m", model, "--moed", "solo"}, {"'--moed'", "--mode?", "covey run --help"}},
      {{"run", "-m", model, "--zzzzzzzzz"}, {"'--zzzzzzzzz'"}},
      {{"run", "-p", "x"}, {"--model"}},
      {{"run", "-m", model, "-p", "x", "--mode", "swarm"},
       {"--mode", "'swarm'", "solo", "pipeline", "tensor", "self-moa"}},
      {{"run", "-m", model, "-p", "x", "--link", "pigeon"}, {"--link", "'pigeon'"}},
      {{"run", "-m", model, "-p", "x", "--isa", "mmx"}, {"--isa", "'mmx'", "scalar"}},
      {{"run", "-m", model, "-p", "x", "--kv", "f8"}, {"--kv", "'f8'", "q8_0"}},
      {{"run", "-m", model, "-p", "x", "-n", "many"}, {"--tokens", "'many'"}},
      {{"run", "-m", model, "-p", "x", "-n", "-2"}, {"--tokens", "'-2'", "-1"}},
      {{"run", "-m", model, "-p", "x", "-n", "1.5"}, {"--tokens", "1.5"}},
      {{"run", "-m", model, "-p", "x", "-t", "0"}, {"--threads", "'0'"}},
      {{"run", "-m", model, "-p", "x", "--temp", "nan"}, {"--temp", "'nan'"}},
      {{"run", "-m", model, "-p", "x", "--temp", "hot"}, {"--temp", "'hot'"}},
      {{"run", "-m", model, "-p", "x", "--top-p", "1.5"}, {"--top-p", "'1.5'"}},
      {{"run", "-m", model, "-p", "x", "--seed", "-1"}, {"--seed", "'-1'"}},
      {{"run", "-m", model, "-p", "x", "--logit-bias", "7"}, {"--logit-bias", "'7'", "TOKEN_ID=NUMBER"}},
      {{"run", "-m", model, "-p", "x", "--shares", "1,-1"}, {"--shares", "'-1'"}},
      {{"run", "-m", model, "-p", "x", "--timeout", "0"}, {"--timeout", "'0'"}},
      {{"run", "-m", model, "-p", "x", "--batch", "0"}, {"--batch", "'0'"}},
      {{"run", "-m", model, "-p", "x", "--stop", ""}, {"--stop"}},
      {{"run", "-m", model, "-p", "x", "-f", "y"}, {"--file", "--prompt"}},
      {{"run", "-m", model, "-p", "x", "--greedy", "--temp", "1"}, {"--greedy", "--temp"}},
      {{"run", "-m", model, "-p", "x", "stray"}, {"'stray'"}},
      {{"run", "-m"}, {"--model"}},
      {{"logits", "-m", model}, {"--tokens"}},
      {{"logits", "-m", model, "--tokens", "1,two"}, {"--tokens", "'two'"}},
      {{"logits", "-m", model, "--tokens", "1,-2"}, {"--tokens", "'-2'"}},
      {{"synth", "out.gguf", "--type", "Q9_9"}, {"--type", "'Q9_9'", "Q4_0"}},
      {{"synth", "out.gguf", "--preset", "huge"}, {"--preset", "'huge'"}},
      {{"synth"}, {"FILE"}},
      {{"info"}, {"FILE"}},
      {{"tokenize", "text"}, {"--model"}},
      {{"tokenize", "-m", model, "--separator", "", "text"}, {"--separator"}},
      {{"table"}, {"FILE"}},
  };
  for (const WrongUse& wrong : cases) {
    const Finished ended = covey_run(wrong.arguments);
    std::string line;
    for (const std::string& word : wrong.arguments) line += word + " ";
    EXPECT_EQ(ended.code, 2) << line << ended.err;
    EXPECT_EQ(ended.out, "") << line;
    EXPECT_EQ(ended.err.rfind("error: ", 0), 0U) << line << ended.err;
    EXPECT_NE(ended.err.find("--help"), std::string::npos) << line << ended.err;
    for (const std::string& part : wrong.said)
      EXPECT_NE(ended.err.find(part), std::string::npos) << line << "lacks " << part << ": " << ended.err;
  }
}

TEST(Program, ColoursNothingThatIsNotATerminal) {
  EXPECT_EQ(covey_run({"rnu"}).err.find('\x1b'), std::string::npos);
  EXPECT_EQ(covey_run({"info", test_data("llama.gguf")}).out.find('\x1b'), std::string::npos);
}

TEST(Program, AFullDiskIsAnError) {
  const std::vector<std::vector<std::string>> all = {{"--help"},
                                                     {"--version"},
                                                     {"version"},
                                                     {"info", test_data("llama.gguf")},
                                                     {"run", "-m", test_data("llama.gguf"), "-p", "a", "-n", "2"},
                                                     {"logits", "-m", test_data("llama.gguf"), "--tokens", "1"}};
  for (const auto& arguments : all) {
    const Finished ended = covey_run(arguments, {.input = "", .out_path = "/dev/full", .environment = {}});
    EXPECT_EQ(ended.code, 1) << arguments[0];
    EXPECT_NE(ended.err.find("standard output"), std::string::npos) << arguments[0] << ended.err;
  }
}

TEST(Program, AReaderThatLeavesEndsItQuietly) {
  Subprocess process({COVEY_PROGRAM, "run", "-m", test_data("llama.gguf"), "-p", "a", "-n", "-1", "--ignore-eos"});
  process.close_output();
  const Finished ended = process.wait(std::chrono::seconds(60));
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.err, "");
}

}  // namespace
}  // namespace covey
