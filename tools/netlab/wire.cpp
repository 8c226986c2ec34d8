// netlab-wire PROFILE NAMESPACE…: the network between network namespaces, one host each, as `covey --link PROFILE`
// would have it.
//
// Each namespace holds a TUN device `tun0`; a packet to an address x.y.z.i goes to the i-th namespace, when LinkModel
// says that it has arrived. Segmentation offload stays on, so a packet may be a TCP segment of up to 64 KB: the model
// charges it as the Ethernet frames that it stands for. Ends on SIGTERM and SIGINT; `lose=` cuts a host off.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "mpi/link_model.hpp"

namespace covey {
namespace {

constexpr std::size_t kOffloadHeader = 10;  // struct virtio_net_hdr
constexpr std::size_t kHeaders = 52;        // IPv4 and TCP with timestamps: what LinkModel adds by itself
constexpr std::size_t kLargestPacket = 65536 + kOffloadHeader;

volatile std::sig_atomic_t stopped = 0;

[[noreturn]] void fail_call(const std::string& what) { throw Error(what + ": " + std::strerror(errno)); }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Descriptor open_or_fail(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) fail_call(path);
  return Descriptor(fd);
}

void enter_namespace(const Descriptor& space, const std::string& name) {
  if (setns(space.get(), CLONE_NEWNET) != 0) fail_call("namespace " + name);
}

/// The device belongs to the namespace in which it is opened, wherever this process goes afterwards.
Descriptor open_tun(const std::string& name) {
  const Descriptor home = open_or_fail("/proc/self/ns/net", O_RDONLY);
  const Descriptor there = open_or_fail("/var/run/netns/" + name, O_RDONLY);
  enter_namespace(there, name);
  Descriptor tun = open_or_fail("/dev/net/tun", O_RDWR | O_NONBLOCK);
  ifreq request{};
  std::strncpy(request.ifr_name, "tun0", IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
  if (ioctl(tun.get(), TUNSETIFF, &request) != 0) fail_call("tun0 of " + name);
  if (ioctl(tun.get(), TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) != 0) fail_call("offload of tun0 of " + name);
  enter_namespace(home, "of this process");
  return tun;
}

struct Flight {
  Clock::time_point arrival;
  std::uint64_t number = 0;  // in order of departure
  std::size_t to = 0;
  std::vector<char> packet;
};
struct LandsLater {
  bool operator()(const Flight& a, const Flight& b) const {
    return a.arrival != b.arrival ? a.arrival > b.arrival : a.number > b.number;
  }
};

class Wire {
 public:
  Wire(const LinkProfile& profile, const std::vector<std::string>& namespaces) {
    const auto start = Clock::now();
    for (const std::string& name : namespaces) {
      const int rank = static_cast<int>(hosts_.size());
      links_.emplace_back(profile, rank, static_cast<int>(namespaces.size()), start);
      hosts_.push_back(open_tun(name));
    }
  }

  void run() {
    std::vector<pollfd> waiting;
    for (const Descriptor& host : hosts_) waiting.push_back({host.get(), POLLIN, 0});
    while (stopped == 0) {
      deliver();
      const timespec patience = until_next();
      const int ready = ppoll(waiting.data(), waiting.size(), flights_.empty() ? nullptr : &patience, nullptr);
      if (ready < 0 && errno != EINTR) fail_call("ppoll");
      for (std::size_t host = 0; ready > 0 && host < waiting.size(); ++host) {
        if ((waiting[host].revents & POLLIN) != 0) take_from(host);
      }
    }
  }

 private:
  timespec until_next() const {
    const auto left = flights_.empty() ? Clock::duration(0) : flights_.top().arrival - Clock::now();
    const auto nanoseconds = std::max<std::int64_t>(0, std::chrono::nanoseconds(left).count());
    return {nanoseconds / 1000000000, nanoseconds % 1000000000};
  }

  void take_from(std::size_t from) {
    std::array<char, kLargestPacket> bytes;
    constexpr int kAtOnce = 32;  // then what is due comes first
    for (int i = 0; i < kAtOnce; ++i) {
      const ssize_t got = read(hosts_[from].get(), bytes.data(), bytes.size());
      if (got < 0) return;
      const auto size = static_cast<std::size_t>(got);
      const auto* const ip = reinterpret_cast<const unsigned char*>(bytes.data()) + kOffloadHeader;
      if (size < kOffloadHeader + 20 || (ip[0] >> 4) != 4) continue;  // not IPv4
      const std::size_t to = static_cast<std::size_t>(ip[19]) - 1;    // 0 becomes no host
      if (to >= hosts_.size() || to == from) continue;
      const std::size_t payload = size - kOffloadHeader;
      const auto arrival =
          links_[from].arrival(static_cast<int>(to), payload > kHeaders ? payload - kHeaders : 0, Clock::now());
      if (arrival) flights_.push({*arrival, departures_++, to, {bytes.data(), bytes.data() + size}});
    }
  }

  void deliver() {
    for (const auto now = Clock::now(); !flights_.empty() && flights_.top().arrival <= now; flights_.pop()) {
      const Flight& flight = flights_.top();
      // A full device drops it, as a network card would: TCP sends it again.
      static_cast<void>(!write(hosts_[flight.to].get(), flight.packet.data(), flight.packet.size()));
    }
  }

  std::vector<Descriptor> hosts_;
  std::vector<LinkModel> links_;  // by sender
  std::priority_queue<Flight, std::vector<Flight>, LandsLater> flights_;
  std::uint64_t departures_ = 0;
};

int run_wire(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: netlab-wire PROFILE NAMESPACE NAMESPACE…\n");
    return 2;
  }
  struct sigaction stop {};
  stop.sa_handler = [](int) { stopped = 1; };
  sigaction(SIGTERM, &stop, nullptr);
  sigaction(SIGINT, &stop, nullptr);
  // Ranks that wait busily must not keep the wire from its appointments.
  sched_param urgent{};
  urgent.sched_priority = 5;
  sched_setscheduler(0, SCHED_FIFO, &urgent);
  Wire wire(find_link_profile(argv[1]), {argv + 2, argv + argc});
  std::printf("up\n");
  std::fflush(stdout);
  wire.run();
  return 0;
}

}  // namespace
}  // namespace covey

int main(int argc, char** argv) {
  try {
    return covey::run_wire(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "netlab-wire: %s\n", error.what());
    return 1;
  }
}
