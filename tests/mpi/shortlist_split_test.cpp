// Draws from shortlists where a model is split over ranks, on a CPU or on a GPU beside one.
#include "tests/kernels/vulkan_test_device.hpp"
#include "tests/model/drawn_twice.hpp"
#include "tests/mpi/session_ranks.hpp"

namespace covey {
namespace {

/// The first rank computes on `gpu` where that is given.
void expect_shortlists_change_nothing_in(const char* mode, const std::optional<VulkanOptions>& gpu, float tolerance) {
  const std::string path = model_file("llama.gguf");
  const GgufFile file = GgufFile::open(path);
  const auto tokenizer = Tokenizer::from_gguf(file);
  JobOptions job = job_on(path);
  job.stage.max_tokens = 4;
  run_ranks(2, [&](Transport& transport) {
    Ledger ledger(transport);
    JobOptions mine = job;
    if (transport.rank() == 0) mine.stage.vulkan = gpu;
    const auto session = find_mode(mode).open(ledger, mine);
    if (transport.rank() != 0) return session->serve();
    expect_shortlists_change_nothing(session->runner(), *tokenizer, tolerance);
    session->close();
  });
}

class ShortlistSplit : public testing::TestWithParam<const char*> {};
class VulkanShortlistSplit : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Modes, ShortlistSplit, testing::Values("tensor", "pipeline"),
                         [](const auto& info) { return std::string(info.param); });
INSTANTIATE_TEST_SUITE_P(Modes, VulkanShortlistSplit, testing::Values("tensor", "pipeline"),
                         [](const auto& info) { return std::string(info.param); });

// Parts that share the head add up exponentials in another order than one that has all logits.
TEST_P(ShortlistSplit, ChangesNothing) {
  const bool shares_head = std::string(GetParam()) == "tensor";
  expect_shortlists_change_nothing_in(GetParam(), {}, shares_head ? 1e-6F : 0.0F);
}

TEST_P(VulkanShortlistSplit, ChangesNothing) {
  if (!have_vulkan()) GTEST_SKIP() << why_no_vulkan();
  expect_shortlists_change_nothing_in(GetParam(), vulkan_test_options(), 1e-5F);
}

}  // namespace
}  // namespace covey
