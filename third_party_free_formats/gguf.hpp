// GGUF, the file format small language models are distributed in: reader for versions 2 and 3, little-endian.
// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
//
//   +--------------------------------------------------------------------------------+
//   | "GGUF" | u32 version | u64 tensor count | u64 metadata count                    |
//   | metadata: { string key, u32 type, value } ...                                   |
//   | tensor infos: { string name, u32 n_dims, u64 dims[n_dims], u32 type, u64 offset }|
//   | padding to general.alignment (default 32)                                       |
//   | tensor data: each at its offset from here, offsets multiples of the alignment   |
//   +--------------------------------------------------------------------------------+
//   string = u64 length, bytes;  array = u32 element type, u64 count, elements
//
// A model may be split over several files, whose names end in -00001-of-0000N.gguf: each is a GGUF file with its share
// of the tensors, and "split.no" (from 0), "split.count" and "split.tensors.count" say how they belong together.
//
// Nothing in a file is trusted: every count, length, offset and type is checked against what is left of the file
// before it is used, and memory taken for the parsed header is bounded by a small multiple of the header's bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "third_party_free_formats/mapped_file.hpp"
#include "third_party_free_formats/tensor_type.hpp"

namespace covey {

/// Metadata value types, numbers as stored.
enum class GgufValueType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

struct GgufArray;

/// One metadata value. Integers keep their width, so a file can be written again unchanged.
using GgufValue = std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t, std::int32_t,
                               float, bool, std::string, GgufArray, std::uint64_t, std::int64_t, double>;

/// A homogeneous array. Numbers and strings lie in one flat vector; arrays of arrays (legal, rare) nest up to 4 deep.
struct GgufArray {
  std::variant<std::vector<std::uint8_t>, std::vector<std::int8_t>, std::vector<std::uint16_t>,
               std::vector<std::int16_t>, std::vector<std::uint32_t>, std::vector<std::int32_t>, std::vector<float>,
               std::vector<bool>, std::vector<std::string>, std::vector<GgufArray>, std::vector<std::uint64_t>,
               std::vector<std::int64_t>, std::vector<double>>
      items;

  GgufValueType element_type() const { return static_cast<GgufValueType>(items.index()); }
  std::size_t size() const {
    return std::visit([](const auto& v) { return v.size(); }, items);
  }
  bool operator==(const GgufArray&) const = default;
};

/// One tensor of the file: a matrix of `rows()` rows of `cols()` weights (GGUF stores dimensions innermost first).
struct GgufTensor {
  std::string name;
  TensorType type;
  std::vector<std::uint64_t> dims;  ///< innermost first, 1..4 of them, each >= 1
  std::uint64_t offset = 0;         ///< from the start of the data section of its part
  std::span<const std::byte> data;  ///< inside the mapped file
  std::size_t part = 0;             ///< index of the file that it lies in

  std::uint64_t cols() const { return dims[0]; }
  std::uint64_t rows() const;  ///< product of all other dimensions
  std::uint64_t elements() const { return cols() * rows(); }
};

/// One of the files that a model lies in; most lie in one.
struct GgufPart {
  std::string path;
  std::uint64_t bytes = 0;
  std::span<const std::byte> header;  ///< everything before the tensor data
  std::size_t tensors = 0;
};

/// A parsed GGUF file, or all files of a split model as one. Tensor data points into the maps that the object holds (or
/// into the caller's bytes).
class GgufFile {
 public:
  /// Maps and parses `path`; if it is a part of a split model, all the other parts too, which lie beside it. Throws
  /// Error naming the file and what is wrong with it.
  static GgufFile open(const std::string& path);

  /// The parts of a split model, in order, as one file: the metadata of the first without "split.…", the tensors of
  /// all. Throws Error naming the part that does not belong: of another number, of another number of parts, with a
  /// tensor that was there before, or with too few or too many of them. `parts` holds at least one.
  static GgufFile join(std::vector<GgufFile> parts);

  /// Parses bytes that outlive the object; `name` stands for the path in errors.
  static GgufFile parse(std::span<const std::byte> bytes, const std::string& name);

  /// Of the first part.
  const std::string& path() const { return parts_.front().path; }
  /// One, or more of a split model; never none.
  const std::vector<GgufPart>& parts() const { return parts_; }
  std::uint32_t version() const { return version_; }
  std::uint32_t alignment() const { return alignment_; }
  std::uint64_t file_bytes() const;  ///< of all parts
  /// Everything before the tensor data, in the first part.
  std::span<const std::byte> header() const { return parts_.front().header; }

  /// Metadata in file order.
  const std::vector<std::pair<std::string, GgufValue>>& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }

  /// nullptr where absent.
  const GgufValue* find(std::string_view key) const;
  const GgufTensor* find_tensor(std::string_view name) const;

  // Typed metadata. nullopt / nullptr where the key is absent; Error naming file and key where it has another type.
  std::optional<std::int64_t> integer(std::string_view key) const;  ///< any integer type that fits in 64 signed bits
  std::optional<double> number(std::string_view key) const;         ///< any integer or floating type
  std::optional<bool> boolean(std::string_view key) const;
  const std::string* string(std::string_view key) const;
  const GgufArray* array(std::string_view key) const;
  const std::vector<std::string>* strings(std::string_view key) const;
  const std::vector<float>* floats(std::string_view key) const;
  /// An array of any integer type, widened.
  std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;

  /// See MappedFile; no effect on a file parsed from bytes.
  void release(std::span<const std::byte> part) const noexcept;
  void prefetch(std::span<const std::byte> part) const noexcept;

 private:
  GgufFile() = default;
  friend class GgufParser;

  static GgufFile open_alone(const std::string& path);
  /// Takes over the tensors and maps of another part.
  void append(GgufFile&& other);

  std::vector<MappedFile> maps_;  // of each part, unless parsed from bytes
  std::vector<GgufPart> parts_;
  std::uint32_t version_ = 0;
  std::uint32_t alignment_ = 32;
  std::vector<std::pair<std::string, GgufValue>> metadata_;
  std::map<std::string, std::size_t, std::less<>> metadata_index_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> tensor_index_;
};

}  // namespace covey
