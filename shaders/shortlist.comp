// The likeliest tokens of rows of logits, laid out as kernels/shortlist.hpp describes. A workgroup for each part of a
// row: of a thousand logits, or of what was found in several parts, which it makes one.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "groups.glsl"
#include "sums.glsl"

layout(std430, binding = 0) readonly buffer In { uint bits_in[]; };   // (rows, values), or a shortlist for each value
layout(std430, binding = 1) writeonly buffer Out { vec2 found[]; };  // (rows, parts, keep + 1)
layout(push_constant) uniform Shape {
  uint groups;  // parts of all rows
  uint parts;   // of a row
  uint values;  // of a row: logits, or parts of the round before
  uint of_part; // so many of them go to a part
  uint keep;
  uint merges;  // parts of the round before
  uint sorted;  // a power of two: so many entries at most
};

const uint kMostEntries = 1024u;
const uint kNobody = 1u << 24;           // a token after all others
const uint kMinusInfinity = 0x007fffffu;  // its key
shared uint keys[kMostEntries];
shared uint tokens[kMostEntries];

// Keys order as the floats do, zeros as equals: what is no number is minus infinity, plus infinity the largest number.
uint key_of(uint bits) {
  if ((bits & 0x7fffffffu) > 0x7f800000u) return kMinusInfinity;
  if (bits == 0x7f800000u) bits = 0x7f7fffffu;
  if (bits == 0x80000000u) bits = 0u;
  return (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
}
float value_of(uint key) { return uintBitsToFloat((key & 0x80000000u) != 0u ? key & 0x7fffffffu : ~key); }

bool before(uint a, uint b) { return keys[a] > keys[b] || (keys[a] == keys[b] && tokens[a] < tokens[b]); }

void set(uint entry, uint key, uint token) {
  keys[entry] = key;
  tokens[entry] = token;
}

void exchange(uint a, uint b) {
  uint key = keys[a], token = tokens[a];
  set(a, keys[b], tokens[b]);
  set(b, key, token);
}

// The largest logit of all in the part, and the sum of exp(logit - largest).
vec2 take_logits(uint row, uint first) {
  float largest = value_of(kMinusInfinity);
  for (uint i = lane_number(); i < sorted; i += kLanes) {
    uint token = first + i;
    bool there = token < values;
    set(i, there ? key_of(bits_in[row * values + token]) : kMinusInfinity, there ? token : kNobody);
    largest = max(largest, value_of(keys[i]));
  }
  largest = largest_over_lanes(largest);
  float sum = 0.0;
  for (uint i = lane_number(); i < sorted; i += kLanes) {
    if (keys[i] != kMinusInfinity) sum += exp(value_of(keys[i]) - largest);
  }
  return vec2(largest, sum_over_lanes(sum));
}

vec2 take_parts(uint row, uint first) {
  uint there = min(of_part, values - first), width = 2u * (keep + 1u), start = (row * values + first) * width;
  for (uint i = lane_number(); i < sorted; i += kLanes) {
    uint at = start + i / keep * width + i % keep * 2u;
    bool is_there = i < there * keep;
    set(i, is_there ? key_of(bits_in[at]) : kMinusInfinity,
        is_there ? uint(uintBitsToFloat(bits_in[at + 1u])) : kNobody);
  }
  float largest = value_of(kMinusInfinity);
  for (uint i = lane_number(); i < there; i += kLanes) {
    largest = max(largest, uintBitsToFloat(bits_in[start + i * width + 2u * keep]));
  }
  largest = largest_over_lanes(largest);
  float sum = 0.0;
  for (uint i = lane_number(); i < there; i += kLanes) {
    uint at = start + i * width + 2u * keep;
    if (key_of(bits_in[at]) == kMinusInfinity) continue;
    sum = fma(uintBitsToFloat(bits_in[at + 1u]), exp(uintBitsToFloat(bits_in[at]) - largest), sum);
  }
  return vec2(largest, sum_over_lanes(sum));
}

// A bitonic network: Batcher, "Sorting networks and their applications", 1968.
void sort() {
  for (uint size = 2u; size <= sorted; size <<= 1) {
    for (uint step = size >> 1; step > 0u; step >>= 1) {
      for (uint i = lane_number(); i < sorted / 2u; i += kLanes) {
        uint low = 2u * i - (i & (step - 1u)), high = low + step;
        if (((low & size) == 0u) == before(high, low)) exchange(low, high);
      }
      barrier();
    }
  }
}

void best_first() {
  for (uint half_of = sorted / 2u; half_of > 0u; half_of >>= 1) {
    for (uint i = lane_number(); i < half_of; i += kLanes) {
      if (before(i + half_of, i)) exchange(i, i + half_of);
    }
    barrier();
  }
}

void main() {
  uint group = group_number();
  if (group >= groups) return;
  uint row = group / parts, first = group % parts * of_part;
  vec2 all = merges != 0u ? take_parts(row, first) : take_logits(row, first);
  if (keep == 1u) best_first(); else sort();
  uint at = group * (keep + 1u);
  for (uint i = lane_number(); i < keep; i += kLanes) found[at + i] = vec2(value_of(keys[i]), float(tokens[i]));
  if (lane_number() == 0u) found[at + keep] = all;
}
