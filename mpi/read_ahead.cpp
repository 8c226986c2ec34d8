#include "mpi/read_ahead.hpp"

#include <algorithm>
#include <utility>
#include <vector>

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
  std::optional<Request> request = prompt_.ahead(text, evaluated_, bench_.context());
  if (!request) return false;
  // Two pieces at a time, so that others are heard in between.
  std::vector<std::int32_t>& cuts = request->cuts;
  const auto next = std::ranges::upper_bound(cuts, std::max(evaluated_, cuts.front()));
  if (cuts.end() - next > 2) {
    cuts.erase(next + 2, cuts.end());
    request->prompt.resize(static_cast<std::size_t>(cuts.back()));
    news_ = true;
  }
  evaluated_ = static_cast<std::int32_t>(request->prompt.size());
  for (const SampleId sample : bench_.engine().submit(*request)) {
    bench_.engine().run();
    bench_.engine().forget(sample);
  }
  bench_.ledger().set_phase(Phase::other);
  return true;
}

}  // namespace covey
