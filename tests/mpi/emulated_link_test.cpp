#include "mpi/emulated_link.hpp"

#include <cmath>

#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

const Clock::time_point kStart{std::chrono::seconds(1000)};

Clock::time_point at(double ms) { return kStart + std::chrono::duration_cast<Clock::duration>(Milliseconds(ms)); }
double ms_of(Clock::time_point time) { return Milliseconds(time - kStart).count(); }

TEST(LinkModel, LatencyAndBandwidthAddUp) {
  LinkModel link(find_link_profile("latency=2ms,bandwidth=100mbit"), 0, 2, kStart);
  // 1448 bytes take one frame of 1526 bytes: 12208 bits, 0.12208 ms at 100 Mbit/s.
  EXPECT_NEAR(ms_of(*link.arrival(1, 1448, kStart)), 2.12208, 1e-5);
}

TEST(LinkModel, MessagesQueueForTheLinkButNotForOthers) {
  LinkModel link(find_link_profile("latency=2ms,bandwidth=100mbit"), 0, 3, kStart);
  const double frame = 0.12208;
  for (int i = 1; i <= 3; ++i) EXPECT_NEAR(ms_of(*link.arrival(1, 1448, kStart)), 2 + i * frame, 1e-5);
  EXPECT_NEAR(ms_of(*link.arrival(2, 1448, kStart)), 2 + frame, 1e-5);
  EXPECT_NEAR(ms_of(*link.arrival(1, 1448, at(10))), 12 + frame, 1e-5) << "an idle link has no queue";
}

TEST(LinkModel, JitterIsSeededBoundedAndNeverReorders) {
  const LinkProfile profile = find_link_profile("latency=1ms,jitter=4ms,seed=3");
  LinkModel one(profile, 0, 2, kStart);
  LinkModel same(profile, 0, 2, kStart);
  LinkModel other(find_link_profile("latency=1ms,jitter=4ms,seed=4"), 0, 2, kStart);
  double last = 0;
  bool differs = false;
  double widest = 0;
  for (int i = 0; i < 200; ++i) {
    const auto now = at(i * 10);
    const double delay = ms_of(*one.arrival(1, 1, now)) - i * 10;
    EXPECT_DOUBLE_EQ(delay, ms_of(*same.arrival(1, 1, now)) - i * 10);
    differs = differs || delay != ms_of(*other.arrival(1, 1, now)) - i * 10;
    EXPECT_GE(delay, 1.0);
    EXPECT_LT(delay, 5.0);
    widest = std::max(widest, delay);
  }
  EXPECT_TRUE(differs);
  EXPECT_GT(widest, 4.5);
  for (int i = 0; i < 200; ++i) {
    const double arrival = ms_of(*one.arrival(1, 1, at(3000 + i * 0.01)));
    EXPECT_GE(arrival, last);
    last = arrival;
  }
}

TEST(LinkModel, ALostRankReachesNobodyAndIsReachedByNobody) {
  const LinkProfile profile = find_link_profile("latency=2ms,lose=1@100ms");
  LinkModel from_zero(profile, 0, 3, kStart);
  LinkModel from_one(profile, 1, 3, kStart);
  EXPECT_TRUE(from_zero.arrival(1, 1, at(97)));
  EXPECT_FALSE(from_zero.arrival(1, 1, at(99))) << "it is on its way when the link breaks";
  EXPECT_FALSE(from_zero.arrival(1, 1, at(200)));
  EXPECT_TRUE(from_zero.arrival(2, 1, at(200)));
  EXPECT_FALSE(from_one.arrival(2, 1, at(200)));
}

TEST(LinkProfiles, AllNamesAreFoundAndMakeSense) {
  for (const LinkProfile& profile : link_profiles()) {
    const LinkProfile found = find_link_profile(profile.name);
    EXPECT_EQ(found.name, profile.name);
    EXPECT_GT(found.latency.count(), 0);
    EXPECT_EQ(found.bits_per_second, profile.bits_per_second);
  }
  EXPECT_EQ(link_profiles().size(), 7U);
}

