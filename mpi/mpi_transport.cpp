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
#include <utility>

#include "mpi/backoff.hpp"
#include "mpi/failure_news.hpp"
#include "mpi/frame.hpp"
#include "mpi/launch.hpp"
#include "mpi/loss_board.hpp"
#include "mpi/mpi_parameters.hpp"
#include "mpi/mpi_sum.hpp"
#include "mpi/mpi_tags.hpp"
#include "mpi/peer_message.hpp"
#include "mpi/process_watch.hpp"
#include "mpi/ulfm_watch.hpp"

namespace covey {

namespace {

constexpr std::size_t kChunkBytes = 61440;  // with its header below the eager limit
// What Open MPI holds for a peer when its connection breaks can end the process; so little may wait for any peer.
constexpr std::size_t kMostWaiting = 16;  // chunks, just under 1 MB
// Sockets are looked at on every eighth call; a broken connection must be seen before the next message goes to it.
constexpr int kPollsBeforeSend = 8;
constexpr std::chrono::microseconds kSpin{400};  // longer than sums on one host are waited for: naps end late
constexpr std::chrono::milliseconds kFlushTime{20};
constexpr std::chrono::seconds kFailTime{2};

}  // namespace

MpiWorld::MpiWorld() {
  set_mpi_parameters();
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(bugprone-signal-handler,cert-err33-c): else writing to a dead peer ends us
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_SERIALIZED) throw Error("this MPI is built without threads: take one that has them");
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
    char out = 0, in = 0;
    check(MPI_Sendrecv(&out, 1, MPI_CHAR, (rank_ + step) % size_, kTouchTag, &in, 1, MPI_CHAR,
                       (rank_ + size_ - step) % size_, kTouchTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
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
    bool near = false;              // on this host: takes messages from shared memory by itself
    ProcessWatch process;
  };

  Impl(const MpiWorld& world, std::chrono::milliseconds send_patience)
      : rank(world.rank()),
        patience(send_patience),
        spin(world.host_size() <= static_cast<int>(allowed_cores().size()) ? kSpin : std::chrono::microseconds(0)),
        peers(static_cast<std::size_t>(world.size())),
        chunk(new std::byte[kChunkBytes]),
        board(rank, world.size()) {
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (world.processes()[i] <= 0 || static_cast<int>(i) == rank) continue;
      peers[i].near = true;
      peers[i].process = ProcessWatch(world.processes()[i]);
    }
    sharpen_naps();
  }

  Peer& peer(int index) { return peers[static_cast<std::size_t>(index)]; }

  int wire_tag(Tag tag) const { return covey::wire_tag(tag, board.generation()); }

  [[noreturn]] void lose(const PeerLost& loss) {
    board.enter(loss);
    throw loss;
  }

  /// Lets MPI make progress and looks whether a rank has failed.
  void poll() {
    int found = 0;
    MPI_Status status{};
    check(MPI_Iprobe(MPI_ANY_SOURCE, kFailTag, MPI_COMM_WORLD, &found, &status), "MPI_Iprobe");
    if (found != 0) read_news(status);
    for (const int ended : ulfm.newly_failed()) board.enter(ended_peer(ended));
  }

  void read_news(const MPI_Status& probed) {
    const int source = probed.MPI_SOURCE;
    std::array<std::byte, kMostNewsBytes> bytes{};
    int length = 0;
    MPI_Get_count(&probed, MPI_BYTE, &length);
    FailureNews news{.failure = {source, "rank " + std::to_string(source) + " has failed"}};
    try {
      const bool readable = length >= 0 && length <= static_cast<int>(bytes.size());
      if (!readable || !take(source, kFailTag, bytes.data(), length, Clock::now() + kFailTime)) {
        throw Error("what it sent stays in the way");
      }
      news = decode_news(std::span(bytes).first(static_cast<std::size_t>(length)));
    } catch (const Error&) {
      board.give_up(source);
    }
    board.hear(source, news);
  }

