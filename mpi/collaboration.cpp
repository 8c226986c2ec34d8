#include "mpi/collaboration.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "mpi/read_ahead.hpp"

namespace covey {

namespace {

// Makes a proposal the answer, and enters when its user saw it.
void choose(Ledger& ledger, Answer& answer, std::int32_t index) {
  answer.chosen = index;
  answer.completion = answer.proposals[static_cast<std::size_t>(index)];
  StreamTimes& stream = ledger.stream(ledger.report().streams.size());
  stream.role = "choice";
  stream.start = ledger.since_start();
  stream.first_token = stream.start;
}

// What a rank had shown of the answer when it was lost is not shown again by the one that takes over. Where that writes
// another text, which takes another model, all of it follows on a line of its own.
class TakenOver {
 public:
  explicit TakenOver(const TextSink& sink) : sink_(sink) {}

  void show(std::string_view text) {
    now_ += text;
    if (!sink_) return;
    std::string piece;
    if (now_.starts_with(before_)) {
      piece = now_.substr(std::max(shown_, before_.size()));
      shown_ = now_.size();
    } else if (!before_.starts_with(now_)) {
      piece = '\n' + now_;
      before_.clear();
      shown_ = now_.size();
    }
    sink_(piece);
  }

  void begin_again() {
    before_ = std::exchange(now_, {});
    shown_ = 0;
  }

 private:
  const TextSink& sink_;
  std::string before_;  // by the rank that is lost
  std::string now_;
  std::size_t shown_ = 0;  // of now_
};

}  // namespace

std::vector<FlockQuestion> as_they_are(std::span<const GenerateOptions> questions) {
  std::vector<FlockQuestion> all;
  for (const GenerateOptions& options : questions) {
    all.emplace_back().options = options;
    if (options.proposal_tokens >= 0) all.back().options.max_tokens = options.proposal_tokens;
  }
  return all;
}

Flock::Result draw(Flock& flock, const Draw& how, std::vector<FlockQuestion> questions, const TextSink& sink) {
  FlockRound round;
  round.task.samples = how.samples;
  round.task.rotates = how.rotates;
  round.task.streams = how.streams;
  round.task.answers = how.streams;
  round.quorum = how.quorum;
  round.layer = how.layer;
  std::optional<ReadAhead> ahead;
  const GenerateOptions& first = questions.front().options;
  if (how.read_ahead && questions.size() == 1 && first.aggregator == 0) {
    const std::int32_t shown_in_all = how.quorum > 0 ? how.quorum : how.samples;
    ahead.emplace(flock.bench(), first, shown_in_all, how.quorum == 0);
    round.arrived = [&](std::size_t, const Proposal& proposal) { ahead->arrived(proposal); };
    if (how.quorum == 0) {
      round.drafted = [&](std::int32_t index, std::string_view text) { ahead->drafted(index, text); };
    }
    round.idle = [&] { return ahead->read(); };
  }
  for (FlockQuestion& question : questions) {
    if (how.free) {
      question.options.sampling.grammar.clear();
      question.options.sampling.json_schema.clear();
    }
  }
  round.task.questions = std::move(questions);
  return flock.draw(std::move(round), sink);
}

std::vector<std::string> shown(const Flock::Result& drawn, std::size_t question, std::int32_t quorum) {
  std::vector<std::string> texts;
  const std::vector<Proposal>& proposals = drawn.proposals[question];
  if (quorum > 0) {
    for (const std::int32_t index : drawn.came[question]) {
      texts.push_back(proposals[static_cast<std::size_t>(index)].text);
    }
    return texts;
  }
  for (const Proposal& proposal : proposals) {
    if (proposal.use == Use::used) texts.push_back(proposal.text);
  }
  return texts;
}

bool write_answers(Flock& flock, std::vector<FlockQuestion> questions, const TextSink& sink,
                   std::vector<Answer>& answers) {
  const std::int32_t wanted = questions.front().options.aggregator;
  std::int32_t aggregator = flock.is_lost(wanted) ? 0 : wanted;
  TakenOver shown(sink);
  const TextSink show = [&](std::string_view text) { shown.show(text); };
  Flock::Result written;
  for (bool done = false; !done;) {
    FlockRound round;
    round.task.members = {aggregator};
    round.task.streams = true;
    round.task.answers = true;
    round.task.questions = questions;
    try {
      written = flock.draw(std::move(round), show);
      done = true;
    } catch (const PeerLost&) {
      if (!flock.is_lost(aggregator)) throw;
      aggregator = 0;
      shown.begin_again();
    }
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    answers[i].completion = std::move(static_cast<Completion&>(written.proposals[i].front()));
  }
  return !written.stopped;
}

std::vector<Answer> with_proposals(Flock::Result&& drawn) {
  std::vector<Answer> answers(drawn.proposals.size());
  for (std::size_t i = 0; i < answers.size(); ++i) answers[i].proposals = std::move(drawn.proposals[i]);
  return answers;
}

std::vector<Answer> stopped(std::vector<Answer> answers) {
  for (Answer& answer : answers) answer.completion.finish = Finish::cancelled;
  return answers;
}

std::vector<Answer> answer_by_choice(Flock& flock, std::span<const GenerateOptions> questions, const TextSink& sink,
                                     const std::function<std::int32_t(std::vector<Proposal>&)>& pick) {
  Draw how;
  how.samples = questions.front().proposals;
  how.quorum = questions.front().quorum;
  Flock::Result drawn = draw(flock, how, as_they_are(questions), sink);
  const bool was_stopped = drawn.stopped;
  std::vector<Answer> answers = with_proposals(std::move(drawn));
  if (was_stopped) return stopped(std::move(answers));
  for (Answer& answer : answers) choose(flock.bench().ledger(), answer, pick(answer.proposals));
  if (sink) sink(answers.front().completion.text);
  return answers;
}

void check_samples(std::string_view mode, const GenerateOptions& options) {
  if (options.proposals < 1) {
    throw Error("--proposals: " + std::string(mode) + " needs at least 1, not " + std::to_string(options.proposals));
  }
  if (options.sampling.greedy()) {
    throw Error("--temp: " + std::string(mode) +
                " draws different proposals from one model, which takes a temperature above 0");
  }
}

void check_quorum(const GenerateOptions& options) {
  if (options.quorum < 0 || options.quorum > options.proposals) {
    throw Error("--quorum: " + std::to_string(options.quorum) + " of " + std::to_string(options.proposals) +
                " proposals: take a number from 1 to --proposals, or 0 to wait for all");
  }
}

}  // namespace covey