TEST(LinkProfiles, SettingsChangeAProfile) {
  const LinkProfile link = find_link_profile("wifi5,latency=250us,seed=7,lose=2@1.5s");
  EXPECT_NEAR(link.latency.count(), 250e-6, 1e-12);
  EXPECT_DOUBLE_EQ(link.bits_per_second, find_link_profile("wifi5").bits_per_second);
  EXPECT_EQ(link.seed, 7U);
  EXPECT_EQ(link.lost_rank, 2);
  EXPECT_DOUBLE_EQ(link.lost_after.count(), 1.5);
  EXPECT_DOUBLE_EQ(find_link_profile("bandwidth=2.5gbit").bits_per_second, 2.5e9);
  const LinkProfile custom = find_link_profile("custom:latency=5ms,bandwidth=50mbit,jitter=1ms,die=1@3s");
  EXPECT_DOUBLE_EQ(custom.latency.count(), 5e-3);
  EXPECT_DOUBLE_EQ(custom.bits_per_second, 50e6);
  EXPECT_TRUE(custom.dies);
  EXPECT_FALSE(link.dies);
}

TEST(LinkProfiles, WhatCantBeReadIsQuoted) {
  for (const char* text : {"",
                           "wifi9",
                           "latency=2",
                           "latency=ms",
                           "latency=-1ms",
                           "latency=nanms",
                           "bandwidth=0mbit",
                           "bandwidth=10mb",
                           "latency=2ms,wifi5",
                           "speed=3",
                           "seed=x",
                           "seed=-1",
                           "lose=2",
                           "lose=-1@1s",
                           "lose=1@1",
                           "die=1",
                           "custom:",
                           "custom:lte",
                           "lte,custom:latency=1ms",
                           "wifi5,,lte",
                           "latency=1e300s"}) {
    EXPECT_TRUE(contains(error_of([&] { find_link_profile(text); }), "link: can't read '")) << text;
  }
  EXPECT_TRUE(contains(error_of([] { find_link_profile("wifi9"); }), "wifi-bad"));
}

TEST(EmulatedLink, TheReceiverWaitsForTheStampOnly) {
  run_ranks(2, [](Transport& t) {
    std::vector<double> waits;
    const EmulatedLink::Time time{[&] { return at(t.rank() == 0 ? 5 : 6); },
                                  [&](Clock::time_point until) { waits.push_back(ms_of(until)); }};
    EmulatedLink link(t, find_link_profile("latency=3ms"), time);
    if (t.rank() == 0) {
      link.send(1, bytes_of("slow"), Tag::text);
      link.send(1, bytes_of("fast"), Tag::control);
    } else {
      EXPECT_EQ(receive_text(link, 0, 4, Tag::control), "fast");
      EXPECT_TRUE(waits.empty());
      std::vector<std::byte> bytes(4);
      link.recv(0, bytes, Tag::text, kNoDeadline);
      EXPECT_EQ(text_of(bytes), "slow");
      ASSERT_EQ(waits.size(), 1U);
      EXPECT_NEAR(waits[0], 8.0, 1e-6);
    }
  });
}

