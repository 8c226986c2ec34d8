// Bytes of a file to a GgufFile, in file order: version, metadata, tensor infos, then the layout of the data.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <utility>

#include "covey/error.hpp"
#include "third_party_free_formats/byte_cursor.hpp"
#include "third_party_free_formats/gguf.hpp"
#include "third_party_free_formats/gguf_layout.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

// The fewest bytes of each thing that is counted, to hold a count against what is left.
constexpr std::size_t kLeastMetadata = 8 + 4 + 1;        // key length, type, value of one byte
constexpr std::size_t kLeastTensor = 8 + 4 + 8 + 4 + 8;  // name length, n_dims, one dimension, type, offset
constexpr std::size_t kLeastString = 8;                  // length
constexpr std::size_t kLeastArray = 4 + 8;               // element type, count

// A count that could fit may still be far more than what is there: reserve this much, then grow with what is read.
constexpr std::uint64_t kMostReserved = 1 << 16;

// Calls `use` with the C++ type of metadata values of type number `type`; false where there is no such number.
template <std::size_t Index = 0, typename Use>
bool with_value_type(std::uint32_t type, const Use& use) {
  if constexpr (Index == std::variant_size_v<GgufValue>) {
    return false;
  } else if (type == Index) {
    use(std::type_identity<std::variant_alternative_t<Index, GgufValue>>{});
    return true;
  } else {
    return with_value_type<Index + 1>(type, use);
  }
}

}  // namespace

class GgufParser {
 public:
  GgufParser(std::span<const std::byte> bytes, const std::string& name) : name_(name), cursor_(bytes, name) {
    file_.path_ = name;
    file_.bytes_ = bytes;
  }

  GgufFile parse() {
    parse_version();
    const std::uint64_t tensors = cursor_.count(kLeastTensor, "the number of tensors");
    const std::uint64_t entries = cursor_.count(kLeastMetadata, "the number of metadata entries");
    for (std::uint64_t i = 0; i < entries; ++i) parse_metadata_entry();
    take_alignment();
    for (std::uint64_t i = 0; i < tensors; ++i) parse_tensor_info();
    place_data();
    check_overlaps();
    return std::move(file_);
  }

 private:
  void parse_version();
  void parse_metadata_entry();
  void take_alignment();
  void parse_tensor_info();
  void place_data();
  void check_overlaps() const;

  template <typename T>
  T parse_value(int depth);
  template <typename T>
  std::vector<T> parse_items(int depth);
  GgufArray parse_array(int depth);

  std::string tensor_name(const GgufTensor& tensor) const { return name_ + ": tensor " + in_quotes(tensor.name); }
  std::uint64_t data_bytes(const GgufTensor& tensor) const {
    return gguf_tensor_bytes(tensor_name(tensor), tensor.type, tensor.dims);
  }

  const std::string& name_;
  ByteCursor cursor_;
  std::string what_;  // what is being parsed, for messages
  GgufFile file_;
};

void GgufParser::parse_version() {
  const auto magic = cursor_.take(kGgufMagic.size(), "its first four bytes");
  if (std::memcmp(magic.data(), kGgufMagic.data(), magic.size()) != 0) {
    throw Error(name_ + ": is not a GGUF file: it starts with " +
                in_quotes({reinterpret_cast<const char*>(magic.data()), magic.size()}));
  }
  const auto version = cursor_.read<std::uint32_t>("its version");
  if (version != 0 && (version & 0xFFFF) == 0) {
    throw Error(name_ + ": is a big-endian GGUF file; only little-endian ones can be read: convert it again");
  }
  if (version != 2 && version != 3) {
    throw Error(name_ + ": has GGUF version " + std::to_string(version) +
                "; versions 2 and 3 can be read: convert the model again");
  }
  file_.version_ = version;
}

void GgufParser::parse_metadata_entry() {
  const std::size_t at = cursor_.position();
  std::string key(cursor_.string("a metadata key"));
  what_ = "the value of " + in_quotes(key);
  if (!file_.metadata_index_.emplace(key, file_.metadata_.size()).second) {
    throw Error(name_ + ": metadata key " + in_quotes(key) + " at byte " + std::to_string(at) + " was there before");
  }
  const auto type = cursor_.read<std::uint32_t>(what_);
  const bool known = with_value_type(type, [&]<typename T>(std::type_identity<T>) {
    file_.metadata_.emplace_back(std::move(key), parse_value<T>(0));
  });
  if (!known) {
    throw Error(name_ + ": " + what_ + " at byte " + std::to_string(at) + " has type " + std::to_string(type) +
                ", which GGUF does not define");
  }
}

template <typename T>
T GgufParser::parse_value(int depth) {
  if constexpr (std::is_same_v<T, std::string>) {
    return T(cursor_.string(what_));
  } else if constexpr (std::is_same_v<T, GgufArray>) {
    return parse_array(depth + 1);
  } else if constexpr (std::is_same_v<T, bool>) {
    const std::size_t at = cursor_.position();
    const auto value = cursor_.read<std::uint8_t>(what_);
    if (value > 1) {
      throw Error(name_ + ": " + what_ + " at byte " + std::to_string(at) + " is " + std::to_string(value) +
                  ", a boolean must be 0 or 1");
    }
    return value == 1;
  } else {
    return cursor_.read<T>(what_);
  }
}

