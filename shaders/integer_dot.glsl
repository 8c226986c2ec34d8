// VK_KHR_shader_integer_dot_product: OpSDot of SPIR-V, which not every compiler of GLSL has a name for. The sum of four
// products of signed bytes; `packed` is 0, "four bytes to a word".
#extension GL_EXT_spirv_intrinsics : require
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6019, 6018], id = 4450)
int signed_dot(uint a, uint b, spirv_literal int packed);
