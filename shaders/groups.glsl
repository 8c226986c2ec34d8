// How work is numbered. A grid has at most 65535 workgroups along an axis, so long ones are folded over x and y.
layout(local_size_x = 64) in;
const uint kLanes = 64;

uint group_number() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }
uint lane_number() { return gl_LocalInvocationID.x; }
uint invocation_number() { return group_number() * kLanes + lane_number(); }
