#include "kernels/cpu/isa.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>

#include "covey/error.hpp"
#include "samples.hpp"
#include "tests/error_of.hpp"

namespace covey {
namespace {

/// Sets COVEY_ISA for the life of the object.
class ForcedIsa {
 public:
  explicit ForcedIsa(const char* name) {
    if (const char* before = std::getenv("COVEY_ISA")) before_ = before;
    setenv("COVEY_ISA", name, 1);
  }
  ~ForcedIsa() {
    if (before_.empty()) {
      unsetenv("COVEY_ISA");
    } else {
      setenv("COVEY_ISA", before_.c_str(), 1);
    }
  }
  ForcedIsa(const ForcedIsa&) = delete;
  ForcedIsa& operator=(const ForcedIsa&) = delete;

 private:
  std::string before_;
};

TEST(Isa, ScalarIsTheLastAndAlwaysRuns) {
  EXPECT_EQ(isa_tables().back()->name, "scalar");
  EXPECT_TRUE(isa_tables().back()->runs_here());
}

TEST(Isa, TablesAreCompleteAndNamesDiffer) {
  std::set<std::string_view> names;
  for (const IsaTable* isa : isa_tables()) {
    EXPECT_TRUE(names.insert(isa->name).second) << isa->name;
    for (const PanelMatmul function : isa->matmul) EXPECT_NE(function, nullptr) << isa->name;
    std::vector<KvKernels> kv(isa->kv.begin(), isa->kv.end());
    if (isa->kv_tiles.has_value()) kv.push_back(*isa->kv_tiles);
    for (const KvKernels& kernels : kv) {
      EXPECT_NE(kernels.attend, nullptr) << isa->name;
      EXPECT_NE(kernels.store_key, nullptr) << isa->name;
      EXPECT_NE(kernels.store_value, nullptr) << isa->name;
    }
    EXPECT_NE(isa->join_sums, nullptr) << isa->name;
    EXPECT_TRUE(isa->quantize && isa->rms_norm && isa->add && isa->silu_mul && isa->scale) << isa->name;
    EXPECT_TRUE(isa->layer_norm && isa->sum_squares && isa->scale_by && isa->gelu_mul) << isa->name;
    EXPECT_TRUE(isa->silu && isa->gelu && isa->softcap && isa->softmax) << isa->name;
    EXPECT_TRUE(isa->rope_adjacent && isa->rope_halves) << isa->name;
    EXPECT_TRUE(isa->exponential_sum && isa->to_f16 && isa->from_f16 && isa->to_q8 && isa->from_q8) << isa->name;
  }
}

TEST(Isa, TheFirstThatRunsIsTheDefault) {
  const ForcedIsa none("");
  EXPECT_EQ(&select_isa(""), tables_that_run().front());
}

TEST(Isa, ANameDecides) {
  const ForcedIsa other("no such thing");
  for (const IsaTable* isa : tables_that_run()) EXPECT_EQ(&select_isa(isa->name), isa);
}

TEST(Isa, TheEnvironmentDecidesWhereNoNameDoes) {
  for (const IsaTable* isa : tables_that_run()) {
    const ForcedIsa forced(std::string(isa->name).c_str());
    EXPECT_EQ(&select_isa(""), isa);
  }
}

TEST(Isa, AnUnknownNameGetsTheChoices) {
  const std::string message = error_of([&] { select_isa("mmx"); });
  EXPECT_NE(message.find("\"mmx\" is not known"), std::string::npos) << message;
  for (const IsaTable* isa : tables_that_run()) EXPECT_NE(message.find(isa->name), std::string::npos) << message;

  const ForcedIsa forced("avx9");
  EXPECT_EQ(error_of([&] { select_isa(""); }).find("COVEY_ISA"), 0U) << error_of([&] { select_isa(""); });
  EXPECT_NE(error_of([&] { select_isa(""); }).find("avx9"), std::string::npos) << error_of([&] { select_isa(""); });
}

TEST(Isa, ASetThatDoesNotRunHereSaysSo) {
  for (const IsaTable* isa : isa_tables()) {
    if (isa->runs_here()) continue;
    const std::string message = error_of([&] { select_isa(isa->name); });
    EXPECT_NE(message.find("does not run on this processor"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace covey
