#include "mpi/token_log.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

namespace covey {

namespace {

struct Sequence {
  SequenceId id = 0;
  const std::vector<Token>* tokens = nullptr;
};

std::size_t shared_length(const std::vector<Token>& a, const std::vector<Token>& b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

class Replay {
 public:
  explicit Replay(std::int32_t max_tokens) : max_tokens_(static_cast<std::size_t>(std::max(max_tokens, 1))) {}

  // All of `group`, in order of their tokens, begin with the `from` tokens that the last of them holds already. It goes
  // on to where they part, is forked for those that take another way there, and each way is a group again:
  //
  //     ab         |  ends there: a fork of the last
  //     abc, abcd  |  a group, whose last is forked from the last of all
  //     abx        |  goes on itself
  void grow(std::span<const Sequence> group, std::size_t from) {
    const Sequence last = group.back();
    const std::size_t common = shared_length(*group.front().tokens, *last.tokens);
    append(last, from, common);
    std::vector<std::span<const Sequence>> ways;
    for (std::size_t first = 0; first < group.size();) {
      const std::size_t end = end_of_way(group, first, common);
      ways.push_back(group.subspan(first, end - first));
      if (common > 0 && end < group.size()) fork(ways.back().back().id, last.id, common);
      first = end;
    }
    for (const auto& way : ways) {
      if (way.front().tokens->size() > common) grow(way, common);
    }
  }

  // A sequence begins with its first token: one without any is cut back to that.
  void add_empty(SequenceId id) {
    append({id, &kAnyToken}, 0, 1);
    pending_.push_back({SequenceOp::Kind::truncate, id, 0, 0});
  }

  std::vector<Batch> take() {
    if (!pending_.empty()) batches_.emplace_back().ops = std::move(pending_);
    return std::move(batches_);
  }

 private:
  inline static const std::vector<Token> kAnyToken{0};

  // Those that go on with the same token; one that ends at `common` is by itself.
  static std::size_t end_of_way(std::span<const Sequence> group, std::size_t first, std::size_t common) {
    const auto goes_on = [&](std::size_t i) { return group[i].tokens->size() > common; };
    std::size_t end = first + 1;
    if (!goes_on(first)) return end;
    while (end < group.size() && (*group[end].tokens)[common] == (*group[first].tokens)[common]) ++end;
    return end;
  }

  void fork(SequenceId id, SequenceId source, std::size_t length) {
    pending_.push_back({SequenceOp::Kind::fork, id, source, static_cast<std::int32_t>(length)});
  }

  void append(const Sequence& sequence, std::size_t from, std::size_t to) {
    for (; from < to; from = std::min(from + max_tokens_, to)) {
      Batch& batch = batches_.emplace_back();
      batch.ops = std::move(pending_);
      pending_.clear();
      batch.prompt = true;
      for (std::size_t i = from; i < std::min(from + max_tokens_, to); ++i) {
        batch.tokens.push_back({(*sequence.tokens)[i], sequence.id, false});
      }
    }
  }

  std::size_t max_tokens_;
  std::vector<SequenceOp> pending_;  // before the next tokens
  std::vector<Batch> batches_;
};

}  // namespace

void TokenLog::enter(const Batch& batch) {
  for (const SequenceOp& op : batch.ops) {
    switch (op.kind) {
      case SequenceOp::Kind::fork: {
        const std::vector<Token>& source = sequences_[op.source];
        sequences_[op.sequence] = {source.begin(), source.begin() + op.length};
        break;
      }
      case SequenceOp::Kind::truncate:
        sequences_[op.sequence].resize(static_cast<std::size_t>(op.length));
        break;
      case SequenceOp::Kind::drop:
        sequences_.erase(op.sequence);
        break;
    }
  }
  for (const BatchToken& token : batch.tokens) sequences_[token.sequence].push_back(token.token);
}

std::vector<Batch> TokenLog::replay(std::int32_t max_tokens) const {
  Replay replay(max_tokens);
  std::vector<Sequence> sequences;
  for (const auto& [id, tokens] : sequences_) {
    if (!tokens.empty()) sequences.push_back({id, &tokens});
  }
  std::ranges::sort(sequences, [](const Sequence& a, const Sequence& b) { return *a.tokens < *b.tokens; });
  if (!sequences.empty()) replay.grow(sequences, 0);
  for (const auto& [id, tokens] : sequences_) {
    if (tokens.empty()) replay.add_empty(id);
  }
  return replay.take();
}

}  // namespace covey
