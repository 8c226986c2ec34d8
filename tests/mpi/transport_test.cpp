// What every transport promises, on loopback ranks bare and decorated.
#include "mpi/transport.hpp"

#include <memory>

#include "mpi/emulated_link.hpp"
#include "mpi/ledger.hpp"
#include "mpi/self_transport.hpp"
#include "tests/mpi/ranks.hpp"

namespace covey {
namespace {

struct Decoration {
  const char* name;
  bool link;
  bool ledger;
};

class TransportConformance : public ::testing::TestWithParam<Decoration> {
 protected:
  static void on_ranks(int ranks, const std::function<void(Transport&)>& work) {
    run_ranks(ranks, [&](Transport& bare) {
      std::unique_ptr<EmulatedLink> link;
      if (GetParam().link)
        link = std::make_unique<EmulatedLink>(bare, find_link_profile("latency=100us,bandwidth=1gbit,jitter=50us"));
      Transport& linked = link ? static_cast<Transport&>(*link) : bare;
      std::unique_ptr<Ledger> ledger;
      if (GetParam().ledger) ledger = std::make_unique<Ledger>(linked);
      work(ledger ? static_cast<Transport&>(*ledger) : linked);
    });
  }
};

TEST_P(TransportConformance, KnowsItsPlace) {
  on_ranks(3, [](Transport& t) {
    EXPECT_EQ(t.size(), 3);
    EXPECT_EQ(t.host_size(), 3);
    EXPECT_EQ(t.host_rank(), t.rank());
  });
}

TEST_P(TransportConformance, KeepsOrderWithinATagAndApartBetweenTags) {
  on_ranks(2, [](Transport& t) {
    if (t.rank() == 0) {
      t.send(1, bytes_of("text 1"), Tag::text);
      t.send(1, bytes_of("batch 1"), Tag::batch);
      t.send(1, bytes_of("text 2"), Tag::text);
      t.send(1, bytes_of("control"), Tag::control);
    } else {
      EXPECT_EQ(receive_text(t, 0, 7, Tag::control), "control");
      EXPECT_EQ(receive_text(t, 0, 7, Tag::batch), "batch 1");
      EXPECT_EQ(receive_text(t, 0, 6), "text 1");
      EXPECT_EQ(receive_text(t, 0, 6), "text 2");
    }
  });
}

TEST_P(TransportConformance, EveryPairExchangesLargeAndEmptyMessages) {
  on_ranks(4, [](Transport& t) {
    const std::string large(300000, static_cast<char>('a' + t.rank()));
    for (int to = 0; to < t.size(); ++to) {
      if (to == t.rank()) continue;
      t.send(to, bytes_of(large), Tag::activation);
      t.send(to, {}, Tag::activation);
    }
    for (int from = 0; from < t.size(); ++from) {
      if (from == t.rank()) continue;
      EXPECT_EQ(receive_text(t, from, large.size(), Tag::activation),
                std::string(large.size(), static_cast<char>('a' + from)));
      EXPECT_EQ(receive_text(t, from, 0, Tag::activation), "");
    }
  });
}

TEST_P(TransportConformance, SilentPeerIsNamedPastTheDeadline) {
  on_ranks(3, [](Transport& t) {
    if (t.rank() != 0) return;
    try {
      std::byte b{};
      t.recv(2, {&b, 1}, Tag::activation, Clock::now() + std::chrono::milliseconds(20));
      FAIL() << "nothing was sent, yet something came";
    } catch (const PeerLost& lost) {
      EXPECT_EQ(lost.rank(), 2);
      EXPECT_TRUE(contains(lost.what(), "rank 2 has not answered"));
      EXPECT_TRUE(contains(lost.what(), "activations"));
    }
  });
}

TEST_P(TransportConformance, FailureWakesAllWhoeverTheyWaitFor) {
  on_ranks(4, [](Transport& t) {
    if (t.rank() == 2) return t.fail("the disk is full");
    try {
      std::byte b{};
      t.recv((t.rank() + 1) % 4 == 2 ? 2 : (t.rank() == 0 ? 3 : 0), {&b, 1}, Tag::text, kNoDeadline);
      FAIL() << "nothing was sent, yet something came";
    } catch (const PeerLost& lost) {
      EXPECT_EQ(lost.rank(), 2);
      EXPECT_STREQ(lost.what(), "rank 2: the disk is full");
    }
  });
}

TEST_P(TransportConformance, MessagesSentBeforeAFailureStillArrive) {
  on_ranks(2, [](Transport& t) {
    if (t.rank() == 1) {
      t.send(0, bytes_of("last words"), Tag::text);
      t.fail("done for");
      return;
    }
    EXPECT_EQ(receive_text(t, 1, 10), "last words");
    EXPECT_THROW(receive_text(t, 1, 1), PeerLost);
  });
}

TEST_P(TransportConformance, AnotherSizeIsAnErrorNamingTheSender) {
  const std::string message = error_of([] {
    on_ranks(2, [](Transport& t) {
      if (t.rank() == 1) {
        t.send(0, bytes_of("four"), Tag::text);
      } else {
        receive_text(t, 1, 5);
      }
    });
  });
  EXPECT_TRUE(contains(message, "rank 1 sent text"));
}

TEST_P(TransportConformance, OnlyOtherRanksCanBeReached) {
  on_ranks(2, [](Transport& t) {
    EXPECT_THROW(t.send(t.rank(), {}, Tag::text), Error);
    EXPECT_THROW(t.send(2, {}, Tag::text), Error);
    EXPECT_THROW(t.recv(-1, {}, Tag::text, soon()), Error);
  });
}

INSTANTIATE_TEST_SUITE_P(Loopback, TransportConformance,
                         ::testing::Values(Decoration{"bare", false, false}, Decoration{"link", true, false},
                                           Decoration{"ledger", false, true}, Decoration{"both", true, true}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(SelfTransport, IsAlone) {
  SelfTransport self;
  EXPECT_EQ(self.rank(), 0);
  EXPECT_EQ(self.size(), 1);
  EXPECT_EQ(self.host_size(), 1);
  EXPECT_THROW(self.send(0, {}, Tag::text), Error);
  EXPECT_THROW(self.recv(1, {}, Tag::text, soon()), Error);
  self.fail("nobody hears it");
}

TEST(RunRanks, ThrowsTheFirstErrorInOrderOfRanksAndReleasesTheRest) {
  const std::string message = error_of([] {
    run_ranks(3, [](Transport& t) {
      if (t.rank() == 2) throw Error("out of memory");
      receive_text(t, (t.rank() + 1) % 3, 1);
    });
  });
  EXPECT_EQ(message, "rank 2: out of memory");
}

}  // namespace
}  // namespace covey
