#include "cli/compare_job.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <initializer_list>
#include <utility>

#include "covey/error.hpp"
#include "mpi/link_model.hpp"
#include "mpi/mode.hpp"

namespace covey {

namespace {

class JobReader {
 public:
  explicit JobReader(const std::string& name) : name_(name) {}

  CompareJob read(const YAML::Node& root) const {
    if (!root.IsMap()) fail(root, "a job is a map with models, modes, and prompts or questions");
    allow(root,
          {"title", "models", "modes", "ranks", "links", "prompts", "questions", "repetitions", "seeds", "options"});
    CompareJob job;
    if (root["title"]) job.title = text(root["title"]);
    job.models = choices(root, "models", "path");
    job.modes = choices(root, "modes", "mode");
    for (const CompareChoice& mode : job.modes) check(root["modes"], [&] { find_mode(mode.value); });
    if (root["ranks"]) job.ranks = numbers<std::int32_t>(root["ranks"], 1, 1024);
    if (root["links"]) job.links = texts(root["links"]);
    for (std::string& link : job.links) {
      if (link == "none") link.clear();
      if (!link.empty()) check(root["links"], [&] { find_link_profile(link); });
    }
    if (root["prompts"]) job.prompts = texts(root["prompts"]);
    if (root["questions"]) job.questions = texts(root["questions"]);
    if (job.prompts.empty() == job.questions.empty()) fail(root, "give either prompts or questions");
    if (root["repetitions"]) job.repetitions = numbers<std::int32_t>(root["repetitions"], 1, 1000).front();
    if (root["seeds"]) job.seeds = numbers<std::uint64_t>(root["seeds"], 0, ~std::uint64_t{0});
    if (root["options"]) job.options = texts(root["options"]);
    return job;
  }

 private:
  [[noreturn]] void fail(const YAML::Node& node, const std::string& what) const {
    throw Error(fmt::format("{}:{}: {}", name_, node.Mark().line + 1, what));
  }

  template <typename Use>
  void check(const YAML::Node& node, const Use& use) const {
    try {
      use();
    } catch (const Error& error) {
      fail(node, error.what());
    }
  }

  void allow(const YAML::Node& map, std::initializer_list<const char*> known) const {
    for (const auto& entry : map) {
      const std::string key = text(entry.first);
      if (std::ranges::find(known, key) != known.end()) continue;
      std::string names;
      for (const char* name : known) names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
      fail(entry.first, fmt::format("unknown key '{}': choose {}", key, names));
    }
  }

  std::string text(const YAML::Node& node) const {
    if (node.IsNull()) return {};
    if (!node.IsScalar()) fail(node, "a text or number is expected here");
    return node.Scalar();
  }

  // A list, or one item for a list of one.
  std::vector<std::string> texts(const YAML::Node& node) const {
    if (!node.IsSequence()) return {text(node)};
    if (node.size() == 0) fail(node, "an empty list leaves nothing to run");
    std::vector<std::string> all;
    for (const YAML::Node& item : node) all.push_back(text(item));
    return all;
  }

  template <typename Number>
  std::vector<Number> numbers(const YAML::Node& node, Number low, Number high) const {
    std::vector<Number> all;
    for (const std::string& item : texts(node)) {
      Number value = 0;
      const auto [end, failure] = std::from_chars(item.data(), item.data() + item.size(), value);
      if (failure != std::errc() || end != item.data() + item.size() || value < low || value > high) {
        fail(node, fmt::format("'{}' is not a whole number from {} to {}", item, low, high));
      }
      all.push_back(value);
    }
    return all;
  }

  std::vector<CompareChoice> choices(const YAML::Node& root, const char* key, const char* value_key) const {
    const YAML::Node list = root[key];
    if (!list) fail(root, fmt::format("{} are missing", key));
    if (!list.IsSequence() || list.size() == 0) fail(list, fmt::format("{} must be a list", key));
    std::vector<CompareChoice> all;
    for (const YAML::Node& item : list) {
      CompareChoice choice;
      if (item.IsMap()) {
        allow(item, {"name", value_key, "options"});
        if (!item[value_key]) fail(item, fmt::format("{} is missing", value_key));
        choice.value = text(item[value_key]);
        if (item["name"]) choice.name = text(item["name"]);
        if (item["options"]) choice.options = texts(item["options"]);
      } else {
        choice.value = text(item);
      }
      if (choice.name.empty()) choice.name = std::filesystem::path(choice.value).stem().string();
      const bool twice = std::ranges::find(all, choice.name, &CompareChoice::name) != all.end();
      if (twice)
        fail(item, fmt::format("there are two {} of the name '{}': give one a name of its own", key, choice.name));
      all.push_back(std::move(choice));
    }
    return all;
  }

  const std::string& name_;
};

}  // namespace

CompareJob parse_compare_job(std::string_view yaml, const std::string& name) {
  YAML::Node root;
  try {
    root = YAML::Load(std::string(yaml));
    return JobReader(name).read(root);
  } catch (const YAML::Exception& error) {
    throw Error(fmt::format("{}:{}: {}", name, error.mark.line + 1, error.msg));
  }
}

}  // namespace covey
