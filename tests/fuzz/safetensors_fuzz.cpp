// Parses any bytes as safetensors, as JSON and as a SentencePiece model, and looks at all that a parsed file offers.
// Error is the only way out that is allowed.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "covey/error.hpp"
#include "third_party_free_formats/json_value.hpp"
#include "third_party_free_formats/safetensors.hpp"
#include "third_party_free_formats/sentencepiece_model.hpp"

namespace {

using namespace covey;

volatile std::size_t seen;  // keeps what is read from being optimised away

void look_at(const SafetensorsFile& file) {
  const std::byte* end = nullptr;
  for (const SafetensorsTensor& tensor : file.tensors()) {
    if (file.find(tensor.name) != &tensor) __builtin_trap();
    if (tensor.type && tensor.data.size() != tensor.elements() * tensor_type_info(*tensor.type).block_bytes) {
      __builtin_trap();
    }
    if (end != nullptr && tensor.data.data() != end) __builtin_trap();
    end = tensor.data.data() + tensor.data.size();
    for (const std::byte byte : tensor.data) seen = seen + static_cast<std::size_t>(byte);
  }
}

template <class Parse>
void attempt(const Parse& parse) {
  try {
    parse();
  } catch (const Error&) {  // refused, as most bytes should be
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  attempt([&] { look_at(SafetensorsFile::parse(bytes, "fuzz")); });
  attempt([&] {
    const JsonValue json = parse_json_text({reinterpret_cast<const char*>(data), size}, "fuzz");
    if (json.object() != nullptr) seen = seen + json.object()->size();
  });
  attempt([&] {
    for (const SentencePiece& piece : parse_sentencepiece_model(bytes, "fuzz").pieces) {
      if (piece.type < 1 || piece.type > 6) __builtin_trap();
      seen = seen + piece.text.size();
    }
  });
  return 0;
}
