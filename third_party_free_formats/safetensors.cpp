#include "third_party_free_formats/safetensors.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "covey/error.hpp"
#include "third_party_free_formats/byte_cursor.hpp"
#include "third_party_free_formats/json_value.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

/// What the format's own library accepts.
constexpr std::uint64_t kMostHeaderBytes = 100'000'000;
constexpr std::size_t kMostShapeDims = 8;

struct Dtype {
  std::string_view name;
  std::uint64_t bytes;
  std::optional<TensorType> type = std::nullopt;
};
constexpr std::array<Dtype, 15> kDtypes{{
    {"F32", 4, TensorType::f32},
    {"F16", 2, TensorType::f16},
    {"BF16", 2, TensorType::bf16},
    {"F64", 8},
    {"F8_E4M3", 1},
    {"F8_E5M2", 1},
    {"I64", 8},
    {"I32", 4},
    {"I16", 2},
    {"I8", 1},
    {"U64", 8},
    {"U32", 4},
    {"U16", 2},
    {"U8", 1},
    {"BOOL", 1},
}};

/// One entry of the header, its offsets not yet compared with those of the others.
struct HeaderEntry {
  SafetensorsTensor tensor;
  std::uint64_t begin = 0, end = 0;
};

class EntryReader {
 public:
  EntryReader(const std::string& path, const JsonMember& member)
      : where_(path + ": tensor " + in_quotes(member.name)), member_(member) {}

  HeaderEntry read() const {
    if (member_.value.object() == nullptr) fail("is described by something other than an object");
    HeaderEntry entry;
    entry.tensor.name = member_.name;
    const Dtype& dtype = read_dtype();
    entry.tensor.dtype = dtype.name;
    entry.tensor.type = dtype.type;
    entry.tensor.shape = whole_numbers("shape");
    if (entry.tensor.shape.size() > kMostShapeDims) fail("has more than 8 dimensions");
    const std::vector<std::uint64_t> offsets = whole_numbers("data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1]) fail("has data_offsets that are not a begin and an end");
    entry.begin = offsets[0];
    entry.end = offsets[1];
    if (entry.end - entry.begin != bytes_of(entry.tensor.shape, dtype)) {
      fail("has " + std::to_string(entry.end - entry.begin) +
           " bytes of data, which is not what its shape and dtype give");
    }
    return entry;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(where_ + " " + what); }

  const Dtype& read_dtype() const {
    const std::string* const name = member_.value.find_string("dtype");
    if (name == nullptr) fail("has no dtype");
    const auto* const dtype = std::ranges::find(kDtypes, *name, &Dtype::name);
    if (dtype == kDtypes.end()) fail("has the dtype " + in_quotes(*name) + ", which is not known");
    return *dtype;
  }

  std::vector<std::uint64_t> whole_numbers(std::string_view key) const {
    const JsonValue* const value = member_.value.find(key);
    if (value == nullptr || value->array() == nullptr) fail("has no " + std::string(key));
    std::vector<std::uint64_t> numbers;
    for (const JsonValue& item : *value->array()) {
      const std::optional<std::int64_t> number = item.integer();
      if (!number || *number < 0) fail("has in " + std::string(key) + " something other than a whole number");
      numbers.push_back(static_cast<std::uint64_t>(*number));
    }
    return numbers;
  }

  std::uint64_t bytes_of(const std::vector<std::uint64_t>& shape, const Dtype& dtype) const {
    std::uint64_t bytes = dtype.bytes;
    for (const std::uint64_t dim : shape) {
      if (__builtin_mul_overflow(bytes, dim, &bytes)) fail("has more elements than 64 bits can count");
    }
    return bytes;
  }

  std::string where_;
  const JsonMember& member_;
};

}  // namespace

std::uint64_t SafetensorsTensor::elements() const {
  std::uint64_t count = 1;
  for (const std::uint64_t dim : shape) count *= dim;  // checked when it was read
  return count;
}

SafetensorsFile SafetensorsFile::open(const std::string& path) {
  SafetensorsFile file;
  file.path_ = path;
  file.map_.emplace(path);
  file.read_header(file.map_->bytes());
  return file;
}

SafetensorsFile SafetensorsFile::parse(std::span<const std::byte> bytes, const std::string& name) {
  SafetensorsFile file;
  file.path_ = name;
  file.read_header(bytes);
  return file;
}

void SafetensorsFile::read_header(std::span<const std::byte> bytes) {
  ByteCursor cursor(bytes, path_);
  const auto header_bytes = cursor.read<std::uint64_t>("the header's length");
  if (header_bytes > kMostHeaderBytes) {
    throw Error(path_ + ": its header says it has " + std::to_string(header_bytes) +
                " bytes, more than the format allows: not a safetensors file?");
  }
  const auto text = cursor.take(header_bytes, "the header");
  const auto data = bytes.subspan(cursor.position());
  const JsonValue header = parse_json_text({reinterpret_cast<const char*>(text.data()), text.size()}, path_);
  if (header.object() == nullptr) throw Error(path_ + ": its header is not a JSON object");

  std::vector<HeaderEntry> entries;
  for (const JsonMember& member : *header.object()) {
    if (member.name != "__metadata__") entries.push_back(EntryReader(path_, member).read());
  }
  std::ranges::stable_sort(entries, [](const HeaderEntry& a, const HeaderEntry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t end = 0;
  for (HeaderEntry& entry : entries) {
    const std::string where = path_ + ": tensor " + in_quotes(entry.tensor.name);
    if (entry.begin != end) {
      throw Error(where + " begins at byte " + std::to_string(entry.begin) + " of the data, " +
                  (entry.begin < end ? "inside the one before" : "after a gap") + ": the file is damaged");
    }
    if (entry.end > data.size()) {
      throw Error(where + " ends at byte " + std::to_string(entry.end) + " of the data, which has " +
                  std::to_string(data.size()) + ": the file is truncated; download it again");
    }
    end = entry.end;
    entry.tensor.data = data.subspan(entry.begin, entry.end - entry.begin);
    if (!index_.try_emplace(entry.tensor.name, tensors_.size()).second) throw Error(where + " is there twice");
    tensors_.push_back(std::move(entry.tensor));
  }
  if (end != data.size()) {
    throw Error(path_ + ": " + std::to_string(data.size() - end) + " bytes at its end belong to no tensor: damaged?");
  }
}

const SafetensorsTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

void SafetensorsFile::release(std::span<const std::byte> part) const noexcept {
  if (map_) map_->release(part);
}

}  // namespace covey
