// Every message comes back as it went; damaged bytes decode to something or are refused, and never crash.

#include "wire/codec.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.hpp"
#include "base/pack.hpp"

namespace mpifarm::wire {
namespace {

const Identity identity{7, "0.1.0-abcdef", 0x0123456789abcdef, 42};

std::vector<ToWorker> messages_to_worker() {
  SetupDetails details{"squares", "params",         99,      {0, 5, 9}, Nanos{500},
                       Nanos{30}, {027, 3, {1024}}, "/data", false};
  details.mark = "/data/.seen-1";
  Assign assign{Order{OrderKind::shuffle, 1000, 3, 64, {}}, {}};
  assign.leases.push_back({{1}, {0}, 10, 1, ""});
  assign.leases.push_back({{~std::uint64_t{0}}, {500}, 2, 3, "\1a\1b"});
  return {
      Setup{identity, pack(details)}, Begin{64}, assign, Assign{}, Drain{}, Drain{.stop = true}, Shutdown{},
      Shutdown{.after_loss = true}};
}

std::vector<ToMaster> messages_to_master() {
  const HelloDetails details{"no such file", {0, 1, 5}, 1.5, 8, 1000, {11, 22, 33}, false};
  OutcomeBlock block{{500}, 2, 1, {}};
  append_entry(block.entries, Outcome::succeeded, "result");
  append_entry(block.entries, Outcome::failed, "message");
  const Outcomes outcomes{{{{1}, block, Nanos{1000}, Nanos{900}}, {{2}, {{7}, 0, 0, ""}, Nanos{}, Nanos{}}}};
  return {Hello{identity, "host a", pack(details)}, outcomes, Outcomes{}, Drained{},
          LogLine{"task 5: hello"}};
}

// Calls `with` for every message, encoded, with the function that decodes and encodes it again.
template <class With>
void for_each_message(With with) {
  for (const ToWorker& message : messages_to_worker())
    with(encode(message), [](BytesView bytes) { return encode(decode_to_worker(bytes)); });
  for (const ToMaster& message : messages_to_master())
    with(encode(message), [](BytesView bytes) { return encode(decode_to_master(bytes)); });
}

TEST(Codec, EveryMessageRoundTrips) {
  for_each_message([](const Bytes& bytes, auto again) { EXPECT_EQ(again(bytes), bytes); });
  for (const ToWorker& message : messages_to_worker())
    EXPECT_EQ(decode_to_worker(encode(message)).index(), message.index());
  for (const ToMaster& message : messages_to_master())
    EXPECT_EQ(decode_to_master(encode(message)).index(), message.index());
}

TEST(Codec, FieldsComeBack) {
  const auto assign = std::get<Assign>(decode_to_worker(encode(messages_to_worker()[2])));
  ASSERT_EQ(assign.leases.size(), 2U);
  EXPECT_EQ(assign.order.id({5}), (Order{OrderKind::shuffle, 1000, 3, 64, {}}.id({5})));
  EXPECT_EQ(assign.leases[1].id.value, ~std::uint64_t{0});
  EXPECT_EQ(assign.leases[1].first.value, 500U);
  EXPECT_EQ(assign.leases[1].count, 2U);
  EXPECT_EQ(assign.leases[1].attempt, 3U);
  EXPECT_EQ(assign.leases[1].descriptors, "\1a\1b");

  const auto hello = std::get<Hello>(decode_to_master(encode(messages_to_master()[0])));
  EXPECT_EQ(hello.host, "host a");
  EXPECT_EQ(hello.identity.protocol, 7U);
  EXPECT_EQ(hello.identity.build, "0.1.0-abcdef");
  EXPECT_EQ(hello.identity.run, 0x0123456789abcdefU);
  EXPECT_EQ(hello.identity.token, 42U);
  const auto details = unpack<HelloDetails>(hello.details);
  EXPECT_EQ(details.error, "no such file");
  EXPECT_EQ(details.cpus, (std::vector<std::uint32_t>{0, 1, 5}));
  EXPECT_EQ(details.cpu_quota, 1.5);
  EXPECT_EQ(details.source_size, 1000U);
  EXPECT_EQ(details.sample_keys, (std::vector<std::uint64_t>{11, 22, 33}));
  EXPECT_FALSE(details.sees_mark);

  const auto outcomes = std::get<Outcomes>(decode_to_master(encode(messages_to_master()[1])));
  EXPECT_EQ(outcomes.leases[0].block.first.value, 500U);
  EXPECT_EQ(outcomes.leases[0].block.succeeded, 1U);
  EXPECT_EQ(outcomes.leases[0].busy, Nanos{1000});
  EXPECT_EQ(outcomes.leases[0].cpu, Nanos{900});
}

TEST(Codec, EveryCutIsRefused) {
  for_each_message([](const Bytes& bytes, auto again) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const Bytes cut = bytes.substr(0, size);  // its own allocation, so that reading beyond it is caught
      EXPECT_THROW(again(cut), CorruptData) << size << " of " << bytes.size();
    }
    EXPECT_THROW(again(bytes + 'x'), CorruptData);
  });
}

TEST(Codec, EverySingleBitFlipDecodesOrIsRefused) {
  for_each_message([](const Bytes& bytes, auto again) {
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      Bytes flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      try {
        again(flipped);
      } catch (const CorruptData&) {
      }
    }
  });
}

// What stands first in Setup and Hello never changes its form, so that strangers can tell each other apart.
TEST(Codec, TheIdentityOfAStrangerIsRead) {
  const auto setup =
      std::get<wire::Setup>(decode_to_worker(encode(wire::Setup{identity, "what a later protocol says"})));
  EXPECT_EQ(setup.identity.protocol, 7U);
  EXPECT_EQ(encode(ToWorker{wire::Setup{identity, ""}}).substr(1, 4), std::string("\x07\0\0\0", 4));
}

}  // namespace
}  // namespace mpifarm::wire
