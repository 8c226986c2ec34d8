#include "mpi/mpi_transport.hpp"

#define OMPI_SKIP_MPICXX 1  // the C interface only
#include <mpi.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

#include "mpi/backoff.hpp"
#include "mpi/frame.hpp"
#include "mpi/launch.hpp"
#include "mpi/mpi_parameters.hpp"
#include "mpi/peer_message.hpp"
#include "mpi/process_watch.hpp"

namespace covey {

namespace {

constexpr std::size_t kChunkBytes = 61440;  // with its header below the eager limit
// What Open MPI holds for a peer when its connection breaks can end the process; so little may wait for any peer.
constexpr std::size_t kMostWaiting = 16;  // chunks, just under 1 MB
// Sockets are looked at on every eighth call; a broken connection must be seen before the next message goes to it.
constexpr int kPollsBeforeSend = 8;
constexpr int kFailTag = kTagCount;
constexpr std::size_t kMaxFailText = 2000;
constexpr std::chrono::microseconds kSpin{30};
constexpr std::chrono::milliseconds kFlushTime{20};
constexpr std::chrono::seconds kFailTime{2};

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Error(std::string(call) + ": " + std::string(text.data(), static_cast<std::size_t>(length)));
}

}  // namespace

MpiWorld::MpiWorld() {
  set_mpi_parameters();
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(bugprone-signal-handler,cert-err33-c): else writing to a dead peer ends us
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
  meet_host();
  touch_pairs();
}

MpiWorld::~MpiWorld() { MPI_Finalize(); }

void MpiWorld::meet_host() {
  MPI_Comm host = MPI_COMM_NULL;
  check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &host), "MPI_Comm_split_type");
  MPI_Comm_set_errhandler(host, MPI_ERRORS_RETURN);
  check(MPI_Comm_rank(host, &host_rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(host, &host_size_), "MPI_Comm_size");
  struct stat space {};
  const bool known = stat("/proc/self/ns/pid", &space) == 0;
  std::array<std::int64_t, 3> own{rank_, getpid(), known ? static_cast<std::int64_t>(space.st_ino) : 0};
  std::vector<std::array<std::int64_t, 3>> all(static_cast<std::size_t>(host_size_));
  check(MPI_Allgather(own.data(), 3, MPI_INT64_T, all.data(), 3, MPI_INT64_T, host), "MPI_Allgather");
  MPI_Comm_free(&host);
  processes_.assign(static_cast<std::size_t>(size_), -1);
  for (const auto& [rank, process, process_space] : all) {
    if (known && process_space == own[2]) processes_[static_cast<std::size_t>(rank)] = static_cast<int>(process);
  }
}

