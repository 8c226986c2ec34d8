#include "mpi/read_ahead.hpp"

#include <utility>

namespace covey {

void ReadAhead::arrived(const Proposal& proposal) {
  news_ = true;
  if (!in_order_) return prompt_.add(proposal.text);
  early_.emplace(proposal.index, proposal.text);
  for (auto next = early_.find(next_); next != early_.end(); next = early_.find(next_)) {
    prompt_.add(next->second);
    early_.erase(next);
    drafts_.erase(next_);
    ++next_;
  }
}

void ReadAhead::drafted(std::int32_t index, std::string_view text) {
  drafts_[index] += text;
  news_ = true;
}

bool ReadAhead::read() {
  if (!std::exchange(news_, false)) return false;
  const auto draft = drafts_.find(next_);
  const std::string_view text = draft != drafts_.end() ? std::string_view(draft->second) : std::string_view();
  const std::optional<Request> request = prompt_.ahead(text, evaluated_, bench_.context());
  if (!request) return false;
  evaluated_ = static_cast<std::int32_t>(request->prompt.size());
  for (const SampleId sample : bench_.engine().submit(*request)) {
    bench_.engine().run();
    bench_.engine().forget(sample);
  }
  bench_.ledger().set_phase(Phase::other);
  return true;
}

}  // namespace covey
