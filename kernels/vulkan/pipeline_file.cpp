#include "kernels/vulkan/pipeline_file.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace covey {
namespace {

namespace fs = std::filesystem;

constexpr char kMagic[8] = {'C', 'O', 'V', 'E', 'Y', 'V', 'K', '1'};
// Far more than pipelines of all shaders take.
constexpr std::uintmax_t kMostBytes = std::uintmax_t{256} << 20;

struct FileHead {
  char magic[8];
  std::uint64_t bytes;
  std::uint64_t hash;
};

std::uint64_t hash_of(const std::vector<std::byte>& data) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::byte byte : data) hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3U;
  return hash;
}

/// The folder; empty for none.
fs::path cache_folder(const VulkanOptions& options) {
  if (options.cache_folder) return *options.cache_folder;
  const char* const xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && xdg[0] == '/') return fs::path(xdg) / "covey";
  const char* const home = std::getenv("HOME");
  return home == nullptr || home[0] == '\0' ? fs::path() : fs::path(home) / ".cache" / "covey";
}

/// Named by the driver's own mark of what it compiles for.
fs::path file_path(const VulkanContext& context) {
  const fs::path folder = cache_folder(context.options());
  if (folder.empty()) return {};
  std::string name = "vulkan-";
  for (const std::uint8_t byte : context.physical().properties.pipelineCacheUUID) {
    const char* const digits = "0123456789abcdef";
    name += digits[byte >> 4];
    name += digits[byte & 15];
  }
  return folder / (name + "-" + std::to_string(context.physical().properties.driverVersion) + ".bin");
}

}  // namespace

std::vector<std::byte> read_pipeline_file(const VulkanContext& context) {
  const fs::path path = file_path(context);
  std::error_code error;
  const std::uintmax_t size = path.empty() ? 0 : fs::file_size(path, error);
  FileHead head{};
  if (error || size < sizeof(head) || size > kMostBytes) return {};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(&head), sizeof(head))) return {};
  if (std::memcmp(head.magic, kMagic, sizeof(kMagic)) != 0 || head.bytes != size - sizeof(head)) return {};
  std::vector<std::byte> data(static_cast<std::size_t>(head.bytes));
  if (!file.read(reinterpret_cast<char*>(data.data()), static_cast<std::streamsize>(data.size()))) return {};
  return hash_of(data) == head.hash ? data : std::vector<std::byte>{};
}

void write_pipeline_file(const VulkanContext& context, VkPipelineCache cache) noexcept {
  try {
    const fs::path path = file_path(context);
    if (path.empty()) return;
    const VulkanApi& api = context.api();
    std::size_t size = 0;
    if (api.GetPipelineCacheData(context.device(), cache, &size, nullptr) < 0 || size == 0) return;
    std::vector<std::byte> data(size);
    if (api.GetPipelineCacheData(context.device(), cache, &size, data.data()) != VK_SUCCESS) return;
    data.resize(size);
    FileHead head{};
    std::memcpy(head.magic, kMagic, sizeof(kMagic));
    head.bytes = data.size();
    head.hash = hash_of(data);

    std::error_code ignored;
    fs::create_directories(path.parent_path(), ignored);
    fs::path unfinished = path;
    unfinished += "." + std::to_string(getpid());
    std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(&head), sizeof(head));
    file.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
    file.close();
    if (file) {
      fs::rename(unfinished, path, ignored);
    } else {
      fs::remove(unfinished, ignored);
    }
  } catch (const std::exception&) {  // without a cache the next start is slower, no more
  }
}

}  // namespace covey