template <typename T>
std::vector<T> GgufParser::parse_items(int depth) {
  constexpr bool kFlat = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;
  constexpr std::size_t kLeast = std::is_same_v<T, std::string> ? kLeastString
                                 : std::is_same_v<T, GgufArray> ? kLeastArray
                                                                : sizeof(T);
  const std::uint64_t count = cursor_.count(kLeast, "the length of an array in " + what_);
  std::vector<T> items;
  if constexpr (kFlat) {
    items.resize(static_cast<std::size_t>(count));
    const auto bytes = cursor_.take(count * sizeof(T), what_);
    if (!bytes.empty()) std::memcpy(items.data(), bytes.data(), bytes.size());
  } else {
    items.reserve(static_cast<std::size_t>(std::min(count, kMostReserved)));
    for (std::uint64_t i = 0; i < count; ++i) items.push_back(parse_value<T>(depth));
  }
  return items;
}

GgufArray GgufParser::parse_array(int depth) {
  const std::size_t at = cursor_.position();
  if (depth > kGgufMostArrayDepth) {
    throw Error(name_ + ": " + what_ + " at byte " + std::to_string(at) + " nests arrays more than " +
                std::to_string(kGgufMostArrayDepth) + " deep");
  }
  const auto type = cursor_.read<std::uint32_t>(what_);
  GgufArray array;
  const bool known =
      with_value_type(type, [&]<typename T>(std::type_identity<T>) { array.items = parse_items<T>(depth); });
  if (!known) {
    throw Error(name_ + ": " + what_ + " at byte " + std::to_string(at) + " is an array of type " +
                std::to_string(type) + ", which GGUF does not define");
  }
  return array;
}

void GgufParser::take_alignment() {
  const GgufValue* value = file_.find(kGgufAlignmentKey);
  if (value == nullptr) return;
  const auto* alignment = std::get_if<std::uint32_t>(value);
  if (alignment == nullptr) throw Error(name_ + ": " + std::string(kGgufAlignmentKey) + " is not a u32");
  check_gguf_alignment(name_, *alignment);
  file_.alignment_ = *alignment;
}

void GgufParser::parse_tensor_info() {
  GgufTensor tensor;
  tensor.name = cursor_.string("a tensor's name");
  if (!file_.tensor_index_.emplace(tensor.name, file_.tensors_.size()).second) {
    throw Error(tensor_name(tensor) + " was there before");
  }
  constexpr std::string_view kWhat = "a tensor's description";
  const auto n_dims = cursor_.read<std::uint32_t>(kWhat);
  if (n_dims == 0 || n_dims > kGgufMostDims) {
    throw Error(tensor_name(tensor) + " has " + std::to_string(n_dims) + " dimensions, not 1 to 4");
  }
  for (std::uint32_t i = 0; i < n_dims; ++i) tensor.dims.push_back(cursor_.read<std::uint64_t>(kWhat));
  const auto type = cursor_.read<std::uint32_t>(kWhat);
  const TensorTypeInfo* info = find_tensor_type(type);
  if (info == nullptr) {
    throw Error(tensor_name(tensor) + " has type number " + std::to_string(type) +
                ", which this version of Covey does not know");
  }
  tensor.type = info->type;
  tensor.offset = cursor_.read<std::uint64_t>(kWhat);
  if (tensor.offset % file_.alignment_ != 0) {
    throw Error(tensor_name(tensor) + " has offset " + std::to_string(tensor.offset) +
                ", not a multiple of the alignment " + std::to_string(file_.alignment_));
  }
  file_.tensors_.push_back(std::move(tensor));
}

// Only now is it known where the data starts.
void GgufParser::place_data() {
  const std::uint64_t size = file_.bytes_.size();
  const std::uint64_t start = gguf_aligned(cursor_.position(), file_.alignment_);
  // A file without tensors needs no padding.
  file_.data_start_ = static_cast<std::size_t>(std::min(start, size));
  for (GgufTensor& tensor : file_.tensors_) {
    const std::uint64_t bytes = data_bytes(tensor);
    std::uint64_t end = 0;
    if (__builtin_add_overflow(start, tensor.offset, &end) || __builtin_add_overflow(end, bytes, &end)) {
      throw Error(tensor_name(tensor) + " has offset " + std::to_string(tensor.offset) + ", beyond any file");
    }
    if (end > size) {
      throw Error(tensor_name(tensor) + " ends at byte " + std::to_string(end) + " but the file has " +
                  std::to_string(size) + " bytes: it is truncated; download it again");
    }
    tensor.data = file_.bytes_.subspan(static_cast<std::size_t>(end - bytes), static_cast<std::size_t>(bytes));
  }
}

void GgufParser::check_overlaps() const {
  std::vector<const GgufTensor*> by_offset;
  by_offset.reserve(file_.tensors_.size());
  for (const GgufTensor& tensor : file_.tensors_) by_offset.push_back(&tensor);
  std::ranges::sort(by_offset, {}, &GgufTensor::offset);
  for (std::size_t i = 1; i < by_offset.size(); ++i) {
    const GgufTensor& before = *by_offset[i - 1];
    if (before.offset + before.data.size() > by_offset[i]->offset) {
      throw Error(tensor_name(before) + " overlaps tensor " + in_quotes(by_offset[i]->name) + ": the file is damaged");
    }
  }
}

GgufFile GgufFile::parse(std::span<const std::byte> bytes, const std::string& name) {
  return GgufParser(bytes, name).parse();
}

}  // namespace covey
