#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

Finished bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"bench", "--limit-time", "0", "--limit-memory", "1"});
  return covey_run(arguments);
}

double number(const nlohmann::json& json, const char* key) { return json.at(key).get<double>(); }

// What the fields say of each other, whatever the machine does.
void expect_consistent(const nlohmann::json& result, const nlohmann::json& limits) {
  const auto& fastest =
      limits.at(result.at("isa").get<std::string>()).at(std::to_string(result.at("threads").get<int>()));
  std::vector<double> rates;
  std::vector<double> percents;
  std::size_t reading_binds = 0;
  for (const auto& repetition : result.at("repetitions")) {
    const double seconds = number(repetition, "seconds");
    const auto& limit = repetition.at("limits");
    for (const char* name : {"int8", "fma", "bandwidth"}) EXPECT_LE(number(limit, name), number(fastest, name)) << name;
    const double compute = number(result, "int8_operations") / number(limit, "int8") +
                           number(result, "float_operations") / number(limit, "fma");
    const double reading = number(result, "bytes") / number(limit, "bandwidth");
    rates.push_back(number(result, "tokens") / seconds);
    percents.push_back(100 * std::max(reading, compute) / seconds);
    reading_binds += reading >= compute ? 1 : 0;
  }
  std::ranges::sort(rates);
  std::ranges::sort(percents);
  const double median = number(result, "median_tps");
  EXPECT_NEAR(median, rates[rates.size() / 2], 1e-6 * median);
  EXPECT_NEAR(number(result, "spread"), (rates.back() - rates.front()) / median, 1e-9);
  EXPECT_NEAR(number(result, "percent_of_limit"), percents[percents.size() / 2], 1e-6 * percents.back());
  EXPECT_EQ(result.at("limit") == "bandwidth", 2 * reading_binds > rates.size());
}

