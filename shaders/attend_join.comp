// Joins the spans of attend.comp, in order: a workgroup for each query head of a token.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "join.glsl"

layout(std430, binding = 0) readonly buffer Parts { float parts[]; };  // (tokens, heads, spans, head_dim + 2)
layout(std430, binding = 1) readonly buffer Tokens { uint tokens_of_batch[]; };
layout(std430, binding = 2) writeonly buffer Out { float values_out[]; };
layout(push_constant) uniform Shape {
  uint tokens;
  uint heads;
  uint head_dim;
  uint window;
  uint spans;
};

const uint kSpan = 256u;

void main() {
  uint row = group_number();
  if (row >= tokens * heads) return;
  uint last = tokens_of_batch[row / heads];
  uint first = window > 0u && last >= window ? last - window + 1u : 0u;
  for (uint d = lane_number(); d < head_dim; d += kLanes) {
    vec2 state = vec2(kNone, 0.0);
    precise float value = 0.0;
    for (uint span = first / kSpan; span <= last / kSpan; ++span) {
      // What attend.comp has joined with nothing before it is joined with nothing before it once more: exactly itself.
      uint at = (row * spans + span) * (head_dim + 2u);
      Joint joint = join(state, vec2(parts[at + head_dim], parts[at + head_dim + 1u]));
      value = joined_value(joint, value, parts[at + d]);
      state = joint.state;
    }
    values_out[row * head_dim + d] = value / state.y;
  }
}
