#include "model/convert/checkpoint.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "covey/error.hpp"
#include "third_party_free_formats/mapped_file.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

constexpr std::string_view kWeights = "model.safetensors";
constexpr std::string_view kWeightIndex = "model.safetensors.index.json";

}  // namespace

Checkpoint::Checkpoint(const std::string& folder) : folder_(folder) {
  std::error_code failure;
  if (!std::filesystem::is_directory(folder, failure)) {
    throw Error(folder + ": is no folder; give the one that config.json and model.safetensors are in");
  }
  for (const std::string& file : weight_files()) files_.push_back(SafetensorsFile::open(path(file)));
  for (const SafetensorsFile& file : files_) {
    for (const SafetensorsTensor& tensor : file.tensors()) {
      const auto [at, is_new] = tensors_.try_emplace(tensor.name, CheckpointTensor{&file, &tensor});
      if (!is_new) {
        throw Error(file.path() + ": tensor " + in_quotes(tensor.name) + " is in " + at->second.file->path() + " too");
      }
    }
  }
}

std::string Checkpoint::path(std::string_view name) const { return (std::filesystem::path(folder_) / name).string(); }

bool Checkpoint::has(std::string_view name) const {
  std::error_code failure;
  return std::filesystem::exists(path(name), failure);
}

std::optional<std::string> Checkpoint::text(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  const MappedFile file(path(name));
  return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
}

std::optional<JsonValue> Checkpoint::json(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  const MappedFile file(path(name));
  return parse_json_text({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, path(name));
}

std::vector<std::string> Checkpoint::weight_files() const {
  if (has(kWeights)) return {std::string(kWeights)};
  const std::optional<JsonValue> index = json(kWeightIndex);
  if (!index) {
    throw Error(folder_ + ": holds neither " + std::string(kWeights) + " nor " + std::string(kWeightIndex) +
                ": weights in other files are not read");
  }
  const JsonValue* const map = index->find("weight_map");
  if (map == nullptr || map->object() == nullptr) throw Error(path(kWeightIndex) + ": has no weight_map");
  std::set<std::string> names;
  for (const JsonMember& member : *map->object()) {
    const std::string* const name = member.value.string();
    // What the index names lies beside it.
    if (name == nullptr || !name->ends_with(".safetensors") || std::filesystem::path(*name).has_parent_path()) {
      throw Error(path(kWeightIndex) + ": tensor " + in_quotes(member.name) +
                  " is in no safetensors file of the same folder");
    }
    names.insert(*name);
  }
  if (names.empty()) throw Error(path(kWeightIndex) + ": its weight_map is empty");
  return {names.begin(), names.end()};
}

}  // namespace covey
