// How floats travel between ranks: as they are, or rounded to fewer bits.
//
//   f32    4 bytes each
//   f16    2 bytes each (fp16); what lies beyond +-65504 becomes that
//   int8   blocks of 32, the last one of a message may be shorter:
//
//          | scale, fp16 | q0 | q1 | … | q31 |      34 bytes for 32 values, value i = scale * qi
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace covey {

enum class WireType : std::uint8_t { f32, f16, int8 };

/// Values that share a scale in int8: cut messages at multiples of it, else blocks are short and scales many.
inline constexpr std::size_t kWireBlock = 32;

/// f32, f16, int8.
std::vector<std::string> wire_names();
std::string_view wire_name(WireType type);
/// Throws Error listing the names if there is none such.
WireType find_wire(std::string_view name);

/// What so many values take.
std::size_t wire_bytes(WireType type, std::size_t values);

/// Both sizes must belong together. A block with a value that is no number, or infinite, decodes to no numbers in int8.
void to_wire(WireType type, std::span<const float> values, std::span<std::byte> bytes);
void from_wire(WireType type, std::span<const std::byte> bytes, std::span<float> values);

/// to_wire() of values that this rank goes on with as others read them. What that takes away is added to `lost`, as
/// long as `values`, or empty.
void round_for_wire(WireType type, std::span<float> values, std::span<float> lost, std::span<std::byte> bytes);

}  // namespace covey
