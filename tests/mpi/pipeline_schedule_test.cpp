// Pipelines, meshes, wires and schedules: what changes is traffic and time, never the text.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "kernels/shortlist.hpp"
#include "model/evaluate.hpp"
#include "model/perplexity.hpp"
#include "tests/mpi/session_ranks.hpp"

namespace covey {
namespace {

struct Told {
  std::vector<std::vector<Token>> texts;
  std::vector<float> logits;
  std::vector<RankReport> reports;
};

// Five sequences of one prompt, then the logits of a text.
Told tell(const std::string& mode, int ranks, const JobOptions& job, std::int32_t sequences = 5) {
  Told told;
  told.reports = on_session(mode, ranks, job, [&](Session& session) {
    GenerateOptions options = greedy("Once upon a time there was a small bird that lived in an old", 12);
    options.sampling.temperature = 0.7F;
    options.sequences = sequences;
    const Answer answer = session.generate(options, {});
    told.texts.push_back(answer.completion.tokens);
    for (const Completion& other : answer.others) told.texts.push_back(other.tokens);
    std::vector<Token> tokens;
    for (Token t = 0; t < 40; ++t) tokens.push_back((t * 37 + 11) % session.facts().n_vocab);
    told.logits = all_logits(session.runner(), tokens);
  });
  return told;
}

double error_against(const std::vector<float>& values, const std::vector<float>& reference) {
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    error += std::pow(static_cast<double>(values[i]) - reference[i], 2);
    power += std::pow(static_cast<double>(reference[i]), 2);
  }
  return error / power;
}

std::uint64_t bytes_sent(const RankReport& rank, int to, Phase phase) {
  const auto found = rank.sent.find(to);
  return found == rank.sent.end() ? 0 : found->second[static_cast<std::size_t>(phase)].bytes;
}

TEST(Schedules, AndMicroBatchesGiveTheSameTexts) {
  const Told solo = tell("solo", 1, job_on(deep_model(TensorType::q8_0)));
  ASSERT_EQ(solo.texts.size(), 5U);
  EXPECT_NE(solo.texts[0], solo.texts[1]) << "each draws for itself";
  for (const int ranks : {2, 3, 6}) {
    for (const Schedule schedule : {Schedule::plain, Schedule::no_bubble}) {
      for (const std::int32_t micro_batch : {0, 5}) {
        JobOptions job = job_on(deep_model(TensorType::q8_0));
        job.exchange.schedule = schedule;
        job.exchange.micro_batch = micro_batch;
        const Told many = tell("pipeline", ranks, job);
        EXPECT_EQ(many.texts, solo.texts) << ranks << " ranks, pieces of " << micro_batch;
        EXPECT_EQ(many.logits, solo.logits);
        const PhaseTime& decode = many.reports[1].phases[static_cast<std::size_t>(Phase::decode)];
        // Eleven tokens of each of five sequences follow the first; one pass for all of them, or for each stage's
        // share.
        EXPECT_EQ(decode.tokens, 55U);
        EXPECT_EQ(decode.passes,
                  schedule == Schedule::plain ? 11U : 11U * static_cast<std::uint64_t>(std::min(ranks, 5)))
            << ranks;
      }
    }
  }
}

TEST(Hybrid, GivesTheTextsOfSolo) {
  for (const char* model : {"llama.gguf", "qwen2.gguf", "gemma2.gguf"}) {
    const Told solo = tell("solo", 1, job_on(model_file(model)), 2);
    for (const Mesh mesh : {Mesh{1, 2}, Mesh{2, 1}, Mesh{2, 2}, Mesh{3, 2}}) {
      JobOptions job = job_on(model_file(model));
      job.exchange.mesh = mesh;
      const Told many = tell("hybrid", mesh.parts * mesh.stages, job, 2);
      EXPECT_EQ(many.texts, solo.texts) << model << ' ' << mesh.parts << 'x' << mesh.stages;
      EXPECT_LT(error_against(many.logits, solo.logits), 1e-9) << model;
    }
  }
}

TEST(Hybrid, ActivationsStayWithTheirPart) {
  JobOptions job = job_on(deep_model());
  job.exchange.mesh = {2, 2};
  job.exchange.sums = {&find_sum_algorithm("direct")};
  const auto reports = tell("hybrid", 4, job).reports;
  EXPECT_GT(bytes_sent(reports[1], 3, Phase::decode), 0U);
  EXPECT_EQ(bytes_sent(reports[1], 2, Phase::decode), 0U);
  EXPECT_GT(bytes_sent(reports[2], 0, Phase::decode), 0U) << "wanted rows, to the head";
  EXPECT_EQ(bytes_sent(reports[3], 0, Phase::decode) + bytes_sent(reports[3], 1, Phase::decode), 0U);
}

TEST(Hybrid, AMeshMustFit) {
  const auto fails = [](const Mesh& mesh, std::vector<double> shares = {}) {
    JobOptions job = job_on(model_file("llama.gguf"));
    job.exchange.mesh = mesh;
    job.stage.shard.shares = std::move(shares);
    return error_of([&] { on_session("hybrid", 2, job, [](Session&) {}); });
  };
  EXPECT_TRUE(contains(fails({}), "--mesh TxP"));
  EXPECT_TRUE(contains(fails({2, 2}), "--mesh 2x2: takes 4 ranks; there are 2"));
  EXPECT_TRUE(contains(fails({2, 1}, {1, 2}), "--shares: a mesh is split evenly"));
  EXPECT_EQ(parse_mesh("2x3"), (Mesh{2, 3}));
  for (const char* text : {"", "2", "x", "2x", "x2", "0x2", "2x-1", "2x3x4", "2X3", "99999x1"}) {
    EXPECT_TRUE(contains(error_of([&] { parse_mesh(text); }), "--mesh: can't read")) << text;
  }
}

TEST(ExchangeOptions, WhatAModeHasNoUseForIsRefused) {
  const auto fails = [](const char* mode, const std::function<void(ExchangeOptions&)>& change) {
    JobOptions job = job_on(model_file("llama.gguf"));
    change(job.exchange);
    return error_of([&] { on_session(mode, 2, job, [](Session&) {}); });
  };
  const auto wire = [](ExchangeOptions& options) { options.wire = WireType::int8; };
  const auto sums = [](ExchangeOptions& options) { options.sums = {&find_sum_algorithm("ring")}; };
  const auto mesh = [](ExchangeOptions& options) { options.mesh = {1, 2}; };
  const auto plain = [](ExchangeOptions& options) { options.schedule = Schedule::plain; };
  const auto pieces = [](ExchangeOptions& options) { options.micro_batch = 7; };
  EXPECT_TRUE(contains(fails("solo", wire), "--wire: mode solo has no use for it"));
  EXPECT_TRUE(contains(fails("self-moa", wire), "--wire: mode self-moa has no use for it"));
  EXPECT_TRUE(contains(fails("pipeline", sums), "--allreduce: mode pipeline"));
  EXPECT_TRUE(contains(fails("tensor", mesh), "--mesh: mode tensor"));
  EXPECT_TRUE(contains(fails("tensor", plain), "--schedule: mode tensor"));
  EXPECT_TRUE(contains(fails("tensor", pieces), "--micro-batch: mode tensor"));
}

TEST(Wires, SendLessForALittleError) {
  for (const char* mode : {"pipeline", "tensor"}) {
    for (const int ranks : {2, 3}) {
      const auto told = [&](WireType wire) {
        JobOptions job = job_on(deep_model());
        job.exchange.wire = wire;
        if (std::string(mode) == "tensor") job.exchange.sums = {&find_sum_algorithm("direct")};
        return tell(mode, ranks, job, 1);
      };
      const Told whole = told(WireType::f32);
      const Told half = told(WireType::f16);
      const Told byte = told(WireType::int8);
      // From rank 1 nothing goes but activations and partial sums, and to the first of a tensor's parts a shortlist
      // of its share of the vocabulary, 40 tokens unless the sampling says otherwise, for each pass.
      const int to = 2 % ranks;
      const auto decode = [&](const Told& t) {
        const PhaseTime& phase = t.reports[1].phases[static_cast<std::size_t>(Phase::decode)];
        const bool shares_head = std::string(mode) == "tensor" && to == 0;
        const std::uint64_t shortlists = shares_head ? phase.passes * sizeof(float) * shortlist_width(40) : 0;
        return static_cast<double>(bytes_sent(t.reports[1], to, Phase::decode) - shortlists);
      };
      EXPECT_DOUBLE_EQ(decode(half), 0.5 * decode(whole));
      EXPECT_LE(decode(byte), 0.3 * decode(whole));
      EXPECT_LT(error_against(half.logits, whole.logits), 1e-5) << mode;
      EXPECT_LT(error_against(byte.logits, whole.logits), 5e-3) << mode;
    }
  }
}

TEST(Sums, GiveTheSameTextWhicheverWay) {
  const Told solo = tell("solo", 1, job_on(deep_model()), 1);
  for (const SumAlgorithm& sum : sum_algorithms()) {
    for (const int ranks : {2, 3, 5}) {
      JobOptions job = job_on(deep_model());
      job.exchange.sums = {&sum};
      EXPECT_EQ(tell("tensor", ranks, job, 1).texts, solo.texts) << sum.name << " on " << ranks;
    }
  }
}

// A trained model, where it is there.
TEST(Wires, CostLittlePerplexity) {
  const std::string folder = COVEY_REFERENCE_DIR;
  const std::string model = folder + "/models/stories260K.gguf";
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is absent";
  std::ifstream file(COVEY_TEST_DATA "/story.txt", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto perplexity = [&](const char* mode, int ranks, WireType wire, const Mesh& mesh = {}) {
    double value = 0;
    JobOptions job = job_on(model);
    job.stage.max_tokens = 128;
    job.exchange.wire = wire;
    job.exchange.mesh = mesh;
    on_session(mode, ranks, job, [&](Session& session) {
      const auto tokens = session.tokenizer().encode(text, {});
      value = measure_perplexity(session.runner(), tokens, session.tokenizer().bos(), 128).value;
    });
    return value;
  };
  const double solo = perplexity("solo", 1, WireType::f32);
  const auto check = [&](const char* mode, int ranks, const Mesh& mesh) {
    const double half = perplexity(mode, ranks, WireType::f16, mesh) / solo - 1;
    const double byte = perplexity(mode, ranks, WireType::int8, mesh) / solo - 1;
    EXPECT_LT(half, 0.001) << mode << ranks;
    EXPECT_LT(byte, 0.01) << mode << ranks;
    RecordProperty(std::string(mode) + std::to_string(ranks), std::to_string(half) + " " + std::to_string(byte));
  };
  check("tensor", 2, {});
  check("tensor", 4, {});
  check("pipeline", 2, {});
  check("pipeline", 5, {});
  check("hybrid", 4, {2, 2});
}

}  // namespace
}  // namespace covey
