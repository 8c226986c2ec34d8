#include "kernels/vulkan/vulkan_api.hpp"

#include <dlfcn.h>

namespace covey {
namespace {

/// The loader unloads drivers when the last instance goes, and loads them again for the next. One that nobody uses,
/// and that is there until the process ends, keeps them: loading takes long, and drivers do not like to be unloaded.
/// False if there are none.
bool keep_drivers(PFN_vkGetInstanceProcAddr get) {
  static VkInstance kept = VK_NULL_HANDLE;
  const auto create = reinterpret_cast<PFN_vkCreateInstance>(get(nullptr, "vkCreateInstance"));
  const auto enumerate = reinterpret_cast<PFN_vkEnumerateInstanceVersion>(get(nullptr, "vkEnumerateInstanceVersion"));
  if (create == nullptr || enumerate == nullptr) return true;
  VkInstanceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  const VkResult made = create(&info, nullptr, &kept);
  if (made != VK_SUCCESS) kept = VK_NULL_HANDLE;  // whoever makes the next says why
  return made != VK_ERROR_INCOMPATIBLE_DRIVER;
}

/// Stays loaded until the process ends, too.
PFN_vkGetInstanceProcAddr loader() {
  static const auto found = []() -> PFN_vkGetInstanceProcAddr {
    void* const library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return nullptr;
    const auto get = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
    return get != nullptr && keep_drivers(get) ? get : nullptr;
  }();
  return found;
}

}  // namespace

bool VulkanApi::load() {
  GetInstanceProcAddr = loader();
  if (GetInstanceProcAddr == nullptr) return false;
#define COVEY_VULKAN_FIND(name) name = reinterpret_cast<PFN_vk##name>(GetInstanceProcAddr(nullptr, "vk" #name));
  COVEY_VULKAN_GLOBAL(COVEY_VULKAN_FIND)
#undef COVEY_VULKAN_FIND
  return CreateInstance != nullptr && EnumerateInstanceVersion != nullptr;
}

void VulkanApi::load_of(VkInstance instance) {
#define COVEY_VULKAN_FIND(name) name = reinterpret_cast<PFN_vk##name>(GetInstanceProcAddr(instance, "vk" #name));
  COVEY_VULKAN_OF_INSTANCE(COVEY_VULKAN_FIND)
#undef COVEY_VULKAN_FIND
}

void VulkanApi::load_of(VkDevice device) {
#define COVEY_VULKAN_FIND(name) name = reinterpret_cast<PFN_vk##name>(GetDeviceProcAddr(device, "vk" #name));
  COVEY_VULKAN_OF_DEVICE(COVEY_VULKAN_FIND)
#undef COVEY_VULKAN_FIND
}

}  // namespace covey