TEST(Bench, MeasuresEveryCombination) {
  const Finished ended = bench({"-m", test_data("llama-q4_0.gguf"), "-m", test_data("llama.gguf"), "-p", "40", "-n",
                                "2", "-b", "3", "-d", "0,33", "-t", "1,2", "-r", "3", "--isa", "scalar", "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto json = parsed(ended.out);
  ASSERT_TRUE(json.is_object()) << ended.out;
  EXPECT_EQ(json["limits"].size(), 1U);
  EXPECT_EQ(json["limits"]["scalar"].size(), 2U);
  const auto& results = json["results"];
  ASSERT_EQ(results.size(), 2U * 2 * 4);
  std::vector<std::string> tests;
  for (std::size_t i = 0; i < 4; ++i) tests.push_back(results[i]["test"]);
  EXPECT_EQ(tests, (std::vector<std::string>{"pp40", "tg2x3", "pp40@d33", "tg2x3@d33"}));
  for (const auto& result : results) {
    EXPECT_EQ(result["repetitions"].size(), 3U);
    expect_consistent(result, json["limits"]);
  }
  EXPECT_EQ(results[0]["model"], "llama-q4_0.gguf");
  EXPECT_EQ(results[0]["format"], "Q4_0");
  EXPECT_EQ(results[0]["threads"], 1);
  EXPECT_EQ(results[4]["threads"], 2);
  EXPECT_GT(results[0]["int8_operations"], 0);
  EXPECT_EQ(results[0]["float_operations"], 0);
  EXPECT_EQ(results[8]["model"], "llama.gguf");
  EXPECT_EQ(results[8]["int8_operations"], 0) << "an F32 model";
}

TEST(Bench, CountsThePassesWork) {
  const Finished ended = bench({"-m", test_data("llama-q4_0.gguf"), "-p", "1,2,70", "-n", "1,2", "-b", "1,2", "-d",
                                "0,32", "-r", "1", "-t", "1", "--batch", "35", "--kv", "f16", "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  std::map<std::string, nlohmann::json> by_test;
  const auto json = parsed(ended.out);
  for (const auto& result : json.at("results")) by_test[result.at("test")] = result;
  const auto value = [&](const char* test, const char* key) { return by_test.at(test).at(key).get<std::int64_t>(); };

  // Each token passes the layers; the output matrix once a prompt, and once a generated token.
  const std::int64_t layers = value("pp2", "int8_operations") - value("pp1", "int8_operations");
  const std::int64_t head = value("pp1", "int8_operations") - layers;
  EXPECT_GT(head, 0);
  EXPECT_EQ(value("pp70", "int8_operations"), 70 * layers + head);
  EXPECT_EQ(value("tg2x2", "int8_operations"), 4 * (layers + head));

  // 2 layers, keys and values, 1 KV head of 64, two bytes each.
  constexpr std::int64_t kToken = 2 * 2 * 64 * 2;
  const std::int64_t weights = value("tg1", "bytes") - kToken;
  EXPECT_EQ(value("pp1", "bytes"), weights + kToken);
  EXPECT_EQ(value("tg1x2", "bytes"), weights + 2 * kToken) << "weights are read once for all sequences";
  EXPECT_EQ(value("tg2", "bytes"), 2 * weights + 3 * kToken);
  EXPECT_EQ(value("tg1x2@d32", "bytes"), weights + 34 * kToken) << "a shared prompt is read once";
  const std::int64_t second_pass = value("pp70", "bytes") - weights - (35 + 70) * kToken;
  EXPECT_GT(second_pass, 0) << "a prompt of two pieces reads the layers twice";
  EXPECT_LT(second_pass, weights) << "and the output matrix once";
}

TEST(Bench, PrintsTablesOfAllKinds) {
  const std::vector<std::string> small = {"-m", test_data("llama-q4_0.gguf"), "-p", "4", "-n", "0", "-r", "1", "-t",
                                          "1"};
  const auto with = [&](const std::string& format) {
    std::vector<std::string> arguments = small;
    arguments.insert(arguments.end(), {"--format", format});
    const Finished ended = bench(arguments);
    EXPECT_EQ(ended.code, 0) << ended.err;
    return ended.out;
  };
  const std::string table = with("table");
  for (const char* part : {"int8 Gop/s", "read GB/s", "tokens/s", "spread", "% of limit", "pp4", "llama-q4_0.gguf"}) {
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
  }
  EXPECT_EQ(count_of(with("markdown"), "\n|--"), 2) << "two tables";
  const std::string csv = with("csv");
  EXPECT_EQ(count_of(csv, "\n"), 2) << csv;
  EXPECT_TRUE(csv.starts_with("model,format,isa,threads,test,median_tps,spread,limit,percent_of_limit\n")) << csv;
  EXPECT_NE(csv.find("\nllama-q4_0.gguf,Q4_0,"), std::string::npos) << csv;
  EXPECT_TRUE(parsed(with("json")).is_object());
}

TEST(Bench, QuotesWhatCsvSeparatesBy) {
  const std::string path = scratch("a, \"b\".gguf");
  std::filesystem::copy_file(test_data("llama-q4_0.gguf"), path);
  const Finished ended = bench({"-m", path, "-p", "2", "-n", "0", "-r", "1", "-t", "1", "--format", "csv"});
  EXPECT_NE(ended.out.find("\n\"a, \"\"b\"\".gguf\",Q4_0,"), std::string::npos) << ended.out;
}

TEST(Bench, MeasuresTheLimitsAlone) {
  const Finished ended = bench({"--limits", "-t", "1,2", "--isa", "scalar", "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto json = parsed(ended.out);
  EXPECT_TRUE(json["results"].empty());
  for (const char* threads : {"1", "2"}) {
    for (const char* limit : {"int8", "fma", "bandwidth"}) {
      EXPECT_GT(json["limits"]["scalar"][threads][limit].get<double>(), 0) << threads << limit;
    }
  }
}

TEST(Bench, SavesTheJsonBesideTheTable) {
  const std::string path = scratch("bench.json");
  const Finished ended =
      bench({"-m", test_data("llama-q4_0.gguf"), "-p", "2", "-n", "0", "-r", "1", "-t", "1", "--save", path});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("tokens/s"), std::string::npos);
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(parsed(text.str())["results"].size(), 1U);
}

TEST(Bench, RefusesWhatMakesNoSense) {
  const std::string model = test_data("llama-q4_0.gguf");
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{}, "--model"},
      {{"-m", model, "-p", "0", "-n", "0"}, "no tests"},
      {{"-m", model, "-p", "-1"}, "'-1'"},
      {{"-m", model, "-p", "4x"}, "'4x'"},
      {{"-m", model, "-b", "0"}, "'0'"},
      {{"-m", model, "-b", "9", "--batch", "8"}, "--batch"},
      {{"-m", model, "-r", "0"}, "'0'"},
      {{"-m", model, "-t", "0"}, "'0'"},
      {{"-m", model, "--isa", "mmx"}, "mmx"},
      {{"-m", model, "--kv", "q4_0"}, "q4_0"},
      {{"-m", model, "--format", "xml"}, "xml"},
      {{"-m", model, "--prefil", "4"}, "--prefill"},
  };
  for (const auto& [arguments, part] : wrong) {
    const Finished ended = bench(arguments);
    EXPECT_EQ(ended.code, 2) << part;
    EXPECT_EQ(ended.out, "") << part;
    EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err;
  }
  const Finished absent = bench({"-m", scratch("absent.gguf"), "-t", "1"});
  EXPECT_EQ(absent.code, 1);
  EXPECT_NE(absent.err.find("absent.gguf"), std::string::npos) << absent.err;
}

}  // namespace
}  // namespace covey
