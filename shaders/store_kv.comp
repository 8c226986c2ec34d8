// Puts keys and values of the batch's tokens in the cache: an invocation packs 4 dimensions of one head, in Q8_0 32.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "kv.glsl"

layout(std430, binding = 0) readonly buffer K { float k[]; };
layout(std430, binding = 1) readonly buffer V { float v[]; };
layout(std430, binding = 2) writeonly buffer Keys { uint keys[]; };
layout(std430, binding = 3) writeonly buffer Values { uint values[]; };
layout(std430, binding = 4) readonly buffer Tokens { uint tokens_of_batch[]; };
layout(push_constant) uniform Shape {
  uint count;
  uint heads;
  uint head_dim;
  uint quads;        // of dimensions, in a head
  uint block_tokens;
  uint head_words;
  uint places_at;    // in tokens_of_batch
};

vec4 four(bool of_values, uint at, uint d) {
  vec4 result = vec4(0.0);
  for (uint i = 0u; i < 4u; ++i) {
    if (d + i < head_dim) result[i] = of_values ? v[at + d + i] : k[at + d + i];
  }
  return result;
}

void put(bool of_values, uint at, uint word) {
  if (of_values) {
    values[at] = word;
  } else {
    keys[at] = word;
  }
}

#if KV_WORDS == 1
uint pack_signed(ivec4 q) {
  uvec4 bytes = uvec4(q) & 255u;
  return bytes.x | bytes.y << 8 | bytes.z << 16 | bytes.w << 24;
}

void store(bool of_values, uint in_at, uint head_start, uint piece, uint token) {
  float largest = 0.0;
  for (uint i = 0u; i < 8u; ++i) {
    vec4 sizes = abs(four(of_values, in_at, 32u * piece + 4u * i));
    largest = max(largest, max(max(sizes.x, sizes.y), max(sizes.z, sizes.w)));
  }
  float scale = largest / 127.0;
  float inverse = scale > 0.0 ? 1.0 / scale : 0.0;
  put(of_values, head_start + quads * block_tokens + piece * block_tokens + token, floatBitsToUint(scale));
  for (uint i = 0u; i < 8u; ++i) {
    ivec4 q = clamp(ivec4(roundEven(four(of_values, in_at, 32u * piece + 4u * i) * inverse)), -127, 127);
    uint quad = 8u * piece + i;
    put(of_values, head_start + (of_values ? token * quads + quad : quad * block_tokens + token), pack_signed(q));
  }
}
#else
#include "half_bits.glsl"

void store(bool of_values, uint in_at, uint head_start, uint quad, uint token) {
  vec4 numbers = four(of_values, in_at, 4u * quad);
  uint at = head_start + (of_values ? token * quads + quad : quad * block_tokens + token) * KV_WORDS;
#if KV_WORDS == 4
  for (uint i = 0u; i < 4u; ++i) put(of_values, at + i, floatBitsToUint(numbers[i]));
#else
  put(of_values, at, half_bits(numbers.x) | half_bits(numbers.y) << 16);
  put(of_values, at + 1u, half_bits(numbers.z) | half_bits(numbers.w) << 16);
#endif
}
#endif

void main() {
  uint i = invocation_number();
  if (i >= count) return;
  uint parts = KV_WORDS == 1 ? quads / 8u : quads;
  uint part = i % parts, head = i / parts % heads, t = i / (parts * heads);
  uint place = tokens_of_batch[places_at + t];
  uint head_start = (place / block_tokens * heads + head) * head_words;
  uint in_at = (t * heads + head) * head_dim;
  store(false, in_at, head_start, part, place % block_tokens);
  store(true, in_at, head_start, part, place % block_tokens);
}
