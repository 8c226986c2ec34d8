#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

Finished generate(std::vector<std::string> more, const std::string& input = "") {
  more.insert(more.begin(), {"run", "-m", test_data("llama.gguf"), "-n", "12", "--ignore-eos"});
  return covey_run(more, {.input = input, .out_path = "", .environment = {}});
}

std::string text_of(const nlohmann::json& run) { return run["text"].get<std::string>() + "\n"; }

TEST(Run, TakesThePromptFromOptionFileOrStandardInput) {
  const Finished option = generate({"-p", "once upon", "--greedy"});
  ASSERT_EQ(option.code, 0) << option.err;
  EXPECT_EQ(option.err, "");
  EXPECT_EQ(option.out.back(), '\n');
  std::ofstream(scratch("prompt.txt")) << "once upon\n";
  EXPECT_EQ(generate({"-f", scratch("prompt.txt"), "--greedy"}).out, option.out);
  EXPECT_EQ(generate({"--greedy"}, "once upon").out, option.out);
  EXPECT_EQ(generate({"--greedy"}, "once upon\n").out, option.out) << "the newline at the end is not the prompt's";
}

TEST(Run, AsJsonTellsEverything) {
  const Finished ended = generate({"-p", "once upon", "--greedy", "--json", "--logprobs"});
  const auto json = parsed(ended.out);
  ASSERT_TRUE(json.is_object()) << ended.out << ended.err;
  EXPECT_EQ(text_of(json), generate({"-p", "once upon", "--greedy"}).out);
  EXPECT_EQ(json["mode"], "solo");
  EXPECT_EQ(json["model"], test_data("llama.gguf"));
  EXPECT_EQ(json["finish"], "max_tokens");
  EXPECT_EQ(json["tokens"].size(), 12U);
  EXPECT_EQ(json["logprobs"].size(), 12U);
  for (const auto& logprob : json["logprobs"]) EXPECT_LE(logprob.get<double>(), 0);
  EXPECT_EQ(json["proposals"].size(), 0U);
  EXPECT_GT(json["prompt_tokens"], 1);
  const auto& summary = json["summary"];
  EXPECT_EQ(summary["ranks"], 1);
  EXPECT_EQ(summary["generated_tokens"], 12);
  EXPECT_EQ(summary["messages"], 0);
  EXPECT_EQ(summary["bytes"], 0);
  EXPECT_GT(summary["ttft_seconds"], 0);
  EXPECT_GT(summary["tokens_per_second"], 0);
  EXPECT_GT(summary["peak_rss_bytes"], 0);
  ASSERT_EQ(json["ranks"].size(), 1U);
  EXPECT_EQ(json["ranks"][0]["streams"][0]["tokens"].size(), 12U);
  EXPECT_GT(json["ranks"][0]["phases"]["decode"]["compute"], 0);
}

TEST(Run, ShowsTheAccountOnStandardError) {
  const Finished ended = generate({"-p", "once upon", "--greedy", "--stats"});
  EXPECT_EQ(ended.out, generate({"-p", "once upon", "--greedy"}).out);
  for (const char* part : {"TTFT", "ITL", "tokens/s", "prefill", "decode", "memory", "12 tokens"}) {
    EXPECT_NE(ended.err.find(part), std::string::npos) << part << "\n" << ended.err;
  }
}

TEST(Run, SavesTheJsonBesideTheText) {
  const std::string path = scratch("saved.json");
  const Finished ended = generate({"-p", "once upon", "--greedy", "--save", path});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(text_of(nlohmann::json::parse(std::ifstream(path))), ended.out);
  const Finished full = generate({"-p", "once upon", "--save", "/dev/full"});
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.err.find("/dev/full"), std::string::npos) << full.err;
}

TEST(Run, SamplingIsOfTheSeed) {
  const auto drawn = [](const std::string& seed) {
    return generate({"-p", "once", "--temp", "2", "--seed", seed}).out;
  };
  EXPECT_EQ(drawn("1"), drawn("1"));
  EXPECT_NE(drawn("1"), drawn("2"));
}

