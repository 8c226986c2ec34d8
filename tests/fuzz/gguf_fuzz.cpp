// Parses any bytes as GGUF, as several parts where the magic bytes come again, and looks at everything a parsed file
// offers. Error is the only way out that is allowed.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "covey/error.hpp"
#include "model/lora.hpp"
#include "third_party_free_formats/gguf.hpp"

namespace {

using namespace covey;

volatile std::size_t sink;  // keeps what is read from being optimised away

template <typename Get>
void ask(const Get& get) {
  try {
    get();
  } catch (const Error&) {  // it is something else
  }
}

void walk(const GgufValue& value);

void walk(const GgufArray& array) {
  std::visit(
      [](const auto& items) {
        using T = typename std::decay_t<decltype(items)>::value_type;
        for (const auto& item : items) {
          if constexpr (std::is_same_v<T, GgufArray>) {
            walk(item);
          } else if constexpr (std::is_same_v<T, std::string>) {
            sink = sink + item.size();
          } else {
            sink = sink + (item != T{});
          }
        }
      },
      array.items);
}

void walk(const GgufValue& value) {
  if (const auto* array = std::get_if<GgufArray>(&value)) walk(*array);
  if (const auto* text = std::get_if<std::string>(&value)) sink = sink + text->size();
}

void walk(const GgufFile& file) {
  for (const auto& entry : file.metadata()) {
    const std::string& key = entry.first;
    walk(entry.second);
    if (file.find(key) != &entry.second) __builtin_trap();
    ask([&] { (void)file.integer(key); });
    ask([&] { (void)file.number(key); });
    ask([&] { (void)file.boolean(key); });
    ask([&] { (void)file.string(key); });
    ask([&] { (void)file.array(key); });
    ask([&] { (void)file.strings(key); });
    ask([&] { (void)file.floats(key); });
    ask([&] { (void)file.integers(key); });
  }
  for (const GgufTensor& tensor : file.tensors()) {
    if (file.find_tensor(tensor.name) != &tensor) __builtin_trap();
    const TensorTypeInfo& info = tensor_type_info(tensor.type);
    if (tensor.data.size() != tensor.elements() / info.block_elements * info.block_bytes) __builtin_trap();
    for (const std::byte byte : tensor.data) sink = sink + static_cast<std::size_t>(byte);
    file.release(tensor.data);
  }
  for (const GgufPart& part : file.parts()) sink = sink + part.header.size();
  ask([&] {
    for (const auto& [target, pair] : read_lora(file).pairs) {
      if (pair.a->dims[1] != pair.rank()) __builtin_trap();
      sink = sink + target.size();
    }
  });
}

void parse_parts(std::string_view bytes) {
  constexpr std::string_view kMagic = "GGUF";
  std::vector<GgufFile> parts;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t next = std::min(bytes.find(kMagic, at + 1), bytes.size());
    parts.push_back(GgufFile::parse(std::as_bytes(std::span(bytes.substr(at, next - at))), "fuzz"));
    at = next;
  }
  if (parts.size() > 1) walk(GgufFile::join(std::move(parts)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    walk(GgufFile::parse(std::as_bytes(std::span(data, size)), "fuzz"));
  } catch (const Error&) {  // refused, as most bytes should be
  }
  try {
    parse_parts({reinterpret_cast<const char*>(data), size});
  } catch (const Error&) {
  }
  return 0;
}
