#include "kernels/cpu/cpu_attention.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <limits>
#include <span>

namespace covey {
namespace {

// For decoding: spans that one token has room for at once. Longer contexts take further rounds.
constexpr std::int32_t kLeastSlots = 64;

// Multiplications a nanosecond, for the size of chunks only.
constexpr std::int64_t kAttentionPerNanosecond = 16;

std::size_t whole_lines(std::size_t floats) { return (floats + 15) / 16 * 16; }

std::int32_t tasks_tokens(const AttendSpec& spec) {
  return std::max(1, kMostAttendQueries / std::min(spec.group, spec.heads));
}

}  // namespace

// One attend(), or one round of it: spans begin to end.
struct CpuAttention::Call {
  const KvStore& kv;
  std::int32_t layer;
  const AttendSpec& spec;
  const BatchView& batch;
  const float* q;  // (tokens, heads, head_dim)
  float* out;      // (tokens, heads, head_dim)
  const IsaTable& isa;
  const AttentionPlan& plan;
  std::int32_t begin = 0;
  std::int32_t end = 0;

  std::int32_t span_tokens() const { return covey::span_tokens(kv.layout().block_tokens); }
  std::int32_t position(std::int32_t token) const { return batch.position[static_cast<std::size_t>(token)]; }
  std::int32_t first_seen(std::int32_t token) const { return covey::first_seen(position(token), spec.window); }
  std::int32_t first_span(std::int32_t token) const { return first_seen(token) / span_tokens(); }
  /// Whether the sums of a token's first span are at once those so far, as rows need no filling up.
  bool begins_in_place() const { return spec.head_dim == padded_head_dim(spec.head_dim); }
  std::span<const std::int32_t> tokens(const AttentionPlan::Task& task) const {
    return plan.order().subspan(static_cast<std::size_t>(task.first), static_cast<std::size_t>(task.count));
  }
  std::int64_t offset(std::int64_t token, std::int32_t head) const {
    return (token * spec.heads + head) * spec.head_dim;
  }
};

QueryHeads query_heads(const AttendSpec& spec, std::int32_t kv_head) noexcept {
  const std::int64_t begin = std::int64_t{kv_head} * spec.group - spec.first_query;
  const auto clamped = [&](std::int64_t head) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(head, 0, spec.heads));
  };
  return {clamped(begin), clamped(begin + spec.group)};
}

void CpuAttention::reserve(const KvLayout& layout, std::int32_t heads, std::int32_t max_tokens, int threads) {
  if (heads <= 0 || max_tokens <= 0 || layout.block_tokens <= 0) return;
  for (AttentionPlan& plan : plans_) plan.reserve(max_tokens);
  slots_ = std::max(max_tokens, kLeastSlots);
  max_tokens_ = max_tokens;
  heads_ = heads;
  scratch_floats_ = whole_lines(attend_scratch_floats(layout.head_dim, span_tokens(layout.block_tokens)));

  const char* const purpose = "attention";
  const std::size_t slot_factors[] = {static_cast<std::size_t>(slots_), static_cast<std::size_t>(heads),
                                      std::size_t{2} + static_cast<std::size_t>(padded_head_dim(layout.head_dim)),
                                      sizeof(float)};
  const std::size_t so_far_factors[] = {2, static_cast<std::size_t>(max_tokens), static_cast<std::size_t>(heads)};
  const std::size_t slot_floats = whole_lines(checked_product(slot_factors, purpose) / sizeof(float));
  const std::size_t so_far_floats = whole_lines(checked_product(so_far_factors, purpose));
  const std::size_t bytes[] = {slot_floats + so_far_floats + scratch_floats_ * static_cast<std::size_t>(threads),
                               sizeof(float)};
  memory_ = AlignedBuffer(checked_product(bytes, purpose), purpose);
  slot_sums_ = reinterpret_cast<float*>(memory_.data());
  so_far_ = slot_sums_ + slot_floats;
  scratch_ = so_far_ + so_far_floats;
}

