#include "cli/compare_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "model/fingerprint.hpp"

namespace covey {

namespace {

using Words = std::vector<std::string>;

void append(Words& words, const Words& more) { words.insert(words.end(), more.begin(), more.end()); }

std::string run_id(const Words& arguments, std::int32_t repetition) {
  Fingerprint hash;
  const std::string text = command_text(arguments);
  hash.add(std::as_bytes(std::span(text)));
  return fmt::format("{:016x}-{}", hash.value(), repetition);
}

Words setting_arguments(const CompareJob& job, const CompareChoice& model, const CompareChoice& mode,
                        const CompareSetting& setting) {
  Words words = {job.questions.empty() ? "run" : "eval"};
  append(words, job.questions);
  append(words, {"--model", model.value, "--mode", mode.value});
  if (setting.ranks > 1) append(words, {"--ranks", fmt::format("{}", setting.ranks)});
  if (!setting.link.empty()) append(words, {"--link", setting.link});
  append(words, job.options);
  append(words, model.options);
  append(words, mode.options);
  append(words, {"--json", "--quiet"});
  return words;
}

void add_runs(const CompareJob& job, const Words& arguments, const CompareSetting& setting,
              std::vector<CompareRun>& runs) {
  bool first = true;
  const Words prompts = job.questions.empty() ? job.prompts : Words{""};
  for (const std::string& prompt : prompts) {
    for (const std::uint64_t seed : job.seeds) {
      Words words = arguments;
      append(words, {"--seed", fmt::format("{}", seed)});
      if (job.questions.empty()) append(words, {"--prompt", prompt});
      // One run of each setting is drawn.
      if (setting.ranks > 1 && std::exchange(first, false)) append(words, {"--timeline"});
      for (std::int32_t repetition = 1; repetition <= job.repetitions; ++repetition) {
        runs.push_back({run_id(words, repetition), setting, words});
      }
    }
  }
}

}  // namespace

std::vector<CompareRun> plan_runs(const CompareJob& job) {
  std::vector<CompareRun> runs;
  std::set<CompareSetting> planned;
  for (const CompareChoice& model : job.models) {
    for (const CompareChoice& mode : job.modes) {
      for (const std::int32_t wanted : job.ranks) {
        for (const std::string& link : job.links) {
          CompareSetting setting{model.name, mode.name, link, mode.value == "solo" ? 1 : wanted};
          if (setting.ranks == 1) setting.link.clear();
          if (planned.insert(setting).second)
            add_runs(job, setting_arguments(job, model, mode, setting), setting, runs);
        }
      }
    }
  }
  return runs;
}

std::string command_text(const std::vector<std::string>& command) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,+@%";
  std::string text;
  for (const std::string& word : command) {
    if (!text.empty()) text += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return text;
}

}  // namespace covey