  void tell_all(const FailureNews& news) {
    const std::vector<std::byte> message = encode_news(news);
    for (int to = 0; to < static_cast<int>(peers.size()); ++to) {
      if (to == rank || board.is_gone(to)) continue;
      auto bytes = std::make_unique<std::byte[]>(message.size());
      std::copy(message.begin(), message.end(), bytes.get());
      post(to, std::move(bytes), message.size(), kFailTag);
    }
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

  /// Polls until `ready`. Throws PeerLost past the deadline, when the peer's process has ended, or once a rank failed.
  template <typename Ready, typename Silent>
  void wait(int index, Tag tag, Deadline deadline, const Ready& ready, const Silent& silent) {
    Backoff backoff(spin);
    while (!ready()) {
      poll();
      if (ready()) return;
      board.refuse_lost(index, tag);
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
    if (board.is_gone(to)) return;
    check(MPI_Isend(out.bytes.get(), static_cast<int>(size), MPI_BYTE, to, tag, MPI_COMM_WORLD, &out.request),
          "MPI_Isend");
    peer(to).outgoing.push_back(std::move(out));
  }

  /// Waits until `most` chunks or fewer wait for the peer, counting its silence from its last sign of life.
  void make_room(int to, Tag tag, std::size_t most) {
    Peer& p = peer(to);
    std::size_t before = p.outgoing.size();
    while (before > most) {
      const auto start = Clock::now();
      const auto fewer = [&] {
        reap(p);
        return p.outgoing.size() < before;
      };
      wait(to, tag, start + patience, fewer, [&] { return stuck_peer(to, Clock::now() - start); });
      before = p.outgoing.size();
    }
  }

  template <typename Done>
  void poll_until(Clock::time_point until, const Done& done) {
    for (Backoff backoff(spin); !done() && Clock::now() < until; backoff.wait()) poll();
  }

  /// Gives a message of several chunks a moment to leave: nothing moves it while this rank computes.
  void flush(Peer& p, std::chrono::milliseconds time) {
    const auto left = [&] {
      reap(p);
      return p.outgoing.empty();
    };
    poll_until(Clock::now() + time, left);
  }

  bool probe(int from, Tag tag, MPI_Status& status) const {
    int found = 0;
    check(MPI_Iprobe(from, wire_tag(tag), MPI_COMM_WORLD, &found, &status), "MPI_Iprobe");
    return found != 0;
  }

  std::span<const std::byte> receive_chunk(int from, Tag tag, Deadline deadline, Clock::time_point start) {
    MPI_Status status{};
    const auto arrived = [&] { return probe(from, tag, status); };
    const auto silent = [&] { return silent_peer(from, tag, Clock::now() - start); };
    wait(from, tag, deadline, arrived, silent);
    int length = 0;
    MPI_Get_count(&status, MPI_BYTE, &length);
    if (length < 0 || static_cast<std::size_t>(length) > kChunkBytes) {
      throw wrong_size(from, tag, static_cast<std::size_t>(std::max(length, 0)), kChunkBytes);
    }
    const Deadline patient = deadline == kNoDeadline ? Clock::now() + patience : deadline;
    if (!take(from, wire_tag(tag), chunk.get(), length, patient)) lose(silent());
    return {chunk.get(), static_cast<std::size_t>(length)};
  }

  int rank;
  std::chrono::milliseconds patience;
  std::chrono::microseconds spin;
  std::vector<Peer> peers;
  std::unique_ptr<std::byte[]> chunk;  // (kChunkBytes)
  LossBoard board;
  UlfmWatch ulfm;
  bool failed = false;  // this rank has
};

std::string mpi_library() {
  std::string text(MPI_MAX_LIBRARY_VERSION_STRING, '\0');
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  text.resize(std::min(static_cast<std::size_t>(length), text.find_first_of(",\n")));
  return text + (kHasUlfm ? ", with ULFM" : ", without ULFM");
}

MpiTransport::MpiTransport(std::chrono::milliseconds patience) : impl_(std::make_unique<Impl>(world_, patience)) {}

MpiTransport::~MpiTransport() {
  for (int index = 0; index < size(); ++index) {
    Impl::Peer& peer = impl_->peer(index);
    try {
      if (!impl_->board.is_gone(index) && !impl_->failed) impl_->flush(peer, kFailTime);
    } catch (const Error&) {
      impl_->board.give_up(index);
    }
    for (Impl::Outgoing& out : peer.outgoing) static_cast<void>(out.bytes.release());
  }
}

void MpiTransport::send(int to, std::span<const std::byte> bytes, Tag tag) {
  check_peer(*this, to);
  impl_->board.refuse_gone(to, tag);
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
    impl_->make_room(to, tag, kMostWaiting - 1);
    impl_->post(to, std::move(chunk), header + size, impl_->wire_tag(tag));
    impl_->board.refuse_gone(to, tag);
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
  if (impl_->probe(from, tag, status)) return true;
  impl_->board.refuse_lost(from, tag);
  if (impl_->peer(from).process.long_ended()) impl_->lose(ended_peer(from));
  return false;
}

bool MpiTransport::can_sum() const { return impl_->board.generation() == 0 && !impl_->board.first(); }

void MpiTransport::sum(std::span<float> values, Deadline deadline) {
  const auto start = Clock::now();
  MpiSum sum(values);
  const auto done = [&] {
    if (sum.done()) return true;
    for (int other = 0; other < size(); ++other) {
      if (impl_->peer(other).process.long_ended()) impl_->lose(ended_peer(other));
    }
    return false;
  };
  const int next = (rank() + 1) % size();  // MPI does not say who is missing
  impl_->wait(next, Tag::partial, deadline, done,
              [&] { return silent_peer(next, Tag::partial, Clock::now() - start); });
}

void MpiTransport::outlive_others() { impl_->board.outlive_others(); }

void MpiTransport::alarm(const PeerLost& loss) noexcept {
  try {
    if (!impl_->board.raise_alarm()) return;
    impl_->tell_all({FailureNews::Kind::alarm, impl_->board.generation(), {loss.rank(), loss.what(), loss.certain()}});
  } catch (const std::exception&) {
    // Those who don't hear of it find out by themselves.
  }
}

void MpiTransport::regroup(std::uint32_t generation, std::span<const int> members) {
  impl_->board.regroup(generation, members);
}

void MpiTransport::fail(const std::string& why) noexcept {
  if (std::exchange(impl_->failed, true)) return;
  try {
    const RankFailure own{rank(), name_rank(rank(), why)};
    const RankFailure failure = impl_->board.outlives() ? own : impl_->board.first().value_or(own);
    impl_->tell_all({FailureNews::Kind::failed, impl_->board.generation(), failure});
    // mpirun ends all ranks as soon as one ends badly: rank 0 gets the time to hear of it and to tell its user.
    const auto settled = [&] {
      const LossBoard& board = impl_->board;
      return rank() == 0 || board.is_gone(0) || board.has_failed(0) || impl_->peer(0).process.ended();
    };
    const auto until = Clock::now() + kFailTime;
    const auto all_sent = [&] {
      bool all = true;
      for (int to = 0; to < size(); ++to) {
        impl_->reap(impl_->peer(to));
        all = all && (impl_->board.is_gone(to) || impl_->peer(to).outgoing.empty());
      }
      return all;
    };
    impl_->poll_until(until, [&] { return settled() && all_sent(); });
  } catch (const std::exception&) {
    // There is nobody left to tell.
  }
}

}  // namespace covey
