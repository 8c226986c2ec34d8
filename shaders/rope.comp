// Rotary embedding: an invocation turns one pair of one head. The host has computed cosines and sines.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"

layout(std430, binding = 0) buffer Values { float values[]; };
layout(std430, binding = 1) readonly buffer Turns { vec2 turns[]; };  // (tokens, pairs): cosine, sine
layout(push_constant) uniform Shape {
  uint count;  // of pairs, in all tokens and heads
  uint pairs;
  uint heads;
  uint head_dim;
  uint halves;  // RopePairs::halves
};

void main() {
  uint i = invocation_number();
  if (i >= count) return;
  uint pair = i % pairs, head = i / pairs, token = head / heads;
  vec2 turn = turns[token * pairs + pair];
  uint a = head * head_dim + (halves != 0u ? pair : 2u * pair);
  uint b = halves != 0u ? a + pairs : a + 1u;
  float x = values[a], y = values[b];
  values[a] = x * turn.x - y * turn.y;
  values[b] = x * turn.y + y * turn.x;
}
