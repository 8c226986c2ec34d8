#include <limits>
#include <type_traits>
#include <utility>

#include "covey/error.hpp"
#include "third_party_free_formats/gguf.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

template <typename T>
constexpr bool kIsInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

// Throws if the value is there but has another type than T.
template <typename T>
const T* get(const GgufFile& file, std::string_view key, const char* expected) {
  const GgufValue* value = file.find(key);
  if (value == nullptr) return nullptr;
  const T* typed = std::get_if<T>(value);
  if (typed == nullptr) throw Error(file.path() + ": metadata " + in_quotes(key) + " is not " + expected);
  return typed;
}

template <typename T>
const std::vector<T>* get_items(const GgufFile& file, std::string_view key, const char* expected) {
  const auto* array = get<GgufArray>(file, key, expected);
  if (array == nullptr) return nullptr;
  const auto* items = std::get_if<std::vector<T>>(&array->items);
  if (items == nullptr) throw Error(file.path() + ": metadata " + in_quotes(key) + " is not " + expected);
  return items;
}

template <typename T>
std::int64_t widened(const GgufFile& file, std::string_view key, T value) {
  if (!std::in_range<std::int64_t>(value)) {
    throw Error(file.path() + ": metadata " + in_quotes(key) + " has the value " + std::to_string(value) +
                ", more than 63 bits hold");
  }
  return static_cast<std::int64_t>(value);
}

}  // namespace

std::uint64_t GgufTensor::rows() const {
  std::uint64_t result = 1;
  for (std::size_t i = 1; i < dims.size(); ++i) result *= dims[i];
  return result;
}

std::uint64_t GgufFile::file_bytes() const {
  std::uint64_t bytes = 0;  // of what is mapped at one time: no overflow
  for (const GgufPart& part : parts_) bytes += part.bytes;
  return bytes;
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = metadata_index_.find(key);
  return found == metadata_index_.end() ? nullptr : &metadata_[found->second].second;
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  return std::visit(
      [&](const auto& typed) -> std::int64_t {
        if constexpr (kIsInteger<std::decay_t<decltype(typed)>>) return widened(*this, key, typed);
        throw Error(path() + ": metadata " + in_quotes(key) + " is not an integer");
      },
      *value);
}

std::optional<double> GgufFile::number(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  return std::visit(
      [&](const auto& typed) -> double {
        using T = std::decay_t<decltype(typed)>;
        if constexpr (kIsInteger<T> || std::is_floating_point_v<T>) return static_cast<double>(typed);
        throw Error(path() + ": metadata " + in_quotes(key) + " is not a number");
      },
      *value);
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  const bool* value = get<bool>(*this, key, "a boolean");
  return value == nullptr ? std::nullopt : std::optional(*value);
}

const std::string* GgufFile::string(std::string_view key) const { return get<std::string>(*this, key, "a string"); }

const GgufArray* GgufFile::array(std::string_view key) const { return get<GgufArray>(*this, key, "an array"); }

const std::vector<std::string>* GgufFile::strings(std::string_view key) const {
  return get_items<std::string>(*this, key, "an array of strings");
}

const std::vector<float>* GgufFile::floats(std::string_view key) const {
  return get_items<float>(*this, key, "an array of f32");
}

std::optional<std::vector<std::int64_t>> GgufFile::integers(std::string_view key) const {
  const auto* values = get<GgufArray>(*this, key, "an array of integers");
  if (values == nullptr) return std::nullopt;
  return std::visit(
      [&](const auto& items) -> std::vector<std::int64_t> {
        using T = typename std::decay_t<decltype(items)>::value_type;
        if constexpr (kIsInteger<T>) {
          std::vector<std::int64_t> result;
          result.reserve(items.size());
          for (const T item : items) result.push_back(widened(*this, key, item));
          return result;
        }
        throw Error(path() + ": metadata " + in_quotes(key) + " is not an array of integers");
      },
      values->items);
}

void GgufFile::release(std::span<const std::byte> part) const noexcept {
  for (const MappedFile& map : maps_) map.release(part);  // which pass over what is not theirs
}

void GgufFile::prefetch(std::span<const std::byte> part) const noexcept {
  for (const MappedFile& map : maps_) map.prefetch(part);
}

}  // namespace covey
