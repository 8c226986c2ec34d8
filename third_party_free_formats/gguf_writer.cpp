#include "third_party_free_formats/gguf_writer.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

#include "covey/error.hpp"
#include "third_party_free_formats/gguf_layout.hpp"
#include "third_party_free_formats/output_file.hpp"
#include "third_party_free_formats/quoted.hpp"

namespace covey {
namespace {

constexpr std::uint32_t kVersion = 3;

static_assert(std::endian::native == std::endian::little, "GGUF is written as memory holds it");

// The header grows in memory: what it describes fills many times its bytes.
class Header {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T>
  void put(T value) { put_bytes(std::as_bytes(std::span(&value, 1))); }
  void put(const std::string& text) {
    put(std::uint64_t{text.size()});
    put_bytes(std::as_bytes(std::span(text)));
  }
  void put(const GgufArray& array) {
    put(static_cast<std::uint32_t>(array.element_type()));
    put(std::uint64_t{array.size()});
    std::visit([this](const auto& items) { put_items(items); }, array.items);
  }
  void put(const GgufValue& value) {
    put(static_cast<std::uint32_t>(value.index()));
    std::visit([this](const auto& typed) { put(typed); }, value);
  }
  void put_bytes(std::span<const std::byte> bytes) {
    bytes_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_)); }

 private:
  template <typename T>
  void put_items(const std::vector<T>& items) {
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
      put_bytes(std::as_bytes(std::span(items)));
    } else if constexpr (std::is_same_v<T, bool>) {
      for (const bool item : items) put(item);
    } else {
      for (const T& item : items) put(item);
    }
  }

  std::string bytes_;
};

int depth(const GgufArray& array) {
  int deepest = 0;
  if (const auto* inner = std::get_if<std::vector<GgufArray>>(&array.items)) {
    for (const GgufArray& item : *inner) deepest = std::max(deepest, depth(item));
  }
  return deepest + 1;
}

}  // namespace

void GgufWriter::set(std::string key, GgufValue value) {
  if (std::ranges::count(metadata_, key, &std::pair<std::string, GgufValue>::first) != 0) {
    throw Error("metadata " + in_quotes(key) + " is set twice");
  }
  if (const auto* array = std::get_if<GgufArray>(&value); array != nullptr && depth(*array) > kGgufMostArrayDepth) {
    throw Error("metadata " + in_quotes(key) + " nests arrays more than " + std::to_string(kGgufMostArrayDepth) +
                " deep");
  }
  if (key == kGgufAlignmentKey) {
    const auto* alignment = std::get_if<std::uint32_t>(&value);
    if (alignment == nullptr) throw Error("metadata " + in_quotes(key) + " must be a u32");
    check_gguf_alignment("metadata", *alignment);
    alignment_ = *alignment;
  }
  metadata_.emplace_back(std::move(key), std::move(value));
}

void GgufWriter::add_tensor(std::string name, TensorType type, std::vector<std::uint64_t> dims, Source source) {
  const std::string where = "tensor " + in_quotes(name);
  if (std::ranges::count(tensors_, name, &Tensor::name) != 0) throw Error(where + " is added twice");
  const std::uint64_t bytes = gguf_tensor_bytes(where, type, dims);
  tensors_.push_back({std::move(name), type, std::move(dims), bytes, std::move(source)});
}

void GgufWriter::write(const std::string& path,
                       const std::function<void(std::uint64_t, std::uint64_t)>& progress) const {
  Header header;
  header.put_bytes(std::as_bytes(std::span(kGgufMagic)));
  header.put(kVersion);
  header.put(std::uint64_t{tensors_.size()});
  header.put(std::uint64_t{metadata_.size()});
  for (const auto& [key, value] : metadata_) {
    header.put(key);
    header.put(value);
  }
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    header.put(tensor.name);
    header.put(static_cast<std::uint32_t>(tensor.dims.size()));
    for (const std::uint64_t dim : tensor.dims) header.put(dim);
    header.put(static_cast<std::uint32_t>(tensor.type));
    header.put(offset);
    if (offset > kGgufMostBytes - tensor.bytes) throw Error(path + ": the tensors have more bytes than 63 bits count");
    offset = gguf_aligned(offset + tensor.bytes, alignment_);
  }

  OutputFile file(path);
  const auto pad = [&] {
    file.write_zeros(static_cast<std::size_t>(gguf_aligned(file.written(), alignment_) - file.written()));
  };
  file.write(header.bytes());
  pad();
  const std::uint64_t total = file.written() + offset;
  for (const Tensor& tensor : tensors_) {
    std::uint64_t missing = tensor.bytes;
    tensor.source([&](std::span<const std::byte> piece) {
      if (piece.size() > missing)
        throw Error(path + ": tensor " + in_quotes(tensor.name) + " was given too many bytes");
      missing -= piece.size();
      file.write(piece);
      if (progress) progress(file.written(), total);
    });
    if (missing > 0) {
      throw Error(path + ": tensor " + in_quotes(tensor.name) + " was given " + std::to_string(missing) +
                  " bytes too few");
    }
    pad();
  }
  file.commit();
  if (progress) progress(total, total);
}

}  // namespace covey
