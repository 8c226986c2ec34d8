// Reading what kv.glsl lays out: four dimensions of a key, one of a value. `head_start` is the word where a head of a
// block begins. Wants `keys`, `key_scales`, `values`, `quads` and `block_tokens`.
#if KV_WORDS == 4
vec4 key_quad(uint head_start, uint quad, uint token) {
  return uintBitsToFloat(keys[head_start / 4u + quad * block_tokens + token]);
}
float value_at(uint head_start, uint token, uint d) {
  return uintBitsToFloat(values[head_start + token * quads * 4u + d]);
}
#elif KV_WORDS == 2
vec4 key_quad(uint head_start, uint quad, uint token) {
  uvec2 both = keys[head_start / 2u + quad * block_tokens + token];
  return vec4(unpackHalf2x16(both.x), unpackHalf2x16(both.y));
}
float value_at(uint head_start, uint token, uint d) {
  vec2 both = unpackHalf2x16(values[head_start + token * quads * 2u + (d >> 1)]);
  return (d & 1u) != 0u ? both.y : both.x;
}
#else
vec4 key_quad(uint head_start, uint quad, uint token) {
  int word = int(keys[head_start + quad * block_tokens + token]);
  float factor = key_scales[head_start + (quads + (quad >> 3)) * block_tokens + token];
  return factor * vec4(ivec4(word << 24, word << 16, word << 8, word) >> 24);
}
float value_at(uint head_start, uint token, uint d) {
  int word = int(values[head_start + token * quads + (d >> 2)]);
  float factor = uintBitsToFloat(values[head_start + (quads + (d >> 5)) * block_tokens + token]);
  return factor * float((word << (24u - 8u * (d & 3u))) >> 24);
}
#endif
