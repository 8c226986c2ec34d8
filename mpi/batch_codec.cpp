#include "mpi/batch_codec.hpp"

#include <limits>

#include "mpi/byte_stream.hpp"

namespace covey {

// prompt u8 | shortlist | ops: count, { kind u8, sequence, [source], [length] } |
// tokens: count, { token * 2 + wants, sequence - the one before }
//
// Tokens of a prompt share their sequence and those of decode go up by small steps, so the difference takes one byte.

std::vector<std::byte> encode_batch(const Batch& batch) {
  ByteWriter out;
  out.boolean(batch.prompt);
  out.varint(static_cast<std::uint32_t>(batch.shortlist));
  out.varint(batch.ops.size());
  for (const SequenceOp& op : batch.ops) {
    out.u8(static_cast<std::uint8_t>(op.kind));
    out.varint(static_cast<std::uint32_t>(op.sequence));
    if (op.kind == SequenceOp::Kind::fork) out.varint(static_cast<std::uint32_t>(op.source));
    if (op.kind != SequenceOp::Kind::drop) out.varint(static_cast<std::uint32_t>(op.length));
  }
  out.varint(batch.tokens.size());
  std::int64_t previous = 0;
  for (const BatchToken& token : batch.tokens) {
    out.varint((static_cast<std::uint64_t>(static_cast<std::uint32_t>(token.token)) << 1) |
               (token.wants_logits ? 1U : 0U));
    out.zigzag(token.sequence - previous);
    previous = token.sequence;
  }
  return out.take();
}

namespace {

SequenceOp read_op(ByteReader& in) {
  SequenceOp op;
  const std::uint8_t kind = in.u8();
  if (kind > static_cast<std::uint8_t>(SequenceOp::Kind::drop)) in.malformed("an unknown change of the cache");
  op.kind = static_cast<SequenceOp::Kind>(kind);
  op.sequence = in.index();
  if (op.kind == SequenceOp::Kind::fork) op.source = in.index();
  if (op.kind != SequenceOp::Kind::drop) op.length = in.index();
  return op;
}

}  // namespace

Batch decode_batch(std::span<const std::byte> bytes) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
  ByteReader in(bytes, "batch");
  Batch batch;
  batch.prompt = in.boolean();
  batch.shortlist = in.index();
  const std::size_t ops = in.count(2);
  batch.ops.reserve(ops);
  for (std::size_t i = 0; i < ops; ++i) batch.ops.push_back(read_op(in));
  const std::size_t tokens = in.count(2);
  batch.tokens.reserve(tokens);
  std::int64_t sequence = 0;
  for (std::size_t i = 0; i < tokens; ++i) {
    const std::uint64_t token = in.varint();
    const std::int64_t step = in.zigzag();
    if ((token >> 1) > static_cast<std::uint64_t>(kMax)) in.malformed("a token is out of range");
    if (step < -kMax || step > kMax) in.malformed("a sequence is out of range");
    sequence += step;
    if (sequence < 0 || sequence > kMax) in.malformed("a sequence is out of range");
    batch.tokens.push_back({static_cast<Token>(token >> 1), static_cast<SequenceId>(sequence), (token & 1) != 0});
  }
  in.end();
  return batch;
}

}  // namespace covey
