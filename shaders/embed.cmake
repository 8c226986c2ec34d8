# Writes OUT, a source file with the SPIR-V of FILES (separated by |) as arrays: kernels/vulkan/vulkan_shaders.hpp.
string(REPLACE "|" ";" files "${FILES}")
set(arrays "")
set(entries "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME_WE)
  file(READ "${file}" hex HEX)
  # A word's four bytes, lowest first.
  string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1," words "${hex}")
  string(APPEND arrays "constexpr std::uint32_t k_${name}[] = {${words}};\n")
  string(APPEND entries "    {\"${name}\", k_${name}},\n")
endforeach()
file(WRITE "${OUT}" "// Generated from shaders/.
#include \"kernels/vulkan/vulkan_shaders.hpp\"

namespace covey {
namespace {

${arrays}
constexpr VulkanShader kShaders[] = {
${entries}};

}  // namespace

std::span<const VulkanShader> vulkan_shaders() { return kShaders; }

}  // namespace covey
")