void MpiWorld::touch_pairs() const {
  for (int step = 1; step < size_; ++step) {
    char out = 0;
    char in = 0;
    check(MPI_Sendrecv(&out, 1, MPI_CHAR, (rank_ + step) % size_, kFailTag + 1, &in, 1, MPI_CHAR,
                       (rank_ + size_ - step) % size_, kFailTag + 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
          "MPI_Sendrecv");
  }
}

struct MpiTransport::Impl {
  struct Outgoing {
    MPI_Request request = MPI_REQUEST_NULL;
    std::unique_ptr<std::byte[]> bytes;
  };
  struct Peer {
    std::deque<Outgoing> outgoing;  // not yet taken by MPI or the peer
    bool lost = false;              // nothing may be sent to it any more
    bool near = false;              // on this host: takes messages from shared memory by itself
    ProcessWatch process;
    std::optional<RankFailure> failure;  // what keeps this rank from exchanging messages with it
  };

  Impl(const MpiWorld& world, std::chrono::milliseconds send_patience)
      : rank(world.rank()),
        patience(send_patience),
        spin(world.host_size() <= static_cast<int>(allowed_cores().size()) ? kSpin : std::chrono::microseconds(0)),
        peers(static_cast<std::size_t>(world.size())),
        chunk(new std::byte[kChunkBytes]) {
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (world.processes()[i] <= 0 || static_cast<int>(i) == rank) continue;
      peers[i].near = true;
      peers[i].process = ProcessWatch(world.processes()[i]);
    }
    sharpen_naps();
  }

  Peer& peer(int index) { return peers[static_cast<std::size_t>(index)]; }

  [[noreturn]] void lose(const PeerLost& loss) {
    peer(loss.rank()).lost = true;
    if (!failure) failure = RankFailure{loss.rank(), loss.what()};
    if (!peer(loss.rank()).failure) peer(loss.rank()).failure = RankFailure{loss.rank(), loss.what()};
    throw loss;
  }

  void refuse_failed(int index) {
    const auto& known = outlives ? peer(index).failure : failure;
    if (known) throw PeerLost(known->rank, known->message);
  }

  /// Lets MPI make progress and looks whether a rank has failed.
  void poll() {
    int found = 0;
    MPI_Status status{};
    check(MPI_Iprobe(MPI_ANY_SOURCE, kFailTag, MPI_COMM_WORLD, &found, &status), "MPI_Iprobe");
    if (found != 0) read_failure(status);
  }

  void read_failure(const MPI_Status& probed) {
    std::array<std::byte, sizeof(std::int32_t) + kMaxFailText> bytes{};
    int length = 0;
    MPI_Get_count(&probed, MPI_BYTE, &length);
    const int source = probed.MPI_SOURCE;
    std::int32_t culprit = source;
    std::string text = "rank " + std::to_string(source) + " has failed";
    const bool readable = length >= static_cast<int>(sizeof(culprit)) && length <= static_cast<int>(bytes.size());
    if (readable && take(source, kFailTag, bytes.data(), length, Clock::now() + kFailTime)) {
      std::memcpy(&culprit, bytes.data(), sizeof(culprit));
      if (culprit < 0 || culprit >= static_cast<int>(peers.size())) culprit = source;
      text.assign(reinterpret_cast<const char*>(bytes.data()) + sizeof(culprit),
                  static_cast<std::size_t>(length) - sizeof(culprit));
    }
    peer(source).lost = peer(source).lost || !readable;
    if (culprit != source && culprit != rank) peer(culprit).lost = true;
    if (!failure) failure = RankFailure{culprit, text};
    if (!peer(source).failure) peer(source).failure = RankFailure{culprit, text};
  }

  // NOLINTBEGIN(clang-analyzer-optin.mpi.MPI-Checker): tested, never waited for, since the peer may be lost
  /// Receives a chunk that a probe has seen. False past the deadline; MPI then keeps the buffer.
  bool take(int from, int tag, void* into, int length, Deadline deadline) const {
    MPI_Request request = MPI_REQUEST_NULL;
    auto landing = std::make_unique<std::byte[]>(static_cast<std::size_t>(std::max(length, 1)));
    check(MPI_Irecv(landing.get(), length, MPI_BYTE, from, tag, MPI_COMM_WORLD, &request), "MPI_Irecv");
    Backoff backoff(spin);
    for (int done = 0;;) {
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done != 0) break;
      if (Clock::now() > deadline) {
        static_cast<void>(landing.release());
        return false;
      }
      backoff.wait();
    }
    std::memcpy(into, landing.get(), static_cast<std::size_t>(length));
    return true;
  }
  // NOLINTEND(clang-analyzer-optin.mpi.MPI-Checker)

  /// Polls until `ready`. Throws PeerLost past the deadline, after the peer's process has ended, or once a rank has
  /// failed.
  template <typename Ready, typename Silent>
  void wait(int index, Deadline deadline, const Ready& ready, const Silent& silent) {
    Backoff backoff(spin);
    while (!ready()) {
      poll();
      if (ready()) return;
      refuse_failed(index);
      if (Clock::now() > deadline) lose(silent());
      if (peer(index).process.long_ended()) lose(ended_peer(index));
      backoff.wait();
    }
  }

  static void reap(Peer& p) {
    std::erase_if(p.outgoing, [](Outgoing& out) {
      int done = 0;
      check(MPI_Test(&out.request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      return done != 0;
    });
  }

  void post(int to, std::unique_ptr<std::byte[]> bytes, std::size_t size, int tag) {
    Outgoing out;
    out.bytes = std::move(bytes);
    for (int i = 0; i < kPollsBeforeSend; ++i) poll();
    if (peer(to).lost) return;
    check(MPI_Isend(out.bytes.get(), static_cast<int>(size), MPI_BYTE, to, tag, MPI_COMM_WORLD, &out.request),
          "MPI_Isend");
    peer(to).outgoing.push_back(std::move(out));
  }

  void refuse_lost(int to) {
    if (!peer(to).lost) return;
    refuse_failed(to);
    throw PeerLost(to, "rank " + std::to_string(to) + " is lost");
  }

  /// Waits until `most` chunks or fewer wait for the peer, counting its silence from its last sign of life.
  void make_room(int to, std::size_t most) {
    Peer& p = peer(to);
    std::size_t before = p.outgoing.size();
    while (before > most) {
      const auto start = Clock::now();
      const auto fewer = [&] {
        reap(p);
        return p.outgoing.size() < before;
      };
      wait(to, start + patience, fewer, [&] { return stuck_peer(to, Clock::now() - start); });
      before = p.outgoing.size();
    }
  }

  /// Gives a message of several chunks a moment to leave: nothing moves it while this rank computes.
  void flush(Peer& p, std::chrono::milliseconds time) {
    Backoff backoff(spin);
    const auto until = Clock::now() + time;
    for (reap(p); !p.outgoing.empty() && Clock::now() < until; reap(p)) {
      poll();
      backoff.wait();
    }
  }

  static bool probe(int from, Tag tag, MPI_Status& status) {
    int found = 0;
    check(MPI_Iprobe(from, static_cast<int>(tag), MPI_COMM_WORLD, &found, &status), "MPI_Iprobe");
    return found != 0;
  }

  std::span<const std::byte> receive_chunk(int from, Tag tag, Deadline deadline, Clock::time_point start) {
    MPI_Status status{};
    const auto arrived = [&] { return probe(from, tag, status); };
    const auto silent = [&] { return silent_peer(from, tag, Clock::now() - start); };
    wait(from, deadline, arrived, silent);
    int length = 0;
    MPI_Get_count(&status, MPI_BYTE, &length);
    if (length < 0 || static_cast<std::size_t>(length) > kChunkBytes) {
      throw wrong_size(from, tag, static_cast<std::size_t>(std::max(length, 0)), kChunkBytes);
    }
    const Deadline patient = deadline == kNoDeadline ? Clock::now() + patience : deadline;
    if (!take(from, static_cast<int>(tag), chunk.get(), length, patient)) lose(silent());
    return {chunk.get(), static_cast<std::size_t>(length)};
  }

  int rank;
  std::chrono::milliseconds patience;
  std::chrono::microseconds spin;
  std::vector<Peer> peers;
  std::unique_ptr<std::byte[]> chunk;  // (kChunkBytes)
  std::optional<RankFailure> failure;  // the first that became known
  bool outlives = false;               // only the failure of the rank in question counts
  bool failed = false;                 // this rank has
};

MpiTransport::MpiTransport(std::chrono::milliseconds patience) : impl_(std::make_unique<Impl>(world_, patience)) {}

MpiTransport::~MpiTransport() {
  for (Impl::Peer& peer : impl_->peers) {
    try {
      if (!peer.lost && !impl_->failed) impl_->flush(peer, kFailTime);
    } catch (const Error&) {
      peer.lost = true;
    }
    for (Impl::Outgoing& out : peer.outgoing) static_cast<void>(out.bytes.release());
  }
}

void MpiTransport::send(int to, std::span<const std::byte> bytes, Tag tag) {
  check_peer(*this, to);
  impl_->refuse_lost(to);
  const auto frame = frame_of(tag, bytes);
  std::size_t offset = 0;
  bool first = true;
  while (first || offset < bytes.size()) {
    const std::size_t header = first ? kFrameBytes : 0;
    const std::size_t size = std::min(kChunkBytes - header, bytes.size() - offset);
    auto chunk = std::make_unique<std::byte[]>(header + size);
    if (first) std::memcpy(chunk.get(), frame.data(), kFrameBytes);
    if (size > 0) std::memcpy(chunk.get() + header, bytes.data() + offset, size);
    impl_->reap(impl_->peer(to));
    impl_->make_room(to, kMostWaiting - 1);
    impl_->post(to, std::move(chunk), header + size, static_cast<int>(tag));
    impl_->refuse_lost(to);
    offset += size;
    first = false;
  }
  if (offset + kFrameBytes > kChunkBytes && !impl_->peer(to).near) impl_->flush(impl_->peer(to), kFlushTime);
}

void MpiTransport::recv(int from, std::span<std::byte> bytes, Tag tag, Deadline deadline) {
  check_peer(*this, from);
  const auto start = Clock::now();
  auto chunk = impl_->receive_chunk(from, tag, deadline, start);
  const Frame frame = read_frame(chunk, from, tag);
  if (frame.length != bytes.size()) throw wrong_size(from, tag, frame.length, bytes.size());
  chunk = chunk.subspan(kFrameBytes);
  std::size_t offset = 0;
  for (;;) {
    const bool whole = chunk.size() <= bytes.size() - offset && (!chunk.empty() || bytes.empty());
    if (!whole) throw wrong_size(from, tag, offset + chunk.size(), bytes.size());
    std::copy(chunk.begin(), chunk.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    offset += chunk.size();
    if (offset == bytes.size()) return check_payload(frame, bytes, from);
    chunk = impl_->receive_chunk(from, tag, deadline, start);
  }
}

bool MpiTransport::ready(int from, Tag tag) {
  check_peer(*this, from);
  impl_->poll();
  MPI_Status status{};
  if (Impl::probe(from, tag, status)) return true;
  impl_->refuse_failed(from);
  if (impl_->peer(from).process.long_ended()) impl_->lose(ended_peer(from));
  return false;
}

bool MpiTransport::can_sum() const { return !impl_->failure && !impl_->outlives; }

// NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker): tested, never waited for, since a rank may be lost
void MpiTransport::sum(std::span<float> values, Deadline deadline) {
  MPI_Request request = MPI_REQUEST_NULL;
  auto landing = std::make_unique<std::vector<float>>(values.begin(), values.end());
  std::vector<float>& sums = *landing.release();  // MPI's until the sum is done
  check(MPI_Iallreduce(MPI_IN_PLACE, sums.data(), static_cast<int>(sums.size()), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD,
                       &request),
        "MPI_Iallreduce");
  Backoff backoff(impl_->spin);
  for (int done = 0;; backoff.wait()) {
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done != 0) break;
    impl_->poll();
    if (impl_->failure) throw PeerLost(impl_->failure->rank, impl_->failure->message);
    for (int other = 0; other < size(); ++other) {
      if (impl_->peer(other).process.long_ended()) impl_->lose(ended_peer(other));
    }
    if (Clock::now() > deadline) throw Error("a rank is silent; MPI does not say which: see with --allreduce direct");
  }
  landing.reset(&sums);
  std::ranges::copy(sums, values.begin());
}

void MpiTransport::outlive_others() { impl_->outlives = true; }

void MpiTransport::fail(const std::string& why) noexcept {
  if (std::exchange(impl_->failed, true)) return;
  try {
    const RankFailure own{rank(), name_rank(rank(), why)};
    const RankFailure failure = impl_->outlives ? own : impl_->failure.value_or(own);
    const std::size_t text = std::min(failure.message.size(), kMaxFailText);
    for (int to = 0; to < size(); ++to) {
      if (to == rank() || impl_->peer(to).lost) continue;
      auto bytes = std::make_unique<std::byte[]>(sizeof(failure.rank) + text);
      std::memcpy(bytes.get(), &failure.rank, sizeof(failure.rank));
      std::memcpy(bytes.get() + sizeof(failure.rank), failure.message.data(), text);
      impl_->post(to, std::move(bytes), sizeof(failure.rank) + text, kFailTag);
    }
    // mpirun ends all ranks as soon as one ends badly: rank 0 gets the time to hear of it and to tell its user.
    const auto settled = [&] {
      const Impl::Peer& first = impl_->peer(0);
      return rank() == 0 || first.lost || first.failure || first.process.ended();
    };
    const auto until = Clock::now() + kFailTime;
    const auto sent = [&](Impl::Peer& peer) {
      impl_->reap(peer);
      return peer.lost || peer.outgoing.empty();
    };
    Backoff backoff(impl_->spin);
    while (!(settled() && std::ranges::all_of(impl_->peers, sent)) && Clock::now() < until) {
      impl_->poll();
      backoff.wait();
    }
  } catch (const std::exception&) {
    // There is nobody left to tell.
  }
}

}  // namespace covey
