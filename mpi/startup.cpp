#include "mpi/startup.hpp"

#include "mpi/byte_stream.hpp"
#include "mpi/message.hpp"
#include "mpi/peer_message.hpp"

namespace covey {

namespace {

constexpr std::chrono::seconds kSignEvery{1};

// An empty message is the sign of a rank that is still loading.
RankStart recv_start(Transport& transport, int rank, std::chrono::milliseconds timeout) {
  for (;;) {
    const auto message = recv_message(transport, rank, Tag::control, Clock::now() + timeout);
    if (!message.empty()) return decode_start(message);
  }
}

bool same_limits(const RunnerLimits& a, const RunnerLimits& b) {
  return a.n_vocab == b.n_vocab && a.n_ctx == b.n_ctx && a.max_tokens == b.max_tokens &&
         a.block_tokens == b.block_tokens && a.blocks == b.blocks;
}

// What keeps `other` from working with rank 0, to follow its name; empty if nothing.
std::string objection(const RankStart& own, const RankStart& other) {
  if (!other.error.empty()) return ": " + other.error;
  if (other.version != own.version) {
    return " runs version " + other.version + ", rank 0 version " + own.version +
           ": put the same program on every host";
  }
  if (other.mode != own.mode) {
    return " was started with --mode " + other.mode + ", rank 0 with --mode " + own.mode +
           ": give all ranks the same flags";
  }
  if (other.settings != own.settings) {
    return " was started with " + other.settings + ", rank 0 with " + own.settings + ": give all ranks the same flags";
  }
  if (!own.has_model || !other.has_model) return {};
  if (other.fingerprint != own.fingerprint) {
    return " holds another model than rank 0: put a copy of the same file on every host";
  }
  if (other.adapters != own.adapters) {
    return " merges other adapters than rank 0: give all ranks the same --lora, and put copies of the same files on "
           "every host";
  }
  if (!same_limits(own.limits, other.limits)) {
    return " has other limits of context, batch or KV cache than rank 0: give all ranks the same flags";
  }
  return {};
}

// Rank 0's decision.
struct Verdict {
  std::string objection;  // empty: go
  bool alike = true;      // see start_together()
};

Verdict judge(Transport& transport, const RankStart& own, std::chrono::milliseconds timeout) {
  if (!own.error.empty()) return {transport.size() > 1 ? name_rank(0, own.error) : own.error, false};
  Verdict verdict{{}, own.has_model};
  for (int rank = 1; rank < transport.size(); ++rank) {
    const RankStart other = recv_start(transport, rank, timeout);
    verdict.alike = verdict.alike && other.has_model && other.device == own.device;
    const std::string problem = objection(own, other);
    if (!verdict.objection.empty() || problem.empty()) continue;
    verdict.objection = "rank " + std::to_string(transport.known_as(rank)) + problem;
  }
  return verdict;
}

void announce(Transport& transport, const std::string& verdict) {
  try {
    for (int rank = 1; rank < transport.size(); ++rank) {
      send_message(transport, rank, std::as_bytes(std::span(verdict)), Tag::control);
    }
  } catch (const PeerLost&) {
    if (verdict.empty()) throw;  // else a rank has given up already, as it was told: the verdict is the cause
  }
}

}  // namespace

std::vector<std::byte> encode_start(const RankStart& start) {
  ByteWriter out;
  out.text(start.version);
  out.text(start.mode);
  out.text(start.settings);
  out.text(start.error);
  out.boolean(start.has_model);
  out.u64(start.fingerprint);
  for (const std::int32_t limit : {start.limits.n_vocab, start.limits.n_ctx, start.limits.max_tokens,
                                   start.limits.block_tokens, start.limits.blocks}) {
    out.zigzag(limit);
  }
  out.u64(start.adapters);
  out.text(start.device);
  return out.take();
}

RankStart decode_start(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "start-up message");
  RankStart start;
  start.version = in.text();
  start.mode = in.text();
  start.settings = in.text();
  start.error = in.text();
  start.has_model = in.boolean();
  start.fingerprint = in.u64();
  for (std::int32_t* limit : {&start.limits.n_vocab, &start.limits.n_ctx, &start.limits.max_tokens,
                              &start.limits.block_tokens, &start.limits.blocks}) {
    *limit = in.int32();
  }
  start.adapters = in.u64();
  start.device = in.text();
  in.end();
  return start;
}

void LoadingSign::progress() {
  if (transport_.rank() == 0 || Clock::now() < last_ + kSignEvery) return;
  send_message(transport_, 0, {}, Tag::control);
  last_ = Clock::now();
}

bool start_together(Transport& transport, const RankStart& own, std::chrono::milliseconds timeout) {
  Verdict verdict{{}, false};
  if (transport.rank() == 0) {
    verdict = judge(transport, own, timeout);
    announce(transport, verdict.objection);
  } else {
    send_message(transport, 0, encode_start(own), Tag::control);
    for (const std::byte b : recv_message(transport, 0, Tag::control, kNoDeadline)) {
      verdict.objection += static_cast<char>(b);
    }
  }
  if (!verdict.objection.empty()) throw Error(verdict.objection);
  return verdict.alike;
}

}  // namespace covey
