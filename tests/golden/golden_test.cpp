// Whole models against reference logits, on every instruction set that runs here, in one batch and in pieces.
#include "tests/golden/golden.hpp"

#include <gtest/gtest.h>

#include <cstdio>

#include "kernels/cpu/isa.hpp"
#include "model/evaluate.hpp"
#include "model/stage.hpp"
#include "model/synth.hpp"

namespace covey {
namespace {

struct Case {
  std::string isa;
  std::string model;
  std::int32_t batch;
};

std::vector<Case> cases(const std::vector<std::string>& models) {
  std::vector<Case> all;
  for (const IsaTable* table : isa_tables()) {
    if (!table->runs_here()) continue;
    for (const auto& model : models) {
      for (const std::int32_t batch : {1, 7, 256}) all.push_back({std::string(table->name), model, batch});
    }
  }
  return all;
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.isa + "_" + info.param.model + "_" + std::to_string(info.param.batch);
  std::ranges::replace(name, '-', '_');
  return name;
}

std::vector<float> logits_of(const Golden& golden, const Case& c, bool exact, KvChoice kv) {
  StageOptions options;
  options.cpu.isa = c.isa;
  options.cpu.threads = 2;
  options.cpu.exact = exact;
  options.max_tokens = c.batch;
  options.kv = kv;
  const GgufFile file = GgufFile::open(golden.model_path);
  Stage stage(file, options);
  LocalRunner runner(stage);
  return all_logits(runner, golden.tokens);
}

std::span<const float> final_row(const std::vector<float>& logits, std::size_t n_vocab) {
  return std::span(logits).last(n_vocab);
}

void expect_top5(const std::vector<float>& logits, const Golden& golden, double tolerance) {
  const std::size_t n_vocab = golden.last_logits.size();
  ASSERT_EQ(logits.size(), golden.tokens.size() * n_vocab);
  for (std::size_t p = 0; p < golden.top5.size(); ++p) {
    const auto row = std::span(logits).subspan(p * n_vocab, n_vocab);
    const double largest = golden.top5[p].front().second;
    for (const auto& [id, value] : golden.top5[p]) {
      EXPECT_NEAR(row[static_cast<std::size_t>(id)], value, tolerance * largest) << "position " << p;
    }
    EXPECT_EQ(std::ranges::max_element(row) - row.begin(), golden.top5[p].front().first) << "position " << p;
  }
}

class FloatModel : public testing::TestWithParam<Case> {};

TEST_P(FloatModel, GivesTheReferenceLogits) {
  const Golden golden = load_golden(GetParam().model);
  const auto logits = logits_of(golden, GetParam(), false, KvChoice::automatic);
  EXPECT_LE(max_error(final_row(logits, golden.last_logits.size()), golden.last_logits), golden.tolerance);
  expect_top5(logits, golden, golden.tolerance);
}

INSTANTIATE_TEST_SUITE_P(Golden, FloatModel, testing::ValuesIn(cases(float_models())), case_name);

class PackedModel : public testing::TestWithParam<Case> {};

TEST_P(PackedModel, DecodedToF32IsExact) {
  const Golden golden = load_golden(GetParam().model);
  const auto logits = logits_of(golden, GetParam(), true, KvChoice::f32);
  EXPECT_LE(max_error(final_row(logits, golden.last_logits.size()), golden.exact_last_logits), 1e-4);
}

TEST_P(PackedModel, IsAsNearToExactAsTheReference) {
  const Golden golden = load_golden(GetParam().model);
  const auto logits = logits_of(golden, GetParam(), false, KvChoice::automatic);
  const auto exact = logits_of(golden, {GetParam().isa, GetParam().model, 256}, true, KvChoice::f32);
  EXPECT_LE(nmse(logits, exact), 1.2 * golden.reference_nmse) << "all positions";
  // One position alone is off by more or less than all are, the reference's as well.
  EXPECT_LE(nmse(final_row(logits, golden.last_logits.size()), golden.exact_last_logits),
            2.0 * nmse(golden.last_logits, golden.exact_last_logits));
}

INSTANTIATE_TEST_SUITE_P(Golden, PackedModel, testing::ValuesIn(cases(packed_models())), case_name);

/// All logits of a random model whose heads are whole Q8_0 blocks.
std::vector<float> logits_with(KvChoice kv) {
  const std::string path = testing::TempDir() + "covey_golden_kv.gguf";
  SynthOptions shape;
  shape.n_head = 4;
  shape.n_kv = 2;
  write_random_model(path, shape);
  StageOptions options;
  options.kv = kv;
  const GgufFile file = GgufFile::open(path);
  Stage stage(file, options);
  LocalRunner runner(stage);
  std::vector<Token> tokens;
  for (Token t = 0; t < 80; ++t) tokens.push_back(259 + t * 7 % 200);
  auto logits = all_logits(runner, tokens);
  std::remove(path.c_str());
  return logits;
}

TEST(CachedKeysAndValues, F16AndQ8StayNear) {
  const auto exact = logits_with(KvChoice::f32);
  const double f16 = nmse(logits_with(KvChoice::f16), exact);
  const double q8 = nmse(logits_with(KvChoice::q8_0), exact);
  EXPECT_GT(f16, 0.0);
  EXPECT_LT(f16, 1e-6);
  EXPECT_GT(q8, f16);
  EXPECT_LT(q8, 1e-3);
}

}  // namespace
}  // namespace covey
