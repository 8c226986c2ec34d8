// safetensors, the file format that weights are published in: reader.
// Source: https://github.com/huggingface/safetensors, "Format".
//
//   +--------------------------------------------------------------------------------+
//   | u64 header bytes | header, JSON | tensor data, without gaps                       |
//   +--------------------------------------------------------------------------------+
//   header: {"name": {"dtype": "BF16", "shape": [rows, cols], "data_offsets": [begin, end]}, …,
//            "__metadata__": {"key": "text", …}}, offsets from the start of the data
//
// Nothing in a file is trusted: the data must be covered by the tensors exactly, each of the size that its shape and
// dtype give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "third_party_free_formats/mapped_file.hpp"
#include "third_party_free_formats/tensor_type.hpp"

namespace covey {

struct SafetensorsTensor {
  std::string name;
  std::string dtype;                 ///< as the file names it
  std::optional<TensorType> type;    ///< unset for dtypes that a GGUF file doesn't have
  std::vector<std::uint64_t> shape;  ///< outermost first; empty for a single number
  std::span<const std::byte> data;   ///< inside the mapped file, at any alignment

  std::uint64_t elements() const;
};

/// A parsed safetensors file. Tensor data points into the map that the object holds (or into the caller's bytes).
class SafetensorsFile {
 public:
  /// Maps and parses `path`. Throws Error naming the path and what is wrong with it.
  static SafetensorsFile open(const std::string& path);
  /// Parses bytes that outlive the object; `name` stands for the path in errors.
  static SafetensorsFile parse(std::span<const std::byte> bytes, const std::string& name);

  const std::string& path() const { return path_; }
  /// In the order of their data.
  const std::vector<SafetensorsTensor>& tensors() const { return tensors_; }
  /// nullptr where absent.
  const SafetensorsTensor* find(std::string_view name) const;
  /// See MappedFile::release; no effect on a file parsed from bytes.
  void release(std::span<const std::byte> part) const noexcept;

 private:
  SafetensorsFile() = default;
  void read_header(std::span<const std::byte> bytes);

  std::optional<MappedFile> map_;
  std::string path_;
  std::vector<SafetensorsTensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

}  // namespace covey