AttendSums CpuAttention::slot(const AttendSpec& spec, std::int64_t index, std::int32_t first_head) const noexcept {
  const std::int64_t head = index * heads_ + first_head;
  float* const sums = slot_sums_ + slots_ * heads_;
  return {slot_sums_ + head, sums + head, sums + slots_ * heads_ + head * padded_head_dim(spec.head_dim)};
}

AttendSums CpuAttention::so_far(const Call& call, std::int64_t token, std::int32_t first_head) const noexcept {
  const std::int64_t head = token * heads_ + first_head;
  return {so_far_ + head, so_far_ + std::int64_t{max_tokens_} * heads_ + head,
          call.out + call.offset(token, first_head)};
}

std::span<const std::int32_t> CpuAttention::blocks_of(const Call& call, const AttentionPlan::Task& task) noexcept {
  const auto tokens = call.tokens(task);
  // The token that stands last knows all of them.
  const std::int32_t last = *std::max_element(tokens.begin(), tokens.end(), [&](std::int32_t a, std::int32_t b) {
    return call.position(a) < call.position(b);
  });
  return seen_blocks(call.batch, last, task.span, call.kv.layout().block_tokens, 0);
}

void CpuAttention::attend_task(const Call& call, const Work& work, const Work& next, int thread) const noexcept {
  const AttentionPlan::Task& task = *work.task;
  const std::int32_t kv_head = work.kv_head;
  const KvLayout& layout = call.kv.layout();
  const std::int32_t begin = task.span * call.span_tokens();
  const auto tokens = call.tokens(task);
  const ScoreRule rule{call.spec.scale, call.spec.softcap};
  const auto next_blocks = blocks_of(call, *next.task);
  const KvRun run = call.kv.run(call.layer, kv_head, blocks_of(call, task).data(), {next.kv_head, next_blocks});
  const AttendRun attend_run = kv_kernels(call.isa, layout).attend;
  float* const scratch = scratch_ + static_cast<std::size_t>(thread) * scratch_floats_;

  std::array<AttendQuery, kMostAttendQueries> queries;
  std::int32_t count = 0;
  const auto flush = [&] {
    if (count > 0) attend_run(run, call.spec.head_dim, rule, queries.data(), count, scratch);
    count = 0;
  };
  const QueryHeads heads = query_heads(call.spec, kv_head);
  const std::int64_t first_slot = std::int64_t{task.span - call.begin} * static_cast<std::int64_t>(call.batch.size());
  for (std::int32_t i = 0; i < task.count; ++i) {
    const std::int32_t token = tokens[static_cast<std::size_t>(i)];
    const std::int32_t seen = std::min(call.position(token) + 1 - begin, call.span_tokens());
    const std::int32_t first = std::max(call.first_seen(token) - begin, 0);
    const bool in_place = call.begins_in_place() && task.span == call.first_span(token);
    for (std::int32_t head = heads.first; head < heads.last; ++head) {
      const AttendSums to = in_place ? so_far(call, token, head) : slot(call.spec, first_slot + token, head);
      queries[static_cast<std::size_t>(count++)] = {
          call.q + call.offset(token, head), seen, to.maximum, to.sum, to.weighted, first};
      if (count == kMostAttendQueries) flush();
    }
  }
  flush();
}

