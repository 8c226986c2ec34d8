#include "mpi/aggregation_prompt.hpp"

namespace covey {

std::string aggregation_suffix(std::span<const std::string> proposals) {
  std::string text = "\n\nHere are " + std::to_string(proposals.size()) + " proposals of how this goes on.\n";
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    text += "\nProposal " + std::to_string(i + 1) + ": " + proposals[i] + "\n";
  }
  return text + "\nSome of them may be wrong. Taking what is best in them, the one best answer is:\n";
}

}  // namespace covey
