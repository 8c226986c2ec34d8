// Attention of one query head of one token over its positions: a workgroup each; with kSplit one for each span of them.
//
// Positions are cut in spans of 256 at the same places in every sequence. A span gives a maximum, a sum of exponentials
// and a weighted sum of values, and spans are joined in order of position: here one after the other, with kSplit by
// attend_join.comp. Both do the same operations, so that the bits don't tell which of them ran.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "sums.glsl"
#include "kv.glsl"
#include "activation.glsl"
#include "join.glsl"

layout(constant_id = 0) const uint kDims = 1;  // that a lane has of a head: dimensions lane, lane + 64, …
layout(constant_id = 1) const bool kSplit = false;

layout(std430, binding = 0) readonly buffer Queries { float queries[]; };
layout(std430, binding = 1) readonly buffer Keys { Quad keys[]; };
layout(std430, binding = 1) readonly buffer KeyScales { float key_scales[]; };
layout(std430, binding = 2) readonly buffer Values { uint values[]; };
layout(std430, binding = 3) readonly buffer Tokens { uint tokens_of_batch[]; };
layout(std430, binding = 4) writeonly buffer Out { float values_out[]; };
layout(push_constant) uniform Shape {
  uint tokens;
  uint heads;
  uint kv_heads;
  uint head_dim;
  uint quads;
  uint group;
  uint first_query;
  float scale;
  float softcap;
  uint window;
  uint block_tokens;
  uint head_words;
  uint tables_at;  // in tokens_of_batch: where each token's table of blocks begins, after the positions
  uint spans;      // kSplit: of the longest sequence
};

const uint kSpan = 256u;
const uint kMostDims = 1024u;
shared vec4 query[kMostDims / 4u];
shared float weight[kSpan];
shared uvec2 values_at[kSpan];  // word where the head begins, token in the block

#include "kv_values.glsl"

float score_of(uint head_start, uint token) {
  precise float sum = 0.0;
  for (uint i = 0u; i < quads; ++i) {
    vec4 q = query[i], key = key_quad(head_start, i, token);
    sum = fma(q.x, key.x, sum);
    sum = fma(q.y, key.y, sum);
    sum = fma(q.z, key.z, sum);
    sum = fma(q.w, key.w, sum);
  }
  sum *= scale;
  return softcap > 0.0 ? softcap * exact_tanh(sum / softcap) : sum;
}

// Maximum and sum of exponentials of one span; weights of its positions and where their values lie, in shared memory.
vec2 weigh(uint table, uint kv_head, uint span, uint first, uint last) {
  float scores[kSpan / kLanes];
  float largest = kNone;
  for (uint i = 0u; i < kSpan / kLanes; ++i) {
    uint at = i * kLanes + lane_number(), position = span * kSpan + at;
    scores[i] = kNone;
    if (position < first || position > last) continue;
    uint block = tokens_of_batch[table + position / block_tokens], token = position % block_tokens;
    uint head_start = (block * kv_heads + kv_head) * head_words;
    scores[i] = score_of(head_start, token);
    largest = max(largest, scores[i]);
    values_at[at] = uvec2(head_start, token);
  }
  largest = largest_over_lanes(largest);
  float sum = 0.0;
  for (uint i = 0u; i < kSpan / kLanes; ++i) {
    uint position = span * kSpan + i * kLanes + lane_number();
    float part = position < first || position > last ? 0.0 : exp(scores[i] - largest);
    weight[i * kLanes + lane_number()] = part;
    sum += part;
  }
  return vec2(largest, sum_over_lanes(sum));
}

float weighted_value(uint d, uint begin, uint end) {
  precise float sum = 0.0;
  for (uint i = begin; i < end; ++i) sum = fma(weight[i], value_at(values_at[i].x, values_at[i].y, d), sum);
  return sum;
}

void main() {
  uint row = group_number();
  if (row >= tokens * heads) return;
  uint lane = lane_number(), token = row / heads, head = row % heads;
  for (uint i = lane; i < 4u * quads; i += kLanes) {
    query[i >> 2][i & 3u] = i < head_dim ? queries[row * head_dim + i] : 0.0;
  }
  barrier();
  uint last = tokens_of_batch[token], table = tokens_of_batch[tables_at + token];
  uint first = window > 0u && last >= window ? last - window + 1u : 0u;
  uint kv_head = (first_query + head) / group;
  uint span = first / kSpan, end_span = last / kSpan + 1u;
  if (kSplit) {
    span = gl_WorkGroupID.z;
    if (span < first / kSpan || span >= end_span) return;
    end_span = span + 1u;
  }

  vec2 state = vec2(kNone, 0.0);
  precise float out_of[kDims];
  for (uint n = 0u; n < kDims; ++n) out_of[n] = 0.0;
  for (; span < end_span; ++span) {
    vec2 here = weigh(table, kv_head, span, first, last);
    uint start = span * kSpan;
    uint begin = max(first, start) - start, end = min(last - start + 1u, kSpan);
    Joint joint = join(state, here);
    for (uint n = 0u; n < kDims; ++n) {
      uint d = lane + n * kLanes;
      if (d < head_dim) out_of[n] = joined_value(joint, out_of[n], weighted_value(d, begin, end));
    }
    state = joint.state;
    barrier();  // weights are used up
  }

  uint at = kSplit ? (row * spans + gl_WorkGroupID.z) * (head_dim + 2u) : row * head_dim;
  for (uint n = 0u; n < kDims; ++n) {
    uint d = lane + n * kLanes;
    if (d < head_dim) values_out[at + d] = kSplit ? out_of[n] : out_of[n] / state.y;
  }
  if (kSplit && lane == 0u) {
    values_out[at + head_dim] = state.x;
    values_out[at + head_dim + 1u] = state.y;
  }
}
