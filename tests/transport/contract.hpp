#pragma once
// What every transport promises, as tests that run on each of its ranks at once. `Ranks` has
// `static void run(body)`: calls body(Transport&) on every rank, with a transport of this test's own.

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "transport/transport.hpp"

namespace mpifarm::contract {

inline constexpr std::size_t sizes[] = {0, 1, 3999, 4000, 4001, 100'000, 3'000'000};

// Bytes that tell sender, receiver and number, and where in the message they stand.
inline Bytes pattern(int from, int to, std::size_t number, std::size_t size) {
  Bytes bytes(size, '\0');
  std::uint64_t state =
      (static_cast<std::uint64_t>(from) * 31 + static_cast<std::uint64_t>(to)) * 1009 + number;
  for (char& byte : bytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

// The ranks that `rank` talks to: the workers for the master, the master for a worker.
inline std::vector<int> peers_of(const Transport& transport) {
  if (transport.rank() != 0) return {0};
  std::vector<int> peers;
  for (int rank = 1; rank < transport.size(); ++rank) peers.push_back(rank);
  return peers;
}

// Channel of a message to `to`.
inline Channel channel_to(int to) { return to == 0 ? Channel::to_master : Channel::to_worker; }

inline constexpr auto longest_wait = std::chrono::seconds{20};

// The next message; one with peer -1, and a failure, when none comes.
inline Envelope next(Transport& transport) {
  const TimePoint deadline = Clock::now() + longest_wait;
  while (Clock::now() < deadline) {
    if (auto envelope = transport.receive()) return std::move(*envelope);
    std::this_thread::yield();
  }
  ADD_FAILURE() << "rank " << transport.rank() << " waits in vain";
  return {-1, Channel::to_master, {}};
}

// The next `each` messages of every peer, by peer.
inline std::map<int, std::vector<Envelope>> next_of_each(Transport& transport, std::size_t each) {
  std::map<int, std::vector<Envelope>> by_peer;
  for (std::size_t left = each * peers_of(transport).size(); left > 0; --left) {
    Envelope envelope = next(transport);
    if (envelope.peer < 0) break;
    by_peer[envelope.peer].push_back(std::move(envelope));
  }
  return by_peer;
}

// Until the layer below has taken everything; no message may come meanwhile.
inline void flush(Transport& transport) {
  const TimePoint deadline = Clock::now() + longest_wait;
  while (transport.unsent_bytes() > 0 && Clock::now() < deadline) {
    EXPECT_FALSE(transport.receive().has_value()) << "a message that nobody sent";
    std::this_thread::yield();
  }
  EXPECT_EQ(transport.unsent_bytes(), 0U);
}

// Every rank sends `count` messages of `size_of(number)` bytes to each peer, then takes as many from each:
// whole, in order, on their channel.
template <class SizeOf>
void exchange(Transport& transport, std::size_t count, SizeOf size_of) {
  const int me = transport.rank();
  for (std::size_t number = 0; number < count; ++number)
    for (const int peer : peers_of(transport))
      transport.send(peer, channel_to(peer), pattern(me, peer, number, size_of(number)));
  const auto received = next_of_each(transport, count);
  for (const int peer : peers_of(transport)) {
    ASSERT_TRUE(received.contains(peer)) << "nothing from rank " << peer;
    const auto& envelopes = received.at(peer);
    ASSERT_EQ(envelopes.size(), count);
    for (std::size_t number = 0; number < count; ++number) {
      ASSERT_EQ(envelopes[number].channel, channel_to(me));
      ASSERT_TRUE(envelopes[number].bytes == pattern(peer, me, number, size_of(number)))
          << "message " << number << " of rank " << peer << " to " << me << ": "
          << envelopes[number].bytes.size() << " bytes";
    }
  }
  flush(transport);
}

}  // namespace mpifarm::contract

namespace mpifarm {

template <class Ranks>
class TransportContract : public ::testing::Test {};
TYPED_TEST_SUITE_P(TransportContract);

TYPED_TEST_P(TransportContract, KnowsItsPlace) {
  TypeParam::run([](Transport& transport) {
    EXPECT_GE(transport.rank(), 0);
    EXPECT_LT(transport.rank(), transport.size());
    EXPECT_FALSE(transport.receive().has_value());
    EXPECT_EQ(transport.unsent_bytes(), 0U);
  });
}

TYPED_TEST_P(TransportContract, KeepsOrderBetweenTwoRanks) {
  TypeParam::run([](Transport& transport) {
    contract::exchange(transport, 1000, [](std::size_t number) { return number % 40; });
  });
}

TYPED_TEST_P(TransportContract, CarriesEverySizeIntact) {
  TypeParam::run([](Transport& transport) {
    contract::exchange(transport, std::size(contract::sizes),
                       [](std::size_t i) { return contract::sizes[i]; });
  });
}

// Both sides send all they have before either receives.
TYPED_TEST_P(TransportContract, LargeBurstsInBothDirectionsEnd) {
  TypeParam::run([](Transport& transport) {
    contract::exchange(transport, 60, [](std::size_t number) { return 20'000 + number; });
  });
}

TYPED_TEST_P(TransportContract, CarriesMessagesToOneself) {
  TypeParam::run([](Transport& transport) {
    const int me = transport.rank();
    std::size_t number = 0;
    for (const std::size_t size : contract::sizes)
      for (const Channel channel : {Channel::to_master, Channel::to_worker})
        transport.send(me, channel, contract::pattern(me, me, number++, size));
    number = 0;
    for (const std::size_t size : contract::sizes)
      for (const Channel channel : {Channel::to_master, Channel::to_worker}) {
        const Envelope envelope = contract::next(transport);
        EXPECT_EQ(envelope.peer, me);
        EXPECT_EQ(envelope.channel, channel);
        EXPECT_TRUE(envelope.bytes == contract::pattern(me, me, number++, size));
      }
    EXPECT_EQ(transport.unsent_bytes(), 0U);
  });
}

TYPED_TEST_P(TransportContract, KeepsTheChannel) {
  TypeParam::run([](Transport& transport) {
    constexpr Channel channels[] = {Channel::to_worker, Channel::to_master, Channel::to_master,
                                    Channel::to_worker};
    for (const int peer : contract::peers_of(transport))
      for (const Channel channel : channels) transport.send(peer, channel, Bytes(9000, 'c'));
    for (const auto& [peer, envelopes] : contract::next_of_each(transport, std::size(channels)))
      for (std::size_t i = 0; i < envelopes.size(); ++i) EXPECT_EQ(envelopes[i].channel, channels[i]) << peer;
    contract::flush(transport);
  });
}

// A chain of questions and answers, as the loops have it: nothing is sent unless something was received.
TYPED_TEST_P(TransportContract, AnswersFollowQuestions) {
  TypeParam::run([](Transport& transport) {
    constexpr int rounds = 200;
    if (transport.rank() == 0)
      for (const int peer : contract::peers_of(transport)) transport.send(peer, Channel::to_worker, "0");
    for (std::size_t left = rounds * contract::peers_of(transport).size(); left > 0; --left) {
      const Envelope envelope = contract::next(transport);
      if (envelope.peer < 0) break;
      const int round = std::stoi(envelope.bytes) + (transport.rank() == 0 ? 1 : 0);
      if (round < rounds)
        transport.send(envelope.peer, contract::channel_to(envelope.peer), std::to_string(round));
    }
    contract::flush(transport);
  });
}

REGISTER_TYPED_TEST_SUITE_P(TransportContract, KnowsItsPlace, KeepsOrderBetweenTwoRanks,
                            CarriesEverySizeIntact, LargeBurstsInBothDirectionsEnd, CarriesMessagesToOneself,
                            KeepsTheChannel, AnswersFollowQuestions);

}  // namespace mpifarm
