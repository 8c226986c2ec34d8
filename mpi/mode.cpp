#include "mpi/mode.hpp"

#include <algorithm>
#include <array>

#include "mpi/mode_list.hpp"

namespace covey {

std::span<const Mode> modes() {
  static const std::array<Mode, 10> list{kSoloMode, kPipelineMode, kTensorMode,  kHybridMode,     kSingleMode,
                                         kVoteMode, kBestOfMode,   kSelfMoaMode, kSelfMoaSeqMode, kMoaMode};
  return list;
}

const Mode& find_mode(std::string_view name) {
  const auto found = std::ranges::find(modes(), name, &Mode::name);
  if (found != modes().end()) return *found;
  std::string names;
  for (const Mode& mode : modes()) names += (names.empty() ? "" : ", ") + std::string(mode.name);
  throw Error("--mode: there is no mode '" + std::string(name) + "': choose one of " + names);
}

TextSink silent_sink(const TextSink& sink) {
  if (!sink) return {};
  return [sink](std::string_view) { sink({}); };
}

std::vector<Answer> Session::generate_all(std::span<const GenerateOptions> questions, const TextSink& sink) {
  std::vector<Answer> answers;
  for (const GenerateOptions& options : questions) {
    if (!answers.empty() && answers.back().completion.finish == Finish::cancelled) {
      answers.emplace_back().completion.finish = Finish::cancelled;
      continue;
    }
    answers.push_back(generate(options, silent_sink(sink)));
  }
  return answers;
}

}  // namespace covey
