// Templates that may say anything: each renders or ends in Error, within its limits.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/jinja/json.hpp"
#include "model/jinja/template.hpp"

namespace {

using namespace covey::jinja;

constexpr std::string_view kVariables = R"({
  "messages": [{"role": "system", "content": "Be brief."},
               {"role": "user", "content": "Grüße 漢字 😀\n<b>"},
               {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"x": [1, 2.5]}}}]},
               {"role": "tool", "content": ""}],
  "tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"x": {"type": "array"}}}}}],
  "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": true, "n": -3, "f": 0.5})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Value variables = parse_json(kVariables, "variables");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Limits limits = {.steps = 50'000, .bytes = 1 << 22, .output = 1 << 16};
  try {
    if (Template(bytes)
            .render(
                variables.dict(), [] { return std::tm{}; }, limits)
            .size() > limits.output)
      std::abort();
  } catch (const covey::Error&) {
  }
  try {
    parse_json(bytes, "fuzz");
  } catch (const covey::Error&) {
  }
  return 0;
}
