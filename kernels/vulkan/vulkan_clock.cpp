#include "kernels/vulkan/vulkan_clock.hpp"

#include <algorithm>
#include <string>

namespace covey {

VulkanClock::VulkanClock(const VulkanContext& context) : context_(context) {
  const std::uint32_t bits = context_.physical().timestamp_bits;
  if (!context_.options().timed || bits == 0) return;
  mask_ = bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  VkQueryPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = kMarks;
  context_.call("vkCreateQueryPool", context_.api().CreateQueryPool, context_.device(), &info, nullptr, &pool_);
}

VulkanClock::~VulkanClock() {
  if (pool_ != VK_NULL_HANDLE) context_.api().DestroyQueryPool(context_.device(), pool_, nullptr);
}

void VulkanClock::begin(VkCommandBuffer commands) {
  works_.clear();
  if (pool_ == VK_NULL_HANDLE) return;
  context_.api().CmdResetQueryPool(commands, pool_, 0, kMarks);
  context_.api().CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool_, 0);
}

void VulkanClock::mark(VkCommandBuffer commands, std::string_view work) {
  if (pool_ == VK_NULL_HANDLE || full()) return;
  works_.push_back(work);
  context_.api().CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool_,
                                   static_cast<std::uint32_t>(works_.size()));
}

void VulkanClock::add_to(std::vector<OperationTime>& times) {
  if (pool_ == VK_NULL_HANDLE || works_.empty()) return;
  std::vector<std::uint64_t> ticks(works_.size() + 1);
  context_.call("vkGetQueryPoolResults", context_.api().GetQueryPoolResults, context_.device(), pool_, 0U,
                static_cast<std::uint32_t>(ticks.size()), ticks.size() * sizeof(ticks[0]),
                static_cast<void*>(ticks.data()), VkDeviceSize{sizeof(ticks[0])},
                VkQueryResultFlags{VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT});
  const double tick = 1e-9 * static_cast<double>(context_.limits().timestampPeriod);
  std::uint64_t last = ticks[0] & mask_;
  for (std::size_t i = 0; i < works_.size(); ++i) {
    const std::uint64_t now = ticks[i + 1] & mask_;
    // A later command may be done before an earlier one: it has added nothing.
    const std::uint64_t taken = (now - last) & mask_;
    if (taken > mask_ / 2) continue;
    last = now;
    auto entry = std::find_if(times.begin(), times.end(), [&](const auto& t) { return t.operation == works_[i]; });
    if (entry == times.end()) entry = times.insert(times.end(), {std::string(works_[i]), 0, 0});
    entry->seconds += tick * static_cast<double>(taken);
    ++entry->count;
  }
  works_.clear();
}

}  // namespace covey
