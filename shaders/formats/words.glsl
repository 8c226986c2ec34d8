// What the decoding of all formats is made of. A row of weights lies on the device as
//
//   | block 0: W words | block 1: W words | … | d of block 0, d of block 1 | d of blocks 2, 3 | …
//
// where the second part exists for formats whose blocks are not whole words: their fp16 scale stands apart.
layout(std430, binding = 0) readonly buffer Weights { uint weights[]; };

// By hand: conversions of the device may take subnormal numbers for zero, and scales of K-quants are often subnormal.
float half_of(uint bits) {
  uint magnitude = bits & 0x7fffu;
  uint exponent = magnitude >> 10;
  float value = exponent == 0u ? float(magnitude) * 5.9604644775390625e-8
                               : uintBitsToFloat((magnitude << 13) + (exponent == 31u ? 224u << 23 : 112u << 23));
  return (bits & 0x8000u) != 0u ? -value : value;
}
float low_half(uint word) { return half_of(word & 0xffffu); }
float high_half(uint word) { return half_of(word >> 16); }
float half_at(uint base, uint index) {
  return half_of(weights[base + (index >> 1)] >> (16u * (index & 1u)));
}

// Four bit fields, one in each byte of `word`, lowest byte first.
uvec4 fields(uint word, uint shift, uint mask) {
  return (uvec4(word, word >> 8, word >> 16, word >> 24) >> shift) & mask;
}
vec4 signed_bytes(uint word) {
  ivec4 bytes = ivec4(int(word) << 24, int(word) << 16, int(word) << 8, int(word));
  return vec4(bytes >> 24);
}
// One bit for each of four weights, at bits `from` to `from` + 3, moved to `place`.
uvec4 bits_of(uint word, uint from, uint place) {
  return ((uvec4(word, word >> 1, word >> 2, word >> 3) >> from) & 1u) << place;
}
// Byte number `index` from word `base` on.
uint byte_at(uint base, uint index) { return (weights[base + (index >> 2)] >> (8u * (index & 3u))) & 0xffu; }
