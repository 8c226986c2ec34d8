// Every architecture and every format over many ranks: the reference logits of solo, in one batch and in pieces.
#include <cstring>

#include "model/evaluate.hpp"
#include "tests/golden/golden.hpp"
#include "tests/mpi/session_ranks.hpp"

namespace covey {
namespace {

struct Case {
  std::string model;
  const char* mode;
  int ranks;
  std::int32_t batch;
};

std::vector<Case> cases(const std::vector<std::string>& models) {
  std::vector<Case> all;
  for (const std::string& model : models) {
    for (const std::int32_t batch : {1, 7, 256}) {
      all.push_back({model, "pipeline", 2, batch});
      for (const int ranks : {2, 3}) all.push_back({model, "tensor", ranks, batch});
    }
  }
  return all;
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const Case& c = info.param;
  std::string name = c.model + "_" + c.mode + std::to_string(c.ranks) + "_" + std::to_string(c.batch);
  std::ranges::replace(name, '-', '_');
  return name;
}

std::vector<float> logits_of(const Golden& golden, const char* mode, int ranks, std::int32_t batch, bool exact) {
  JobOptions job = job_on(golden.model_path);
  job.stage.n_ctx = 0;
  job.stage.max_tokens = batch;
  job.stage.cpu.exact = exact;
  job.stage.kv = exact ? KvChoice::f32 : KvChoice::automatic;
  std::vector<float> logits;
  on_session(mode, ranks, job, [&](Session& session) { logits = all_logits(session.runner(), golden.tokens); });
  return logits;
}

std::vector<float> last_row(const std::vector<float>& logits, const Golden& golden) {
  return {logits.end() - std::ssize(golden.last_logits), logits.end()};
}

class SplitFloatModel : public testing::TestWithParam<Case> {};

TEST_P(SplitFloatModel, GivesTheReferenceLogits) {
  const Case& c = GetParam();
  const Golden golden = load_golden(c.model);
  const auto logits = logits_of(golden, c.mode, c.ranks, c.batch, false);
  ASSERT_EQ(logits.size(), golden.tokens.size() * golden.last_logits.size());
  EXPECT_LE(max_error(last_row(logits, golden), golden.last_logits), golden.tolerance);
  for (std::size_t p = 0; p < golden.top5.size(); ++p) {
    const float* const row = logits.data() + p * golden.last_logits.size();
    const double largest = golden.top5[p].front().second;
    for (const auto& [id, value] : golden.top5[p]) EXPECT_NEAR(row[id], value, golden.tolerance * largest) << p;
  }
  if (std::strcmp(c.mode, "pipeline") == 0) {
    EXPECT_EQ(logits, logits_of(golden, "solo", 1, c.batch, false));
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, SplitFloatModel, testing::ValuesIn(cases(float_models())), case_name);

class SplitPackedModel : public testing::TestWithParam<Case> {};

TEST_P(SplitPackedModel, IsAsNearToExactAsTheReference) {
  const Case& c = GetParam();
  const Golden golden = load_golden(c.model);
  const auto logits = logits_of(golden, c.mode, c.ranks, c.batch, false);
  EXPECT_LE(nmse(logits, logits_of(golden, "solo", 1, 256, true)), 1.2 * golden.reference_nmse) << "all positions";
  EXPECT_LE(max_error(last_row(logits_of(golden, c.mode, c.ranks, c.batch, true), golden), golden.exact_last_logits),
            golden.tolerance);
}

INSTANTIATE_TEST_SUITE_P(Golden, SplitPackedModel, testing::ValuesIn(cases(packed_models())), case_name);

// Several ranks then hold the same KV head, and some no heads at all.
TEST(SplitHeads, MoreRanksThanThereAreHeads) {
  for (const std::string& name : float_models()) {
    const Golden golden = load_golden(name);
    for (const int ranks : {7, 9}) {
      const auto logits = logits_of(golden, "tensor", ranks, 256, false);
      EXPECT_LE(max_error(last_row(logits, golden), golden.last_logits), golden.tolerance) << name << ", " << ranks;
    }
  }
}

// Of a text so long that layers with a window forget blocks of it.
TEST(SplitWindows, ForgetTogether) {
  for (const char* name : {"gemma2", "gemma3"}) {
    Golden golden = load_golden(name);
    for (std::int32_t t = 0; golden.tokens.size() < 200; ++t) golden.tokens.push_back(259 + t * 37 % 41);
    const auto solo = logits_of(golden, "solo", 1, 7, false);
    EXPECT_EQ(logits_of(golden, "pipeline", 2, 7, false), solo) << name;
    EXPECT_LE(max_error(logits_of(golden, "tensor", 3, 7, false), solo), 1e-4) << name;
  }
}

}  // namespace
}  // namespace covey
