#include "kernels/vulkan/vulkan_instance.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "covey/error.hpp"

namespace covey {
namespace {

constexpr const char* kValidation = "VK_LAYER_KHRONOS_validation";

VKAPI_ATTR VkBool32 VKAPI_CALL pass_message_on(VkDebugUtilsMessageSeverityFlagBitsEXT /*severity*/,
                                               VkDebugUtilsMessageTypeFlagsEXT /*type*/,
                                               const VkDebugUtilsMessengerCallbackDataEXT* data, void* options) {
  static_cast<const VulkanOptions*>(options)->on_message(data->pMessage);
  return VK_FALSE;
}

VkDebugUtilsMessengerCreateInfoEXT messenger_info(VulkanOptions& options) {
  VkDebugUtilsMessengerCreateInfoEXT info{};
  info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
  info.messageSeverity =
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
  info.pfnUserCallback = pass_message_on;
  info.pUserData = &options;
  return info;
}

const char* kind_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "software";
    default:
      return "other";
  }
}

int rank_of(VkPhysicalDeviceType type) {
  constexpr VkPhysicalDeviceType kOrder[] = {VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
                                             VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
                                             VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU, VK_PHYSICAL_DEVICE_TYPE_OTHER};
  return static_cast<int>(std::find(std::begin(kOrder), std::end(kOrder), type) - std::begin(kOrder));
}

std::string version_text(std::uint32_t version) {
  return std::to_string(VK_API_VERSION_MAJOR(version)) + "." + std::to_string(VK_API_VERSION_MINOR(version)) + "." +
         std::to_string(VK_API_VERSION_PATCH(version));
}

}  // namespace

bool VulkanCandidate::has(std::string_view extension) const {
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

VulkanInstance::VulkanInstance(const VulkanOptions& options) : options_(options) {
  if (!api.load()) throw Error(vulkan_missing());
  std::uint32_t version = VK_API_VERSION_1_0;
  call("vkEnumerateInstanceVersion", api.EnumerateInstanceVersion, &version);
  if (version < VK_API_VERSION_1_1) throw Error("Vulkan: the loader knows 1.0 only: install a newer libvulkan");

  VkApplicationInfo application{};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.pApplicationName = "covey";
  application.apiVersion = VK_API_VERSION_1_1;
  VkInstanceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.pApplicationInfo = &application;

  bool validate = false;
  if (options_.on_message) {
    std::uint32_t count = 0;
    api.EnumerateInstanceLayerProperties(&count, nullptr);
    std::vector<VkLayerProperties> layers(count);
    api.EnumerateInstanceLayerProperties(&count, layers.data());
    validate = std::any_of(layers.begin(), layers.end(),
                           [](const auto& layer) { return std::strcmp(layer.layerName, kValidation) == 0; });
  }
  VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(options_);
  const char* const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
  const VkValidationFeatureEnableEXT enabled[] = {VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  VkValidationFeaturesEXT features{};
  features.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT;
  features.enabledValidationFeatureCount = 1;
  features.pEnabledValidationFeatures = enabled;
  if (validate) {
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = &kValidation;
    info.enabledExtensionCount = 1;
    info.ppEnabledExtensionNames = extensions;
    info.pNext = &messenger;  // for the making and the end of the instance itself
    if (options_.check_synchronization) messenger.pNext = &features;
  }
  call("vkCreateInstance", api.CreateInstance, &info, nullptr, &instance_);
  api.load_of(instance_);
  if (!validate) return;
  messenger.pNext = nullptr;
  const auto create = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
      api.GetInstanceProcAddr(instance_, "vkCreateDebugUtilsMessengerEXT"));
  if (create != nullptr) create(instance_, &messenger, nullptr, &messenger_);
}

VulkanInstance::~VulkanInstance() {
  if (messenger_ != VK_NULL_HANDLE) {
    const auto destroy = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
        api.GetInstanceProcAddr(instance_, "vkDestroyDebugUtilsMessengerEXT"));
    destroy(instance_, messenger_, nullptr);
  }
  if (instance_ != VK_NULL_HANDLE) api.DestroyInstance(instance_, nullptr);
}

