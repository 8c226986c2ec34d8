// Attention of a piece of a prompt: a workgroup takes one query head of 16 neighbouring tokens, which see nearly the same
// positions, so that keys and values come from memory once for all of them. 64 positions at a time, each a lane's, with
// the softmax of each token carried along.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "kv.glsl"
#include "activation.glsl"
#include "join.glsl"

layout(constant_id = 0) const uint kDims = 1;  // that a lane has of a head: dimensions lane, lane + 64, …

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
  uint tables_at;
};
#include "kv_values.glsl"

const uint kTokens = 16u;
const uint kPieceQuads = 8u;  // dimensions whose queries lie in shared memory at once: 32
shared vec4 query[kTokens * kPieceQuads];
shared float weight[kTokens * kLanes];  // scores, then what is made of them
shared uvec2 values_at[kLanes];
shared vec2 state[kTokens];
shared vec2 factors[kTokens];  // of what was before, and of what these positions add

// Of the lane's position with all tokens. Every lane takes part, with or without a position.
void score(uint first_row, uint count, uint head_start, uint token_in_block, bool there, out float scores[kTokens]) {
  for (uint t = 0u; t < kTokens; ++t) scores[t] = 0.0;
  for (uint from = 0u; from < quads; from += kPieceQuads) {
    barrier();
    for (uint i = lane_number(); i < kTokens * kPieceQuads * 4u; i += kLanes) {
      uint t = i / (kPieceQuads * 4u), d = 4u * from + i % (kPieceQuads * 4u);
      query[i >> 2][i & 3u] = t < count && d < head_dim ? queries[(first_row + t * heads) * head_dim + d] : 0.0;
    }
    barrier();
    for (uint i = 0u; there && i < kPieceQuads && from + i < quads; ++i) {
      vec4 key = key_quad(head_start, from + i, token_in_block);
      for (uint t = 0u; t < kTokens; ++t) scores[t] += dot(query[t * kPieceQuads + i], key);
    }
  }
}

void main() {
  uint row = group_number(), lane = lane_number();
  uint tiles = (tokens + kTokens - 1u) / kTokens;
  if (row >= tiles * heads) return;
  uint head = row % heads, first_token = row / heads * kTokens, count = min(kTokens, tokens - first_token);
  uint kv_head = (first_query + head) / group, table = tokens_of_batch[tables_at + first_token];
  uint first_row = first_token * heads + head;
  uint last = tokens_of_batch[first_token + count - 1u], earliest = tokens_of_batch[first_token];
  uint first = window > 0u && earliest >= window ? earliest - window + 1u : 0u;

  if (lane < kTokens) state[lane] = vec2(kNone, 0.0);
  float sums[kTokens * kDims];
  for (uint i = 0u; i < kTokens * kDims; ++i) sums[i] = 0.0;
  for (uint start = first / kLanes * kLanes; start <= last; start += kLanes) {
    uint position = start + lane;
    bool there = position >= first && position <= last;
    uint head_start = 0u, token_in_block = position % block_tokens;
    if (there) head_start = (tokens_of_batch[table + position / block_tokens] * kv_heads + kv_head) * head_words;
    values_at[lane] = uvec2(head_start, token_in_block);
    float scores[kTokens];
    score(first_row, count, head_start, token_in_block, there, scores);
    for (uint t = 0u; t < kTokens; ++t) {
      uint own = tokens_of_batch[first_token + min(t, count - 1u)];
      bool seen = there && position <= own && (window == 0u || position + window > own);
      float value = scores[t] * scale;
      if (softcap > 0.0) value = softcap * exact_tanh(value / softcap);
      weight[t * kLanes + lane] = seen ? value : kNone;
    }
    barrier();
    if (lane < kTokens) {
      float largest = kNone, sum = 0.0;
      for (uint i = 0u; i < kLanes; ++i) largest = max(largest, weight[lane * kLanes + i]);
      for (uint i = 0u; i < kLanes; ++i) {
        float score_here = weight[lane * kLanes + i];
        float part = score_here > kNone ? exp(score_here - largest) : 0.0;
        weight[lane * kLanes + i] = part;
        sum += part;
      }
      factors[lane] = vec2(1.0, 0.0);  // nothing is seen here
      if (sum > 0.0) {
        Joint joint = join(state[lane], vec2(largest, sum));
        state[lane] = joint.state;
        factors[lane] = vec2(joint.before, joint.here);
      }
    }
    barrier();
    uint end = min(kLanes, last - start + 1u), begin = max(first, start) - start;
    for (uint n = 0u; n < kDims; ++n) {
      uint d = lane + n * kLanes;
      float here[kTokens];
      for (uint t = 0u; t < kTokens; ++t) here[t] = 0.0;
      for (uint i = begin; i < end && d < head_dim; ++i) {
        float value = value_at(values_at[i].x, values_at[i].y, d);
        for (uint t = 0u; t < kTokens; ++t) here[t] = fma(weight[t * kLanes + i], value, here[t]);
      }
      for (uint t = 0u; t < kTokens; ++t) {
        sums[t * kDims + n] = fma(sums[t * kDims + n], factors[t].x, here[t] * factors[t].y);
      }
    }
    barrier();  // weights are used up
  }
  for (uint n = 0u; n < kDims; ++n) {
    uint d = lane + n * kLanes;
    for (uint t = 0u; t < count && d < head_dim; ++t) {
      values_out[(first_row + t * heads) * head_dim + d] = sums[t * kDims + n] / state[t].y;
    }
  }
}