// The spans of this round join those of the rounds before; what is complete is divided by its sum.
void CpuAttention::join_spans(const Call& call, std::int32_t token, std::int32_t kv_head) const noexcept {
  const std::int32_t last_span = call.position(token) / call.span_tokens();
  const std::int32_t first_span = call.first_span(token);
  const QueryHeads heads = query_heads(call.spec, kv_head);
  const std::int32_t count = heads.last - heads.first;
  const std::int32_t head_dim = call.spec.head_dim;
  if (last_span < call.begin || first_span >= call.end || count == 0) return;

  const AttendSums sums = so_far(call, token, heads.first);
  std::int32_t span = std::max(call.begin, first_span);
  if (span == first_span && call.begins_in_place()) {
    ++span;
  } else if (span == first_span) {
    std::fill_n(sums.maximum, count, -std::numeric_limits<float>::infinity());
    std::fill_n(sums.sum, count, 0.0F);
    std::fill_n(sums.weighted, std::int64_t{count} * head_dim, 0.0F);
  }
  for (; span < call.end && span <= last_span; ++span) {
    const std::int64_t index = std::int64_t{span - call.begin} * static_cast<std::int64_t>(call.batch.size()) + token;
    call.isa.join_sums(count, head_dim, slot(call.spec, index, heads.first), sums);
  }
  if (last_span >= call.end) return;
  for (std::int32_t i = 0; i < count; ++i) {
    call.isa.scale(1.0F / sums.sum[i], head_dim, sums.weighted + std::int64_t{i} * head_dim);
  }
}

void CpuAttention::attend(const KvStore& kv, std::int32_t layer, const AttendSpec& spec, std::uint64_t pass,
                          const BatchView& batch, const float* q, float* out, const IsaTable& isa, ThreadPool& pool) {
  const auto tokens = static_cast<std::int64_t>(batch.size());
  if (spec.heads == 0 || spec.kv_heads == 0 || tokens == 0) return;
  assert(spec.group > 0 && spec.first_query >= 0);
  assert((spec.first_query + spec.heads - 1) / spec.group < spec.kv_heads);
  assert(spec.heads <= heads_ && tokens <= max_tokens_);

  AttentionPlan& plan = plans_[spec.window > 0 ? 1 : 0];
  plan.prepare(pass, batch, kv.layout().block_tokens, tasks_tokens(spec), spec.window);
  Call call{kv, layer, spec, batch, q, out, isa, plan};
  const auto round = static_cast<std::int32_t>(slots_ / tokens);
  const std::int64_t head_cost = std::int64_t{spec.heads} * spec.head_dim / spec.kv_heads / kAttentionPerNanosecond + 1;
  for (; call.begin < plan.spans(); call.begin = call.end) {
    call.end = std::min(call.begin + round, plan.spans());
    const auto tasks = plan.tasks(call.begin, call.end);
    const auto count = static_cast<std::int64_t>(tasks.size());
    const std::int64_t all = count * spec.kv_heads;
    // KV heads outside, tasks inside: tasks over the same blocks then find them in the cache.
    const auto work = [&](std::int64_t i) {
      return Work{&tasks[static_cast<std::size_t>(i % count)], static_cast<std::int32_t>(i / count)};
    };
    // A thread claims one ahead, and so knows what to have fetched while it computes.
    std::atomic<std::int64_t> unclaimed{0};
    const std::int64_t shares = all / ThreadPool::chunks(2 * head_cost * call.span_tokens()).least;
    pool.parallel_for(std::clamp<std::int64_t>(shares, 1, pool.size()), {.most = 1},
                      [&](std::int64_t, std::int64_t, int thread) noexcept {
                        std::int64_t next = 0;
                        for (std::int64_t i = unclaimed.fetch_add(1); i < all; i = next) {
                          next = unclaimed.fetch_add(1);
                          attend_task(call, work(i), work(next < all ? next : i), thread);
                        }
                      });
    pool.parallel_for(tokens * spec.kv_heads, ThreadPool::chunks(head_cost * (call.end - call.begin)),
                      [&](std::int64_t begin, std::int64_t end, int) noexcept {
                        for (std::int64_t i = begin; i < end; ++i) {
                          join_spans(call, static_cast<std::int32_t>(i / spec.kv_heads),
                                     static_cast<std::int32_t>(i % spec.kv_heads));
                        }
                      });
  }
}

}  // namespace covey
