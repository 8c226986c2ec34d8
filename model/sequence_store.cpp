#include "model/sequence_store.hpp"

namespace covey {

void SequenceStore::keep(SequenceId sequence, std::vector<Token> tokens) {
  const auto evicted = prefixes_.keep(sequence, std::move(tokens));
  if (evicted) drop(*evicted);
}

bool SequenceStore::drop_oldest() {
  const auto evicted = prefixes_.evict();
  if (evicted) drop(*evicted);
  return evicted.has_value();
}

void SequenceStore::drop_kept() {
  while (drop_oldest()) {
  }
  flush();
}

std::int32_t SequenceStore::blocks_to_extend(SequenceId sequence, std::int32_t cached, std::int32_t count) const {
  const std::int32_t block = runner_.limits().block_tokens;
  const std::int32_t whole = (cached + count + block - 1) / block - (cached + block - 1) / block;
  if (cached % block == 0) return whole;
  const bool fork_pending = runner_.length(sequence) == 0;
  return whole + (fork_pending ? 1 : runner_.blocks_to_append(sequence));
}

bool SequenceStore::flush() {
  if (ops_.empty()) return false;
  Batch batch;
  batch.ops = take_ops();
  runner_.forward(batch);
  return true;
}

}  // namespace covey
