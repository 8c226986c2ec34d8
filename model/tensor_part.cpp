#include "model/tensor_part.hpp"

#include <algorithm>
#include <functional>

#include "covey/error.hpp"

namespace covey {

TensorPart part_of(const GgufFile& file, std::span<const std::byte> bytes) {
  const auto& tensors = file.tensors();
  const auto holds = [&](const GgufTensor& tensor) {
    return !std::less<>{}(bytes.data(), tensor.data.data()) &&
           std::less<>{}(bytes.data(), tensor.data.data() + tensor.data.size());
  };
  const auto tensor = std::ranges::find_if(tensors, holds);
  if (tensor == tensors.end()) throw Error(file.path() + ": weights of a layer lie outside its tensors");
  return {static_cast<std::uint32_t>(tensor - tensors.begin()),
          static_cast<std::uint64_t>(bytes.data() - tensor->data.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(const GgufFile& file, const TensorPart& part) {
  if (part.tensor >= file.tensors().size()) throw Error(file.path() + ": there is no such tensor to take a part of");
  const std::span<const std::byte> data = file.tensors()[part.tensor].data;
  if (part.offset > data.size() || part.bytes > data.size() - part.offset) {
    throw Error(file.path() + ": a part that is asked for ends behind its tensor");
  }
  return data.subspan(static_cast<std::size_t>(part.offset), static_cast<std::size_t>(part.bytes));
}

}  // namespace covey