TEST(EmulatedLink, WhatIsStillOnItsWayHasNotArrived) {
  run_ranks(2, [](Transport& t) {
    double now = 5;
    std::vector<double> waits;
    const EmulatedLink::Time time{[&] { return at(now); },
                                  [&](Clock::time_point until) { waits.push_back(ms_of(until)); }};
    EmulatedLink link(t, find_link_profile("latency=3ms"), time);
    if (t.rank() == 0) {
      for (const char* text : {"one", "two", "end"}) link.send(1, bytes_of(text), Tag::partial);
      link.send(1, bytes_of("sent"), Tag::control);
      return;
    }
    EXPECT_FALSE(link.arrived(0, 3, Tag::text));
    EXPECT_EQ(receive_text(link, 0, 4, Tag::control), "sent");
    EXPECT_FALSE(link.arrived(0, 3, Tag::partial));
    EXPECT_TRUE(link.ready(0, Tag::partial));
    EXPECT_EQ(receive_text(link, 0, 3, Tag::partial), "one");
    EXPECT_EQ(waits, std::vector<double>{8.0});
    now = 9;
    EXPECT_TRUE(link.arrived(0, 3, Tag::partial));
    EXPECT_TRUE(link.arrived(0, 3, Tag::partial)) << "asking takes nothing away";
    EXPECT_EQ(receive_text(link, 0, 3, Tag::partial), "two");
    EXPECT_TRUE(link.arrived(0, 3, Tag::partial));
    EXPECT_TRUE(contains(error_of([&] { receive_text(link, 0, 4, Tag::partial); }), "3 bytes"));
    EXPECT_EQ(waits.size(), 1U);
  });
}

TEST(EmulatedLink, AMessageAfterTheDeadlineIsASilentPeer) {
  run_ranks(2, [](Transport& t) {
    const EmulatedLink::Time time{[] { return Clock::now(); }, [](Clock::time_point) {}};
    EmulatedLink link(t, find_link_profile("latency=1000s"), time);
    if (t.rank() == 0) return link.send(1, bytes_of("late"), Tag::text);
    EXPECT_TRUE(contains(error_of([&] { receive_text(link, 0, 4); }), "rank 0 has not answered"));
  });
}

TEST(EmulatedLink, MessagesOfALostRankVanish) {
  run_ranks(2, [](Transport& t) {
    EmulatedLink link(t, find_link_profile("lose=0@0s"));
    if (t.rank() == 0) return link.send(1, bytes_of("hello"), Tag::text);
    std::vector<std::byte> bytes(5);
    EXPECT_THROW(link.recv(0, bytes, Tag::text, Clock::now() + std::chrono::milliseconds(20)), PeerLost);
  });
}

TEST(EmulatedLink, ARankThatDiesEndsAndTheOthersHearOfIt) {
  std::string heard;
  const std::string message = error_of([&] {
    run_ranks(2, [&](Transport& t) {
      Clock::time_point now = kStart;
      EmulatedLink link(t, find_link_profile("custom:die=1@2s"), {[&] { return now; }, [](Clock::time_point) {}});
      std::vector<std::byte> bytes(1);
      if (t.rank() == 0) {
        // In whichever call it has reached when rank 1 dies.
        heard = error_of([&] {
          link.send(1, bytes, Tag::text);
          link.send(1, bytes, Tag::text);
          link.recv(1, bytes, Tag::text, kNoDeadline);
        });
        return;
      }
      link.recv(0, bytes, Tag::text, soon());
      now = at(2000);
      link.recv(0, bytes, Tag::text, soon());
    });
  });
  EXPECT_EQ(message, "rank 1 dies here, as its link was told (die=)");
  EXPECT_EQ(heard, message);
}

TEST(EmulatedLink, ADeadRankSendsNothing) {
  Clock::time_point now = kStart;
  LoopbackHub hub(2);
  EmulatedLink link(hub.transport(1), find_link_profile("die=1@2s"), {[&] { return now; }, [](Clock::time_point) {}});
  link.send(0, bytes_of("alive"), Tag::text);
  now = at(2000);
  EXPECT_TRUE(contains(error_of([&] { link.send(0, bytes_of("x"), Tag::text); }), "rank 1 dies here"));
  EXPECT_TRUE(contains(error_of([&] { link.send(0, bytes_of("x"), Tag::control); }), "rank 1 dies here"));
}

TEST(EmulatedLink, LosingARankThatIsNotThereIsAnError) {
  LoopbackHub hub(2);
  EXPECT_TRUE(contains(error_of([&] { EmulatedLink(hub.transport(0), find_link_profile("lose=2@1s")); }), "no rank 2"));
}

}  // namespace
}  // namespace covey
