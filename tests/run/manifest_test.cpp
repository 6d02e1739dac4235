// run.json: everything in it comes back, and what is no manifest is refused by name.

#include "run/manifest.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "support/expect.hpp"

namespace mpifarm {
namespace {

using describe::Value;
using support::message_of;

Manifest sample() {
  Manifest m;
  m.job = "squares";
  m.params = Value::Object{{"from", 0}, {"to", 100}, {"note", "two\nlines, \"quoted\""}};
  m.run_id = ~std::uint64_t{0};
  m.tasks = 100;
  m.source_digest = "00ff";
  m.order = "shuffle";
  m.window = 4096;
  m.seed = std::uint64_t{1} << 63;
  m.retries = 3;
  m.retry_delay_seconds = 0.1;
  m.results = "jsonl";
  m.durability = "sync";
  m.version = "0.1.0";
  m.build = "0.1.0-abc";
  m.created = "2026-11-20T12:34:56Z";
  m.command = {"mpifarm", "run", "squares", "--note", "two\nlines"};
  m.ranks = 4;
  return m;
}

std::string refusal(const std::string& text) {
  return message_of<BadInput>([&] { parse_manifest(text, "runs/a/run.json"); });
}

TEST(Manifest, RoundTrips) {
  const Manifest before = sample();
  const std::string text = to_json(before);
  const Manifest after = parse_manifest(text, "run.json");
  EXPECT_EQ(to_json(after), text);
  EXPECT_EQ(after.run_id, before.run_id);
  EXPECT_EQ(after.tasks, before.tasks);
  EXPECT_EQ(after.seed, before.seed);
  EXPECT_EQ(after.retry_delay_seconds, before.retry_delay_seconds);
  EXPECT_EQ(after.command, before.command);
  EXPECT_EQ(after.params, before.params);
}

TEST(Manifest, OfAStreamHasNoNumberOfTasks) {
  Manifest m = sample();
  m.tasks.reset();
  EXPECT_FALSE(parse_manifest(to_json(m), "run.json").tasks.has_value());
}

TEST(Manifest, RefusesWhatIsNone) {
  for (const char* text :
       {"", "{", "[]", "null", "\"text\"", "{}", R"({"format":"mpifarm run 1","jobb":"x"})"}) {
    const std::string message = refusal(text);
    EXPECT_NE(message.find("the run's manifest cannot be read (runs/a/run.json"), std::string::npos)
        << text << " -> " << message;
  }
}

TEST(Manifest, RefusesAnotherFormatNamingBoth) {
  Manifest m = sample();
  m.format = "mpifarm run 2";
  const std::string message = refusal(to_json(m));
  EXPECT_NE(message.find("\"mpifarm run 2\""), std::string::npos) << message;
  EXPECT_NE(message.find("\"mpifarm run 1\""), std::string::npos) << message;
}

TEST(Manifest, RefusesEveryCut) {
  const std::string text = to_json(sample());
  for (std::size_t size = 0; size + 2 < text.size(); size += 7)
    EXPECT_NE(refusal(text.substr(0, size)), "nothing was thrown") << size;
}

TEST(ChangedParams, SaysWhichAndHow) {
  const Value before = Value::Object{{"from", 0}, {"to", 100}, {"max_size", "x"}, {"gone", true}};
  EXPECT_EQ(changed_params(before, before), "");
  const Value now = Value::Object{{"from", 0}, {"to", 200}, {"max_size", "x"}, {"added", 1.5}};
  EXPECT_EQ(changed_params(before, now), "--to: 100 -> 200, --added: absent -> 1.5, --gone: true -> absent");
}

}  // namespace
}  // namespace mpifarm
