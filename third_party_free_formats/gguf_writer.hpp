// Writes GGUF version 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "third_party_free_formats/gguf.hpp"

namespace covey {

/// Collects metadata and tensor descriptions, then writes the file in one pass. Tensor data is produced late, a piece
/// at a time, so that a model larger than memory can be written.
class GgufWriter {
 public:
  /// Hands consecutive pieces of a tensor's data to the file.
  using Sink = std::function<void(std::span<const std::byte>)>;
  /// Produces a tensor's data: calls the sink with consecutive pieces, `type`'s size for the shape in all.
  using Source = std::function<void(const Sink&)>;

  /// Throws Error if `key` was set before. "general.alignment" sets the alignment of the file as well.
  void set(std::string key, GgufValue value);
  /// `dims` innermost first. Throws Error on a duplicate name or a row that is not whole blocks of `type`.
  void add_tensor(std::string name, TensorType type, std::vector<std::uint64_t> dims, Source source);

  /// Size of the file that write() makes. Throws Error if it has more than 63 bits.
  std::uint64_t file_bytes() const;

  /// Writes to a temporary file beside `path`, then renames it: a full disk or an interruption never leaves half a
  /// file under the name. Throws Error naming the path (no space, no permission, a source that gave too few bytes).
  /// `progress` is called with (bytes written, bytes in all).
  void write(const std::string& path, const std::function<void(std::uint64_t, std::uint64_t)>& progress = {}) const;

 private:
  struct Tensor {
    std::string name;
    TensorType type;
    std::vector<std::uint64_t> dims;
    std::uint64_t bytes;
    Source source;
  };

  /// What comes before the tensor data, not padded yet.
  std::string header() const;
  std::uint64_t data_bytes() const;

  std::vector<std::pair<std::string, GgufValue>> metadata_;
  std::vector<Tensor> tensors_;
  std::uint32_t alignment_ = 32;
};

/// Hands `tensor`'s data on as it lies in its file, which is then released from memory.
void copy_tensor(const GgufFile& file, const GgufTensor& tensor, const GgufWriter::Sink& sink);

/// Throws Error if `path` is one of the files that `file` is read from: writing it would destroy what is still to be
/// read.
void refuse_overwriting(const GgufFile& file, const std::string& path);

}  // namespace covey