std::vector<VulkanCandidate> VulkanInstance::candidates() const {
  std::uint32_t count = 0;
  // The loader says so where there is no driver.
  const VkResult any = try_call("vkEnumeratePhysicalDevices", api.EnumeratePhysicalDevices, instance_, &count, nullptr);
  if (any == VK_ERROR_INITIALIZATION_FAILED || any == VK_ERROR_INCOMPATIBLE_DRIVER) return {};
  if (any < 0) throw_vulkan_error(any, "vkEnumeratePhysicalDevices", {});
  std::vector<VkPhysicalDevice> devices(count);
  call("vkEnumeratePhysicalDevices", api.EnumeratePhysicalDevices, instance_, &count, devices.data());
  devices.resize(count);

  std::vector<VulkanCandidate> found;
  for (const VkPhysicalDevice device : devices) {
    std::uint32_t families = 0;
    api.GetPhysicalDeviceQueueFamilyProperties(device, &families, nullptr);
    std::vector<VkQueueFamilyProperties> queues(families);
    api.GetPhysicalDeviceQueueFamilyProperties(device, &families, queues.data());
    const auto computes = std::find_if(queues.begin(), queues.end(), [](const VkQueueFamilyProperties& family) {
      return (family.queueFlags & VK_QUEUE_COMPUTE_BIT) != 0;
    });
    if (computes == queues.end()) continue;
    VulkanCandidate candidate = describe(device);
    if (candidate.properties.apiVersion < VK_API_VERSION_1_1) continue;
    candidate.queue_family = static_cast<std::uint32_t>(computes - queues.begin());
    candidate.timestamp_bits = computes->timestampValidBits;
    if (candidate.timestamp_bits > 0) candidate.info.features.emplace_back("clock");
    found.push_back(std::move(candidate));
  }
  std::stable_sort(found.begin(), found.end(), [](const VulkanCandidate& a, const VulkanCandidate& b) {
    return rank_of(a.properties.deviceType) < rank_of(b.properties.deviceType);
  });
  for (std::size_t i = 0; i < found.size(); ++i) found[i].info.index = static_cast<std::int32_t>(i);
  return found;
}

VulkanCandidate VulkanInstance::describe(VkPhysicalDevice device) const {
  VulkanCandidate candidate;
  candidate.handle = device;
  std::uint32_t count = 0;
  api.EnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> extensions(count);
  api.EnumerateDeviceExtensionProperties(device, nullptr, &count, extensions.data());
  for (const VkExtensionProperties& extension : extensions) candidate.extensions.emplace_back(extension.extensionName);

  VkPhysicalDeviceDriverProperties driver{};
  driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
  VkPhysicalDeviceProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  const bool named = candidate.has(VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME);
  if (named) properties.pNext = &driver;
  api.GetPhysicalDeviceProperties2(device, &properties);
  candidate.properties = properties.properties;

  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{};
  budget.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT;
  VkPhysicalDeviceMemoryProperties2 memory{};
  memory.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
  const bool budgeted = candidate.has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  if (budgeted) memory.pNext = &budget;
  api.GetPhysicalDeviceMemoryProperties2(device, &memory);

  VulkanDeviceInfo& info = candidate.info;
  info.name = candidate.properties.deviceName;
  info.kind = kind_of(candidate.properties.deviceType);
  info.api = version_text(candidate.properties.apiVersion);
  info.driver = named ? std::string(driver.driverName) + " " + driver.driverInfo
                      : "version " + version_text(candidate.properties.driverVersion);
  info.binding_bytes = candidate.properties.limits.maxStorageBufferRange;
  for (std::uint32_t i = 0; i < memory.memoryProperties.memoryHeapCount; ++i) {
    const VkMemoryHeap& heap = memory.memoryProperties.memoryHeaps[i];
    if ((heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) == 0 || heap.size <= info.memory_bytes) continue;
    info.memory_bytes = heap.size;
    const std::uint64_t used = budgeted ? budget.heapUsage[i] : 0;
    info.free_bytes = budgeted ? budget.heapBudget[i] - std::min(used, budget.heapBudget[i]) : heap.size;
  }
  const bool unified = [&] {
    constexpr VkMemoryPropertyFlags kBoth = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                            VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    const VkPhysicalDeviceMemoryProperties& all = memory.memoryProperties;
    return std::any_of(all.memoryTypes, all.memoryTypes + all.memoryTypeCount,
                       [](const VkMemoryType& type) { return (type.propertyFlags & kBoth) == kBoth; });
  }();
  if (unified) info.features.emplace_back("host-visible memory");
  if (budgeted) info.features.emplace_back("memory budget");
  candidate.features = find_features(instance_, api, device, candidate.extensions);
  const VulkanFeatures& features = candidate.features;
  if (features.timeline) info.features.emplace_back("timeline semaphores");
  if (features.subgroups) info.features.emplace_back("subgroup arithmetic");
  if (features.halves) info.features.emplace_back("fp16");
  if (features.half_conversion) info.features.emplace_back("conversion of fp16");
  if (features.integer_dot) {
    info.features.emplace_back(features.integer_dot_fast ? "integer dot product" : "integer dot product (slow)");
  }
  if (features.cooperative != Cooperative::none) {
    info.features.emplace_back(features.cooperative == Cooperative::khr ? "cooperative matrices"
                                                                        : "cooperative matrices (NV)");
  }
  return candidate;
}

}  // namespace covey
