#include <gtest/gtest.h>

#include <string>

#include "tests/cli/program.hpp"

namespace covey {
namespace {

TEST(Doctor, KnowsThisMachine) {
  const Finished ended = covey_run({"doctor", "-m", test_data("llama.gguf"), "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto checkup = parsed(ended.out);
  ASSERT_EQ(checkup["ranks"].size(), 1U);
  EXPECT_GT(checkup["ranks"][0]["cores"].get<int>(), 0);
  EXPECT_EQ(checkup["ranks"][0]["model_hash"].get<std::string>().size(), 16U);
  EXPECT_TRUE(checkup["links"].empty());
  EXPECT_NE(covey_run({"doctor"}).out.find("the ranks can work together"), std::string::npos);
}

TEST(Doctor, NamesTheInstructionSetThatIsForced) {
  const auto isa = [](const std::string& forced) {
    const Finished ended =
        covey_run({"doctor", "--json"}, {.input = "", .out_path = "", .environment = {{"COVEY_ISA", forced}}});
    return ended.code == 0 ? parsed(ended.out)["ranks"][0]["isa"].get<std::string>() : ended.err;
  };
  EXPECT_EQ(isa("scalar"), "scalar");
  EXPECT_NE(isa("abacus").find("\"abacus\" is not known to this build"), std::string::npos);
}

TEST(Doctor, AnUnreadableModelIsAProblem) {
  const Finished ended = covey_run({"doctor", "-m", scratch("absent.gguf")});
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.out.find("problem: rank 0 on "), std::string::npos) << ended.out;
}

#ifdef COVEY_WITH_MPI
TEST(Doctor, MeasuresAllPairsOfRanks) {
  const Finished ended = mpirun(3, {"doctor", "--link", "custom:latency=1ms", "--json"});
  const auto checkup = parsed(ended.out);
  ASSERT_TRUE(checkup.is_object()) << ended.out << ended.err;
  EXPECT_EQ(checkup["ranks"].size(), 3U);
  EXPECT_EQ(checkup["links"].size(), 6U);
  for (const auto& link : checkup["links"]) EXPECT_GE(link["latency_seconds"].get<double>(), 1e-3);
  EXPECT_TRUE(checkup["problems"].empty()) << ended.out;
}
#endif

}  // namespace
}  // namespace covey
