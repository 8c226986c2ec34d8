// The parts of a split model put together.
#include <filesystem>
#include <utility>

#include "covey/error.hpp"
#include "third_party_free_formats/gguf.hpp"
#include "third_party_free_formats/gguf_split.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

std::string of_parts(std::uint64_t number, std::uint64_t count) {
  return "part " + std::to_string(number) + " of " + std::to_string(count);
}

/// Throws Error unless the key is there and its value, a number of parts or tensors, is at most `most`.
std::uint64_t split_number(const GgufFile& part, std::string_view key, std::uint64_t most) {
  const std::optional<std::int64_t> value = part.integer(key);
  if (!value) throw Error(part.path() + ": is part of a split model but does not have metadata " + in_quotes(key));
  if (*value < 0 || static_cast<std::uint64_t>(*value) > most) {
    throw Error(part.path() + ": metadata " + in_quotes(key) + " has the value " + std::to_string(*value) +
                ", it must be from 0 to " + std::to_string(most));
  }
  return static_cast<std::uint64_t>(*value);
}

void check_part(const GgufFile& part, std::uint64_t index, std::uint64_t parts) {
  const std::uint64_t count = split_number(part, kSplitCountKey, kMostSplitParts);
  const std::uint64_t no = split_number(part, kSplitNoKey, kMostSplitParts);
  if (count != parts || no != index) {
    throw Error(part.path() + ": stands for " + of_parts(index + 1, parts) + " of a model but says it is " +
                of_parts(no + 1, count) + ": put the files of one model, under their own names, in one folder");
  }
}

}  // namespace

GgufFile GgufFile::open_alone(const std::string& path) {
  MappedFile map(path);
  GgufFile file = parse(map.bytes(), path);
  file.maps_.push_back(std::move(map));
  return file;
}

GgufFile GgufFile::open(const std::string& path) {
  GgufFile given = open_alone(path);
  if (given.find(kSplitCountKey) == nullptr) return given;
  const std::uint64_t count = split_number(given, kSplitCountKey, kMostSplitParts);
  if (count <= 1) return given;
  std::optional<SplitName> name = SplitName::parse(path);
  if (!name || name->count != count) {
    const std::uint64_t number = split_number(given, kSplitNoKey, kMostSplitParts) + 1;
    throw Error(path + ": is " + of_parts(number, count) +
                " of a model but is not named so: give all parts their names back, like " +
                SplitName{"NAME", number, count}.path());
  }
  const auto opened = static_cast<std::ptrdiff_t>(name->number);
  std::vector<GgufFile> parts;
  for (name->number = 1; name->number <= count; ++name->number) {
    if (std::cmp_equal(name->number, opened)) continue;
    std::error_code failure;
    if (!std::filesystem::exists(name->path(), failure) && !failure) {
      throw Error(name->path() + ": " + of_parts(name->number, count) +
                  " of the model is missing: put all parts in one folder");
    }
    parts.push_back(open_alone(name->path()));
  }
  parts.insert(parts.begin() + (opened - 1), std::move(given));
  return join(std::move(parts));
}

GgufFile GgufFile::join(std::vector<GgufFile> parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) check_part(parts[i], i, parts.size());
  constexpr std::uint64_t kMostTensors = std::uint64_t{1} << 32;
  const std::uint64_t expected = split_number(parts.front(), kSplitTensorsKey, kMostTensors);
  for (const GgufFile& part : parts) {
    if (part.find(kSplitTensorsKey) != nullptr && split_number(part, kSplitTensorsKey, kMostTensors) != expected) {
      throw Error(part.path() + ": is a part of a model of another number of tensors than " + parts.front().path());
    }
  }
  GgufFile whole = std::move(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) whole.append(std::move(parts[i]));
  if (whole.tensors_.size() != expected) {
    throw Error(whole.path() + ": its " + std::to_string(whole.parts_.size()) + " parts hold " +
                std::to_string(whole.tensors_.size()) + " tensors, not the " + std::to_string(expected) +
                " that it says: download them again");
  }
  std::erase_if(whole.metadata_, [](const auto& entry) { return is_split_key(entry.first); });
  whole.metadata_index_.clear();
  for (std::size_t i = 0; i < whole.metadata_.size(); ++i) whole.metadata_index_[whole.metadata_[i].first] = i;
  return whole;
}

void GgufFile::append(GgufFile&& other) {
  for (GgufTensor& tensor : other.tensors_) {
    const auto [before, added] = tensor_index_.emplace(tensor.name, tensors_.size());
    if (!added) {
      throw Error(other.path() + ": tensor " + in_quotes(tensor.name) + " is in " +
                  parts_[tensors_[before->second].part].path + " too");
    }
    tensor.part = parts_.size();
    tensors_.push_back(std::move(tensor));
  }
  for (MappedFile& map : other.maps_) maps_.push_back(std::move(map));
  parts_.push_back(std::move(other.parts_.front()));
}

}  // namespace covey
