#include "mpi/aggregation_prompt.hpp"

namespace covey {

namespace {

std::string numbered(std::span<const std::string> proposals) {
  std::string text;
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    text += "\nProposal " + std::to_string(i + 1) + ": " + proposals[i] + "\n";
  }
  return text;
}

}  // namespace

std::string aggregation_suffix(std::span<const std::string> proposals) {
  return "\n\nHere are " + std::to_string(proposals.size()) + " proposals of how this goes on.\n" +
         numbered(proposals) + "\nSome of them may be wrong. Taking what is best in them, the one best answer is:\n";
}

std::string aggregation_request(std::span<const std::string> proposals) {
  return "\n\nHere are " + std::to_string(proposals.size()) + " proposals of an answer to this.\n" +
         numbered(proposals) +
         "\nSome of them may be wrong. Taking what is best in them, give the one best answer, and nothing about the "
         "proposals.";
}

}  // namespace covey
