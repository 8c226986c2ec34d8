// Models of several files, and adapters, on many ranks.
#include "mpi/loaded_model.hpp"

#include "model/evaluate.hpp"
#include "tests/golden/golden.hpp"
#include "tests/model/made_lora.hpp"
#include "tests/mpi/session_ranks.hpp"
#include "third_party_free_formats/gguf_split.hpp"

namespace covey {
namespace {

struct Loading {
  const char* mode;
  int ranks;
};
constexpr Loading kLoadings[] = {{"solo", 1}, {"pipeline", 2}, {"tensor", 2}, {"tensor", 3}};

const std::vector<Token> kLoadedText = {1, 290, 17, 259, 298, 42, 265, 271};

std::vector<float> loaded_logits(const Loading& loading, const JobOptions& job) {
  std::vector<float> logits;
  on_session(loading.mode, loading.ranks, job,
             [&](Session& session) { logits = all_logits(session.runner(), kLoadedText); });
  return logits;
}

JobOptions job_with(const std::string& model, const std::vector<LoraAdapter>& adapters = {}) {
  JobOptions job = job_on(model);
  job.stage.n_ctx = 0;
  job.stage.cpu.blas = false;
  job.stage.lora = adapters;
  return job;
}

TEST(LoadedModel, OfSeveralFilesGivesTheBitsOfOne) {
  for (const char* name : {"llama-q4_0.gguf", "mixtral.gguf"}) {
    const std::filesystem::path folder =
        std::filesystem::path(testing::TempDir()) / ("covey_parts_" + std::to_string(getpid()));
    std::filesystem::create_directory(folder);
    const auto parts = write_split(GgufFile::open(model_file(name)), folder / "model", {.bytes = 0, .tensors = 5});
    ASSERT_GT(parts.size(), 3U);
    for (const Loading& loading : kLoadings) {
      EXPECT_EQ(loaded_logits(loading, job_with(parts[0])), loaded_logits(loading, job_with(model_file(name))))
          << name << " " << loading.mode;
      const auto text = [&](const std::string& path) {
        std::string answer;
        on_session(loading.mode, loading.ranks, job_with(path), [&](Session& session) {
          answer = session.generate(greedy("Once upon a time", 20), {}).completion.text;
        });
        return answer;
      };
      EXPECT_EQ(text(parts[1]), text(model_file(name))) << name << " " << loading.mode;
    }
    std::filesystem::remove_all(folder);
  }
}

TEST(LoadedModel, AdaptersAreMergedIntoEveryShard) {
  for (const char* name : {"llama", "mixtral", "phi3"}) {
    EditedModel model(name);
    const std::string path = model_file(name) + ".gguf";
    MadeLora lora(std::get<std::string>(model.metadata.at("general.architecture")));
    adapt_all(lora, GgufFile::open(path), 4);
    const JobOptions job = job_with(path, {lora.at(0.5F)});
    lora.merge_into(model, 0.5);
    const GgufFile merged = model.open();
    const std::vector<float> expected = loaded_logits(kLoadings[0], job_with(merged.path()));
    for (const Loading& loading : kLoadings) {
      EXPECT_LE(max_error(loaded_logits(loading, job), expected), 1e-4) << name << " " << loading.mode;
    }
  }
}

// What is cut out of a merged matrix has its bits, also where it was quantized again.
TEST(LoadedModel, AdaptedPipelinesGiveTheBitsOfSolo) {
  const std::string path = model_file("llama-q4_0.gguf");
  MadeLora lora;
  adapt_all(lora, GgufFile::open(path), 4);
  const JobOptions job = job_with(path, {lora.at()});
  const std::vector<float> solo = loaded_logits({"solo", 1}, job);
  EXPECT_EQ(loaded_logits({"pipeline", 2}, job), solo);
  EXPECT_LE(nmse(loaded_logits({"tensor", 3}, job), solo), 1e-3);
}

TEST(LoadedModel, OtherAdaptersAreRefused) {
  const std::string path = model_file("llama.gguf");
  MadeLora lora;
  adapt_all(lora, GgufFile::open(path), 4);
  const JobOptions job = job_with(path, {lora.at()});
  for (const std::vector<LoraAdapter>& odd : {std::vector<LoraAdapter>{}, {{job.stage.lora[0].path, 0.5F}}}) {
    const std::string message = error_of([&] {
      run_ranks(3, [&](Transport& transport) {
        Ledger ledger(transport);
        find_mode("tensor").open(ledger, transport.rank() == 2 ? job_with(path, odd) : job);
      });
    });
    EXPECT_TRUE(contains(message, "rank 2 merges other adapters than rank 0"));
  }
}

}  // namespace
}  // namespace covey
