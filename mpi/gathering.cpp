#include "mpi/gathering.hpp"

#include <algorithm>
#include <utility>

namespace covey {

Gathering::Gathering(const FlockRound& round, Lost lost)
    : round_(round), lost_(std::move(lost)), proposals_(round.task.questions.size()) {
  const FlockTask& task = round.task;
  came_.resize(proposals_.size());
  drafted_.resize(static_cast<std::size_t>(task.samples));
  works_.resize(static_cast<std::size_t>(*std::ranges::max_element(task.members)) + 1);
  for (std::size_t question = 0; question < proposals_.size(); ++question) {
    proposals_[question].resize(static_cast<std::size_t>(task.samples));
    for (const std::int32_t rank : task.members) {
      const Range samples = samples_of(task, question, rank);
      for (std::int32_t i = samples.first; i < samples.last; ++i) {
        Proposal& proposal = at(static_cast<std::int32_t>(question), i);
        proposal.index = i;
        proposal.layer = round.layer;
        proposal.rank = rank;
      }
    }
  }
}

bool Gathering::arrive(std::int32_t question, std::int32_t index, std::int32_t rank, Completion&& completion) {
  if (question >= static_cast<std::int32_t>(proposals_.size()) || index >= round_.task.samples) return false;
  Proposal& proposal = at(question, index);
  const Copy* const copy = question == 0 ? copy_with(index) : nullptr;
  const bool is_copy = copy != nullptr && copy->rank == rank;
  if (!is_copy && (copy != nullptr ? copy->owner : proposal.rank) != rank) return false;
  if (proposal.finish != Finish::running) return copy != nullptr;  // the other was faster
  const bool cancelled = completion.finish == Finish::cancelled;
  static_cast<Completion&>(proposal) = std::move(completion);
  proposal.rank = rank;
  const bool in_time = !cancelled && !full(static_cast<std::size_t>(question));
  proposal.use = in_time ? Use::used : Use::late;
  if (copy != nullptr) stops_.push_back(is_copy ? Stop{copy->owner, job(), index} : Stop{copy->rank, copy->job, 0});
  if (!in_time) return true;
  came_[static_cast<std::size_t>(question)].push_back(index);
  if (round_.arrived) round_.arrived(static_cast<std::size_t>(question), proposal);
  return true;
}

bool Gathering::draft(std::int32_t index, std::int32_t rank, std::string_view added) {
  if (!round_.drafted || index >= round_.task.samples) return false;
  const Copy* const copy = copy_with(index);
  const Proposal& proposal = first_at(index);
  if ((copy != nullptr ? copy->owner : proposal.rank) != rank) return false;
  if (proposal.finish != Finish::running) return copy != nullptr;
  drafted_[static_cast<std::size_t>(index)] += added.size();
  round_.drafted(index, added);
  return true;
}

bool Gathering::full(std::size_t question) const {
  return round_.quorum > 0 && std::ssize(came_[question]) >= round_.quorum;
}

bool Gathering::full() const {
  for (std::size_t question = 0; question < came_.size(); ++question) {
    if (!full(question)) return false;
  }
  return true;
}

bool Gathering::complete() const {
  for (std::size_t question = 0; question < proposals_.size(); ++question) {
    for (const Proposal& one : proposals_[question]) {
      const Copy* const copy = question == 0 ? copy_with(one.index) : nullptr;
      const bool comes = draws(one.rank) || (copy != nullptr && draws(copy->rank));
      if (one.finish == Finish::running && comes) return false;
    }
  }
  return true;
}

std::vector<std::vector<Proposal>> Gathering::take() {
  for (auto& of_question : proposals_) {
    for (Proposal& proposal : of_question) {
      if (proposal.finish != Finish::running) continue;
      proposal.finish = Finish::cancelled;
      proposal.use = draws(proposal.rank) ? Use::late : Use::lost;
    }
  }
  return std::move(proposals_);
}

bool Gathering::draws(std::int32_t rank) const {
  return !lost_(rank) && std::ranges::find(failed_, rank) == failed_.end();
}

// -- Copies -----------------------------------------------------------------------------------------------------------

const Gathering::Copy* Gathering::copy_with(std::int32_t index) const {
  const auto found = std::ranges::find(copies_, index, &Copy::index);
  return found == copies_.end() ? nullptr : &*found;
}

const Gathering::Copy* Gathering::copy_of(std::uint64_t job) const {
  const auto found = std::ranges::find(copies_, job, &Copy::job);
  return found == copies_.end() ? nullptr : &*found;
}

void Gathering::copied(std::uint64_t job, std::int32_t rank, std::int32_t index, double elapsed) {
  copies_.push_back({job, rank, index, first_at(index).rank});
  works_[static_cast<std::size_t>(rank)] = {elapsed, 0.0};
}

void Gathering::drop(std::uint64_t job) {
  std::erase_if(copies_, [&](const Copy& copy) { return copy.job == job; });
}

void Gathering::done(std::int32_t rank, double elapsed) {
  Work& work = works_[static_cast<std::size_t>(rank)];
  work.took = elapsed - work.began;
}

std::vector<Gathering::Stop> Gathering::take_stops() { return std::exchange(stops_, {}); }

// An owner draws its samples side by side, and sends drafts of the first, a piece at a time: as far as the next piece
// may it be, and the others with it. Texts that have come say how long they will be.
double Gathering::seconds_left(std::int32_t owner, double elapsed) const {
  std::size_t bytes = 0, drafted = 0;
  for (const std::int32_t index : came_.front()) bytes += first_at(index).text.size();
  for (const Proposal& one : proposals_.front()) {
    if (one.rank == owner) drafted = std::max(drafted, drafted_[static_cast<std::size_t>(one.index)]);
  }
  const double usual = static_cast<double>(bytes) / static_cast<double>(came_.front().size());
  return elapsed * (usual / static_cast<double>(drafted + kDraftBytes) - 1.0);
}

// As long as its last work, or where it had none the shortest of the others'.
double Gathering::seconds_to_copy(std::int32_t rank, double elapsed) const {
  const double own = works_[static_cast<std::size_t>(rank)].took;
  if (own > 0) return own;
  double shortest = elapsed;
  for (const Work& work : works_) {
    if (work.took > 0) shortest = std::min(shortest, work.took);
  }
  return shortest;
}

std::optional<std::int32_t> Gathering::worth_copying(std::int32_t rank, double elapsed) const {
  if (!round_.drafted || came_.front().empty()) return std::nullopt;
  for (const Proposal& one : proposals_.front()) {
    const bool open = one.finish == Finish::running && copy_with(one.index) == nullptr;
    if (!open || one.rank == 0 || one.rank == rank || !draws(one.rank)) continue;
    if (seconds_left(one.rank, elapsed) > seconds_to_copy(rank, elapsed)) return one.index;
  }
  return std::nullopt;
}

}  // namespace covey
