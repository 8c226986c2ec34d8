#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/program.hpp"

#ifdef COVEY_WITH_YAML

namespace covey {
namespace {

std::string job_file(const std::string& name, const std::string& yaml) {
  std::ofstream(scratch(name)) << yaml;
  return scratch(name);
}

std::string whole_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string small_job() {
  return "title: \"A <small> one\"\nmodels:\n  - {name: tiny, path: " + test_data("llama-q4_0.gguf") +
         "}\nmodes: [solo, {name: votes, mode: vote, options: [--proposals, 3, --temp, 1.5]}]\n"
         "ranks: 1\nlinks: [none, wifi5]\nprompts: [once upon, \"it's\"]\nseeds: [1, 2]\n"
         "options: [-n, 4, --ignore-eos, -t, 1]\n";
}

TEST(Compare, RunsEverySettingOnceAndReports) {
  const std::string job = job_file("small.yaml", small_job());
  const Finished plan = covey_run({"compare", job, "--dry-run"});
  ASSERT_EQ(plan.code, 0) << plan.err;
  EXPECT_EQ(count_of(plan.out, "\n"), 8) << "two modes, prompts, seeds; on one rank no link:\n" << plan.out;
  EXPECT_NE(plan.out.find("--prompt 'it'\\''s'"), std::string::npos) << plan.out;
  const Finished ended = covey_run({"compare", job, "-q"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("votes"), std::string::npos);
  const std::string folder = scratch("small.compare");
  const auto json = parsed(whole_file(folder + "/results.json"));
  ASSERT_EQ(json["results"].size(), 2U);
  EXPECT_EQ(json["results"][0]["runs"], 4);
  EXPECT_GT(json["results"][1]["tokens_per_second"], 0);
  EXPECT_EQ(json["commands"].size(), 8U);
  EXPECT_EQ(count_of(whole_file(folder + "/results.csv"), "\n"), 3);
  const std::string page = whole_file(folder + "/report.html");
  EXPECT_NE(page.find("A &lt;small&gt; one"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos) << "it needs nothing from elsewhere";
  // What is there is not run again: the files of its runs stay as they are.
  const auto first = std::filesystem::directory_iterator(folder + "/runs")->path();
  const auto before = std::filesystem::last_write_time(first);
  ASSERT_EQ(covey_run({"compare", job, "-q"}).code, 0);
  EXPECT_EQ(std::filesystem::last_write_time(first), before);
}

#ifdef COVEY_WITH_MPI

TEST(Compare, ThePageStandsUpToABrowser) {
  const std::string job = job_file("page.yaml", "models:\n  - {name: tiny, path: " + test_data("llama-q4_0.gguf") +
                                                    "}\nmodes: [solo, tensor]\nranks: [1, 2]\nlinks: [none, "
                                                    "1gbe]\nprompts: [once upon]\noptions: [-n, 8, -t, 1]\n");
  const Finished ended = covey_run({"compare", job, "-q"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const std::string file = scratch("page.compare/report.html");
  const std::string page = whole_file(file);
  EXPECT_EQ(count_of(page, "Time line: tensor"), 2);
  EXPECT_EQ(count_of(page, "<figcaption>Time per answer"), 2);
  EXPECT_EQ(count_of(page, "<figcaption>Speed-up"), 1);
  const Finished looked = run({"python3", COVEY_SOURCE_DIR "/tools/check_page.py", file, "--only", "390-dark"});
  if (looked.code == 77 || looked.code == 127) GTEST_SKIP() << "no browser: " << looked.out << looked.err;
  EXPECT_EQ(looked.code, 0) << looked.out << looked.err;
}

#endif

TEST(Compare, AFailedRunIsNamedAndTriedAgain) {
  std::string yaml = small_job();
  yaml.replace(yaml.find("path: "), 6, "path: /nowhere");
  const std::string job = job_file("failing.yaml", yaml);
  for (int turn = 0; turn < 2; ++turn) {
    const Finished ended = covey_run({"compare", job, "-q"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_EQ(count_of(ended.err, "failed: error: /nowhere"), 8) << ended.err;
  }
}

TEST(Compare, SaysWhatIsWrongInAJob) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"models: [", "end of sequence"},
      {"[1]", "a job is a map"},
      {"models: [a.gguf]\nmodes: [solo]\n", "either prompts or questions"},
      {"models: [a.gguf]\nmodes: [swarm]\nprompts: [x]\n", "there is no mode 'swarm'"},
      {"models: [a.gguf]\nmodes: [solo]\nprompts: [x]\nlinks: [pigeon]\n", "pigeon"},
      {"models: [a.gguf]\nmodes: [solo]\nprompts: [x]\nranks: [0]\n", "'0' is not a whole number from 1"},
      {"models: [a.gguf, b/a.gguf]\nmodes: [solo]\nprompts: [x]\n", "two models of the name 'a'"},
      {"models: []\nmodes: [solo]\nprompts: [x]\n", "models must be a list"},
      {"modles: [a]\n", "unknown key 'modles'"}};
  for (const auto& [yaml, message] : wrong) {
    const Finished ended = covey_run({"compare", job_file("wrong.yaml", yaml)});
    EXPECT_EQ(ended.code, 1) << yaml;
    EXPECT_NE(ended.err.find("wrong.yaml:"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find(message), std::string::npos) << yaml << ended.err;
  }
}

}  // namespace
}  // namespace covey

#endif