TEST(Run, EveryFlagOfTheSamplerReachesIt) {
  const std::string greedy = generate({"-p", "once", "--greedy"}).out;
  EXPECT_EQ(generate({"-p", "once", "--temp", "0"}).out, greedy);
  EXPECT_EQ(generate({"-p", "once", "--temp", "5", "--top-k", "1"}).out, greedy);
  EXPECT_EQ(generate({"-p", "once", "--temp", "5", "--top-k", "0", "--top-p", "0.000001"}).out, greedy);
  EXPECT_EQ(generate({"-p", "once", "--temp", "5", "--top-k", "0", "--min-p", "1"}).out, greedy);
  const auto json = parsed(generate({"-p", "once", "--greedy", "--json"}).out);
  const std::string first = std::to_string(json["tokens"][0].get<int>());
  const auto biased = parsed(
      generate({"-p", "once", "--greedy", "--json", "--logit-bias", first + "=-100", "--logit-bias", "40=200"}).out);
  EXPECT_EQ(biased["tokens"], nlohmann::json(std::vector<int>(12, 40)));
  const auto penalised = [](const std::string& flag, const std::string& value) {
    return parsed(
        generate({"-p", "once", "--greedy", "--json", "--logit-bias", "40=30", flag, value, "--penalty-window", "-1"})
            .out)["tokens"];
  };
  for (const std::string flag : {"--presence-penalty", "--frequency-penalty", "--repeat-penalty"}) {
    EXPECT_NE(penalised(flag, "100"), nlohmann::json(std::vector<int>(12, 40))) << flag;
  }
}

TEST(Run, StopsBeforeAText) {
  const std::string whole = generate({"-p", "once", "--greedy"}).out;
  // Some letters from the middle of what would come.
  std::size_t at = whole.size() / 2;
  while (at < whole.size() &&
         (static_cast<unsigned char>(whole[at]) >= 0x80 || static_cast<unsigned char>(whole[at + 1]) >= 0x80))
    ++at;
  const std::string stop = whole.substr(at, 2);
  const auto json = parsed(generate({"-p", "once", "--greedy", "--stop", stop, "--json"}).out);
  EXPECT_EQ(json["finish"], "stop_string");
  EXPECT_EQ(json["text"], whole.substr(0, whole.find(stop)));
}

TEST(Run, APromptOverTheContextIsRefusedWithTheNumbers) {
  const std::string prompt(600, 'x');
  const Finished ended = generate({"-p", prompt, "--ctx", "64"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.out, "");
  EXPECT_NE(ended.err.find("64"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("context"), std::string::npos) << ended.err;
}

TEST(Run, ATruncatedFileIsRefusedByName) {
  const std::string cut = scratch("cut.gguf");
  std::filesystem::copy_file(test_data("llama.gguf"), cut, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) - 1000);
  const Finished ended = covey_run({"run", "-m", cut, "-p", "x"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.err.find(cut), std::string::npos) << ended.err;
}

TEST(Run, SelfMoaAloneShowsItsProposals) {
  const std::string model = scratch("roomy.gguf");
  ASSERT_EQ(covey_run({"synth", model, "--n-layer", "1", "--n-ctx", "4096", "-q"}).code, 0);
  const Finished ended = covey_run({"run", "-m", model, "-p", "once", "-n", "12", "--ignore-eos", "--mode", "self-moa",
                                    "--proposals", "3", "--proposal-tokens", "5", "--json", "--verbose"});
  const auto json = parsed(ended.out);
  ASSERT_TRUE(json.is_object()) << ended.err;
  ASSERT_EQ(json["proposals"].size(), 3U);
  for (const auto& proposal : json["proposals"]) EXPECT_EQ(proposal["tokens"].size(), 5U);
  EXPECT_EQ(count_of(ended.err, "proposal "), 3) << ended.err;
}

class RunInterrupted : public testing::Test {
 protected:
  // A run that would take minutes.
  static std::vector<std::string> endless() {
    const std::string model = scratch("endless.gguf");
    EXPECT_EQ(covey_run({"synth", model, "--n-ctx", "100000", "--quiet"}).code, 0);
    return {COVEY_PROGRAM, "run",   "-m",     model,          "-p",     "once", "-n",
            "-1",          "--ctx", "100000", "--ignore-eos", "--temp", "5"};
  }
};

TEST_F(RunInterrupted, EndsTheTextWhereItIs) {
  Subprocess process(endless());
  ASSERT_TRUE(process.wait_for_output("a", std::chrono::seconds(60)));
  ::kill(process.pid(), SIGINT);
  const Finished ended = process.wait(std::chrono::seconds(30));
  EXPECT_EQ(ended.code, 130);
  EXPECT_EQ(ended.err, "");
  EXPECT_EQ(ended.out.back(), '\n');
}

TEST_F(RunInterrupted, PutsTheTextSoFarInTheJson) {
  std::vector<std::string> command = endless();
  command.emplace_back("--json");
  Subprocess process(command);
  // Loading this model takes a small part of that.
  while (cpu_seconds(process.pid()) < 1.5) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ::kill(process.pid(), SIGINT);
  const Finished ended = process.wait(std::chrono::seconds(30));
  EXPECT_EQ(ended.code, 130);
  const auto json = parsed(ended.out);
  ASSERT_TRUE(json.is_object()) << ended.out;
  EXPECT_EQ(json["finish"], "interrupted");
  EXPECT_NE(json["text"], "");
}

}  // namespace
}  // namespace covey
