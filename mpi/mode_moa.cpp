// Mixture-of-Agents (Wang et al. 2024, arXiv:2406.04692): layers of models, each of which sees the answers of the layer
// before; the last layer is one model, whose answer counts.
#include <utility>

#include "mpi/collaboration.hpp"
#include "mpi/mode_list.hpp"

namespace covey {

namespace {

void check_moa(const GenerateOptions& options) {
  check_quorum(options);
  if (options.proposals < 1) throw Error("--proposals: moa needs at least 1, not " + std::to_string(options.proposals));
  if (options.layers < 2) {
    throw Error("--layers: " + std::to_string(options.layers) +
                " is too small: one of proposers and one of the aggregator make 2");
  }
}

// What the proposers of a layer are asked: the questions themselves, or what the layer before made of them.
std::vector<FlockQuestion> layer_questions(std::span<const GenerateOptions> questions, std::int32_t layer,
                                           const std::vector<std::vector<std::string>>& before) {
  std::vector<FlockQuestion> asked = as_they_are(questions);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (layer == 0) continue;
    asked[i].proposals = before[i];
    asked[i].options.aggregate_temperature = asked[i].options.sampling.temperature;
    asked[i].first_sample = static_cast<std::uint64_t>(layer) * static_cast<std::uint64_t>(questions[i].proposals);
  }
  return asked;
}

std::vector<Answer> answer_moa(Flock& flock, std::span<const GenerateOptions> questions, const TextSink& sink) {
  const GenerateOptions& options = questions.front();
  const TextSink silent = silent_sink(sink);
  std::vector<Answer> answers(questions.size());
  std::vector<std::vector<std::string>> texts(questions.size());
  for (std::int32_t layer = 0; layer + 1 < options.layers; ++layer) {
    Draw how;
    how.samples = options.proposals;
    how.quorum = options.quorum;
    how.layer = layer;
    how.free = true;
    how.rotates = false;  // which model gives which proposal is part of the recipe
    how.read_ahead = layer == 0;
    Flock::Result drawn = draw(flock, how, layer_questions(questions, layer, texts), silent);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      texts[i] = shown(drawn, i, options.quorum);
      auto& all = answers[i].proposals;
      for (Proposal& proposal : drawn.proposals[i]) all.push_back(std::move(proposal));
    }
    if (drawn.stopped) return stopped(std::move(answers));
  }
  std::vector<FlockQuestion> aggregations;
  for (std::size_t i = 0; i < questions.size(); ++i) aggregations.push_back({questions[i], texts[i], {}, 0});
  write_answers(flock, std::move(aggregations), sink, answers);
  return answers;
}

const Collaboration kMoa{"moa", kMixturePrompt, check_moa, answer_moa, true};

std::unique_ptr<Session> open_moa(Ledger& ledger, const JobOptions& options) {
  return open_flock(ledger, options, kMoa);
}

}  // namespace

const Mode kMoaMode{"moa", "layers of ranks, each with a model of its own, see each other's answers", open_moa};

}  // namespace covey
