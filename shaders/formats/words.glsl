// What the decoding of all formats is made of. A row of weights lies on the device as
//
//   | block 0: W words | block 1: W words | … | d of block 0, d of block 1 | d of blocks 2, 3 | …
//
// where the second part exists for formats whose blocks are not whole words: their fp16 scale stands apart.
layout(std430, binding = 0) readonly buffer Weights { uint weights[]; };

// Whether the device's own conversion of fp16 keeps subnormal numbers. Where it may take them for zero it is done by
// hand: scales of K-quants are often subnormal.
layout(constant_id = 8) const bool kOwnConversion = false;

float half_of(uint bits) {
  uint magnitude = bits & 0x7fffu;
  uint exponent = magnitude >> 10;
  float value = exponent == 0u ? float(magnitude) * 5.9604644775390625e-8
                               : uintBitsToFloat((magnitude << 13) + (exponent == 31u ? 224u << 23 : 112u << 23));
  return (bits & 0x8000u) != 0u ? -value : value;
}
vec2 both_halves(uint word) {
  return kOwnConversion ? unpackHalf2x16(word) : vec2(half_of(word & 0xffffu), half_of(word >> 16));
}
float low_half(uint word) { return kOwnConversion ? unpackHalf2x16(word).x : half_of(word & 0xffffu); }
float half_at(uint base, uint index) { return low_half(weights[base + (index >> 1)] >> (16u * (index & 1u))); }

// Codes come four to a word, one in each byte. Masks of so many bits in each of them:
const uint kOne = 0x01010101u, kTwo = 0x03030303u, kFour = 0x0f0f0f0fu;

// The bits from `shift` on of each byte. What comes over from the next byte must not be in the mask.
uint fields(uint word, uint shift, uint mask) { return (word >> shift) & mask; }
// Bits `from` to `from` + 3, one to a byte: the product puts copies of them side by side, none on another.
uint bits_of(uint word, uint from) { return (((word >> from) & 15u) * 0x00204081u) & kOne; }
// Bytes below 128 less `zero`, signed: their highest bits keep them from borrowing of each other.
uvec2 minus(uvec2 words, uint zero) { return ((words | 0x80808080u) - zero * kOne) ^ 0x80808080u; }
vec4 signed_bytes(uint word) {
  ivec4 bytes = ivec4(int(word) << 24, int(word) << 16, int(word) << 8, int(word));
  return vec4(bytes >> 24);
}
// Byte number `index` from word `base` on.
uint byte_at(uint base, uint index) { return (weights[base + (index >> 2)] >> (8u * (index & 3u))) & 0xffu; }
