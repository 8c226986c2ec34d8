#include "kernels/vulkan/vulkan_api.hpp"

#include <dlfcn.h>

namespace covey {
namespace {

/// Stays loaded until the process ends: drivers do not like to be unloaded.
PFN_vkGetInstanceProcAddr loader() {
  static const auto found = [] {
    void* const library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    return library == nullptr ? nullptr
                              : reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
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
