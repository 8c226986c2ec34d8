// Self-MoA-Seq (Li et al. 2025, arXiv:2502.00674): proposals are taken in through a sliding window, with the best
// answer so far in it, so that any number of them fits a short context.
#include <algorithm>
#include <utility>

#include "mpi/collaboration.hpp"
#include "mpi/mode_list.hpp"

namespace covey {

namespace {

void check_self_moa_seq(const GenerateOptions& options) {
  check_samples("self-moa-seq", options);
  check_quorum(options);
  if (options.window < 2) {
    throw Error("--window: " + std::to_string(options.window) +
                " is too small: the answer so far and one proposal take 2");
  }
}

// What the next window shows: first `window` proposals, then one less, since the answer so far is in it.
std::vector<std::string> next_window(const std::vector<std::string>& proposals, std::size_t& done,
                                     std::int32_t window) {
  const std::size_t room = static_cast<std::size_t>(done == 0 ? window : window - 1);
  const std::size_t end = std::min(proposals.size(), done + room);
  std::vector<std::string> texts(proposals.begin() + static_cast<std::ptrdiff_t>(done),
                                 proposals.begin() + static_cast<std::ptrdiff_t>(end));
  done = end;
  return texts;
}

// Window after window, for all questions at once.
void synthesize(Flock& flock, std::span<const GenerateOptions> questions,
                const std::vector<std::vector<std::string>>& proposals, const TextSink& sink, const TextSink& silent,
                std::vector<Answer>& answers) {
  const std::int32_t window = questions.front().window;
  std::vector<std::size_t> done(questions.size(), 0);
  for (bool last = false; !last;) {
    std::vector<std::size_t> places;
    std::vector<FlockQuestion> windows;
    last = true;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      if (done[i] == proposals[i].size()) continue;
      const std::string so_far = done[i] == 0 ? std::string() : answers[i].completion.text;
      windows.push_back({questions[i], next_window(proposals[i], done[i], window), so_far, 0});
      places.push_back(i);
      last = last && done[i] == proposals[i].size();
    }
    std::vector<Answer> written(windows.size());
    const bool went_on = write_answers(flock, std::move(windows), last ? sink : silent, written);
    for (std::size_t i = 0; i < places.size(); ++i) answers[places[i]].completion = std::move(written[i].completion);
    if (!went_on) return;
  }
}

std::vector<Answer> answer_self_moa_seq(Flock& flock, std::span<const GenerateOptions> questions,
                                        const TextSink& sink) {
  const GenerateOptions& options = questions.front();
  Draw how;
  how.samples = options.proposals;
  how.quorum = options.quorum;
  how.free = true;
  const TextSink silent = silent_sink(sink);
  Flock::Result drawn = draw(flock, how, as_they_are(questions), silent);
  std::vector<std::vector<std::string>> proposals;
  for (std::size_t i = 0; i < questions.size(); ++i) proposals.push_back(shown(drawn, i, options.quorum));
  const bool was_stopped = drawn.stopped;
  std::vector<Answer> answers = with_proposals(std::move(drawn));
  if (was_stopped) return stopped(std::move(answers));
  synthesize(flock, questions, proposals, sink, silent, answers);
  return answers;
}

const Collaboration kSelfMoaSeq{"self-moa-seq", kSequentialPrompt, check_self_moa_seq, answer_self_moa_seq};

std::unique_ptr<Session> open_self_moa_seq(Ledger& ledger, const JobOptions& options) {
  return open_flock(ledger, options, kSelfMoaSeq);
}

}  // namespace

const Mode kSelfMoaSeqMode{"self-moa-seq", "as self-moa, a few proposals at a time, with the best answer so far",
                           open_self_moa_seq};

}  // namespace covey
