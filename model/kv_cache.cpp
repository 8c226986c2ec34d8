#include "model/kv_cache.hpp"

#include <algorithm>
#include <cassert>
#include <string>

#include "covey/error.hpp"

namespace covey {

KvCache::KvCache(const RunnerLimits& limits)
    : block_tokens_(limits.block_tokens),
      n_ctx_(limits.n_ctx),
      n_vocab_(limits.n_vocab),
      window_(limits.window),
      owners_(static_cast<std::size_t>(limits.blocks)),
      watchers_(owners_.size()) {
  free_.reserve(owners_.size());
  for (std::int32_t b = limits.blocks - 1; b >= 0; --b) free_.push_back(b);
}

std::int32_t KvCache::length(SequenceId sequence) const {
  const auto found = sequences_.find(sequence);
  return found == sequences_.end() ? 0 : found->second.length;
}

std::int32_t KvCache::blocks_to_append(SequenceId sequence) const {
  const auto found = sequences_.find(sequence);
  if (found == sequences_.end()) return 1;
  const Sequence& s = found->second;
  if (s.length % block_tokens_ == 0) return 1;
  return owners_[static_cast<std::size_t>(s.blocks.back())] > 1 ? 1 : 0;
}

bool KvCache::can_cut(SequenceId sequence, std::int32_t length) const {
  const auto found = sequences_.find(sequence);
  if (found == sequences_.end()) return window_ == 0;
  return length <= found->second.length && (length == 0 || first_needed(length) >= found->second.first_kept);
}

std::int32_t KvCache::first_needed(std::int32_t position) const {
  return window_ > 0 && position >= window_ ? (position - window_ + 1) / block_tokens_ : 0;
}

void KvCache::apply(const Batch& batch, BatchPlan& plan) {
  validate(batch);
  // A token takes at most one block (a new one or a copy). With that many free, nothing below can fail; otherwise a
  // failure must be undone, which a copy of the books does.
  if (free_.size() >= batch.tokens.size()) {
    apply_all(batch, plan);
    return;
  }
  KvCache before = *this;
  try {
    apply_all(batch, plan);
  } catch (...) {
    *this = std::move(before);
    throw;
  }
}

/// Checks all that does not depend on free blocks, following only the lengths of sequences and what they have
/// forgotten.
void KvCache::validate(const Batch& batch) const {
  struct Extent {
    std::int32_t length;  // -1: there is no such sequence
    std::int32_t first_kept;
  };
  std::map<SequenceId, Extent> changes;
  const auto extent_of = [&](SequenceId id) {
    const auto changed = changes.find(id);
    if (changed != changes.end()) return changed->second;
    const auto found = sequences_.find(id);
    return found == sequences_.end() ? Extent{-1, 0} : Extent{found->second.length, found->second.first_kept};
  };
  const auto length_of = [&](SequenceId id) { return extent_of(id).length; };
  const auto require = [](bool ok, const char* what, SequenceId id) {
    if (!ok) throw Error("batch: " + std::string(what) + " (sequence " + std::to_string(id) + ")");
  };
  for (const auto& op : batch.ops) {
    require(op.sequence >= 0, "sequence numbers start at 0", op.sequence);
    switch (op.kind) {
      case SequenceOp::Kind::fork:
        require(length_of(op.sequence) < 0, "a fork must be a new sequence", op.sequence);
        require(op.length >= 0 && op.length <= length_of(op.source), "fork of more than its source holds", op.source);
        require(op.length == 0 || first_needed(op.length) >= extent_of(op.source).first_kept,
                "fork where a sliding window has moved on", op.source);
        changes[op.sequence] = {op.length, first_needed(op.length)};
        break;
      case SequenceOp::Kind::truncate:
        require(op.length >= 0 && op.length <= length_of(op.sequence), "truncated beyond its length", op.sequence);
        require(op.length == 0 || first_needed(op.length) >= extent_of(op.sequence).first_kept,
                "truncated where a sliding window has moved on", op.sequence);
        changes[op.sequence] = {op.length, op.length == 0 ? 0 : extent_of(op.sequence).first_kept};
        break;
      case SequenceOp::Kind::drop:
        require(length_of(op.sequence) >= 0, "dropped but unknown", op.sequence);
        changes[op.sequence] = {-1, 0};
        break;
      default:
        throw Error("batch: unknown operation on a sequence");
    }
  }
  for (const auto& token : batch.tokens) {
    require(token.sequence >= 0, "sequence numbers start at 0", token.sequence);
    if (token.token < 0 || token.token >= n_vocab_) {
      throw Error("token " + std::to_string(token.token) + " is not in the vocabulary of " + std::to_string(n_vocab_));
    }
    const std::int32_t length = std::max(0, length_of(token.sequence));
    if (length >= n_ctx_) {
      throw Error("a sequence would grow beyond the context of " + std::to_string(n_ctx_) + " tokens");
    }
    changes[token.sequence] = {length + 1, extent_of(token.sequence).first_kept};
  }
}

void KvCache::apply_all(const Batch& batch, BatchPlan& plan) {
  for (const auto& op : batch.ops) apply_op(op);
  plan.token.clear();
  plan.position.clear();
  plan.sequence.clear();
  plan.place.clear();
  plan.wanted.clear();
  plan.copies.clear();
  plan.forgotten.clear();
  plan.tables.clear();
  for (auto& [id, sequence] : sequences_) sequence.plan_index = -1;
  for (const auto& token : batch.tokens) append(token, plan);
  // Tables may have moved while they grew.
  for (const auto& [id, sequence] : sequences_) {
    if (sequence.plan_index >= 0) plan.tables[static_cast<std::size_t>(sequence.plan_index)] = sequence.blocks;
  }
}

void KvCache::apply_op(const SequenceOp& op) {
  switch (op.kind) {
    case SequenceOp::Kind::fork: {
      const Sequence& source = sequences_.at(op.source);
      Sequence copy;
      copy.length = op.length;
      const auto blocks = static_cast<std::size_t>((op.length + block_tokens_ - 1) / block_tokens_);
      copy.blocks.assign(source.blocks.begin(), source.blocks.begin() + static_cast<std::ptrdiff_t>(blocks));
      copy.first_kept = first_needed(op.length);
      for (std::size_t i = 0; i < blocks; ++i) {
        const auto block = static_cast<std::size_t>(copy.blocks[i]);
        ++owners_[block];
        if (i >= static_cast<std::size_t>(copy.first_kept)) ++watchers_[block];
      }
      sequences_[op.sequence] = std::move(copy);
      break;
    }
    case SequenceOp::Kind::truncate:
      truncate(sequences_.at(op.sequence), op.length);
      break;
    case SequenceOp::Kind::drop: {
      const auto found = sequences_.find(op.sequence);
      truncate(found->second, 0);
      sequences_.erase(found);
      break;
    }
  }
}

void KvCache::append(const BatchToken& token, BatchPlan& plan) {
  Sequence& sequence = sequences_[token.sequence];
  if (sequence.plan_index < 0) {
    sequence.plan_index = static_cast<std::int32_t>(plan.tables.size());
    plan.tables.emplace_back();
    forget(sequence, plan);
  }
  const std::int32_t offset = sequence.length % block_tokens_;
  if (offset == 0) {
    sequence.blocks.push_back(take_block());
  } else if (owners_[static_cast<std::size_t>(sequence.blocks.back())] > 1) {
    const std::int32_t copy = take_block();
    plan.copies.emplace_back(sequence.blocks.back(), copy);
    give_back(sequence, sequence.blocks.size() - 1);
    sequence.blocks.back() = copy;
  }
  if (token.wants_logits) plan.wanted.push_back(static_cast<std::int32_t>(plan.token.size()));
  plan.token.push_back(token.token);
  plan.position.push_back(sequence.length);
  plan.sequence.push_back(sequence.plan_index);
  plan.place.push_back(sequence.blocks.back() * block_tokens_ + offset);
  ++sequence.length;
}

void KvCache::truncate(Sequence& sequence, std::int32_t length) {
  const auto keep = static_cast<std::size_t>((length + block_tokens_ - 1) / block_tokens_);
  while (sequence.blocks.size() > keep) {
    give_back(sequence, sequence.blocks.size() - 1);
    sequence.blocks.pop_back();
  }
  sequence.length = length;
  if (length == 0) sequence.first_kept = 0;
}

std::int32_t KvCache::take_block() {
  if (free_.empty()) {
    throw Error("the KV cache is full: all " + std::to_string(owners_.size()) + " blocks of " +
                std::to_string(block_tokens_) + " tokens are in use; give it more room or run fewer sequences");
  }
  const std::int32_t block = free_.back();
  free_.pop_back();
  owners_[static_cast<std::size_t>(block)] = 1;
  watchers_[static_cast<std::size_t>(block)] = 1;
  return block;
}

void KvCache::give_back(const Sequence& sequence, std::size_t index) {
  const std::int32_t block = sequence.blocks[index];
  if (index >= static_cast<std::size_t>(sequence.first_kept)) --watchers_[static_cast<std::size_t>(block)];
  auto& owners = owners_[static_cast<std::size_t>(block)];
  assert(owners > 0);
  if (--owners == 0) free_.push_back(block);
}

void KvCache::forget(Sequence& sequence, BatchPlan& plan) {
  for (; sequence.first_kept < first_needed(sequence.length); ++sequence.first_kept) {
    const std::int32_t block = sequence.blocks[static_cast<std::size_t>(sequence.first_kept)];
    if (--watchers_[static_cast<std::size_t>(block)] == 0) plan.forgotten.push_back(block);
  }
}

}  // namespace covey
