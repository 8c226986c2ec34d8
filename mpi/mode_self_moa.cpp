// Self-MoA (Li et al. 2025, arXiv:2502.00674): several proposals drawn from one model, then one answer from all of
// them. Each rank holds a whole model; only text travels.
#include <utility>

#include "mpi/collaboration.hpp"
#include "mpi/mode_list.hpp"

namespace covey {

namespace {

void check_self_moa(const GenerateOptions& options) {
  check_samples("self-moa", options);
  check_quorum(options);
  if (options.backup && options.quorum > 0) {
    throw Error("--backup: with --quorum nobody waits for slow ranks: leave one of the two out");
  }
  if (options.backup && options.aggregator != 0) {
    throw Error("--backup: how far ranks are is known where rank 0 writes the answer only: leave --aggregator out");
  }
}

void check_backup(const Flock& flock, std::span<const GenerateOptions> questions) {
  if (!questions.front().backup) return;
  if (questions.size() > 1) throw Error("--backup: takes one question at a time: leave it out");
  if (!flock.bench().model().alike) {
    throw Error(
        "--backup: ranks compute on devices, or with instruction sets or numbers of threads, that differ, so that "
        "a text would depend on who is faster: leave it out");
  }
}

std::vector<Answer> answer_self_moa(Flock& flock, std::span<const GenerateOptions> questions, const TextSink& sink) {
  check_backup(flock, questions);
  const GenerateOptions& options = questions.front();
  Draw how;
  how.samples = options.proposals;
  how.quorum = options.quorum;
  how.free = true;
  how.read_ahead = true;
  const TextSink silent = silent_sink(sink);
  Flock::Result drawn = draw(flock, how, as_they_are(questions), silent);
  std::vector<FlockQuestion> aggregations;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    aggregations.push_back({questions[i], shown(drawn, i, options.quorum), {}, 0});
  }
  const bool was_stopped = drawn.stopped;
  std::vector<Answer> answers = with_proposals(std::move(drawn));
  if (was_stopped) return stopped(std::move(answers));
  write_answers(flock, std::move(aggregations), sink, answers);
  return answers;
}

const Collaboration kSelfMoa{"self-moa", kSelfMoaPrompt, check_self_moa, answer_self_moa};

std::unique_ptr<Session> open_self_moa(Ledger& ledger, const JobOptions& options) {
  return open_flock(ledger, options, kSelfMoa);
}

}  // namespace

const Mode kSelfMoaMode{"self-moa", "every rank proposes answers of the whole model, one of them makes one of all",
                        open_self_moa};

}  // namespace covey
