// Lines, however the text is cut.

#include "describe/line_reader.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.hpp"
#include "support/expect.hpp"

namespace mpifarm::describe {
namespace {

std::vector<std::string> lines_of(BytesView text, std::size_t chunk_bytes, std::size_t most = 1000) {
  LineReader reader{"list", most};
  std::vector<std::string> lines;
  BytesView line;
  const auto take = [&] {
    lines.emplace_back(line);
    EXPECT_EQ(reader.number(), lines.size());
  };
  while (!text.empty()) {
    BytesView chunk = text.substr(0, chunk_bytes);
    text.remove_prefix(chunk.size());
    while (reader.read(chunk, line)) take();
  }
  while (reader.finish(line)) take();
  return lines;
}

TEST(LineReader, LinesDoNotDependOnTheChunks) {
  const std::string text = "one\n\ntwo\r\n\r\nthree, longer than a chunk\nlast";
  const std::vector<std::string> lines{"one", "", "two", "", "three, longer than a chunk", "last"};
  for (std::size_t size = 1; size <= text.size(); ++size) EXPECT_EQ(lines_of(text, size), lines) << size;
}

TEST(LineReader, ALineEndAtTheEndBeginsNoLine) {
  EXPECT_EQ(lines_of("a\n", 10), (std::vector<std::string>{"a"}));
  EXPECT_EQ(lines_of("\n", 1), (std::vector<std::string>{""}));
  EXPECT_TRUE(lines_of("", 1).empty());
}

TEST(LineReader, RefusesALineThatIsTooLong) {
  for (const std::size_t size : {1, 3, 100}) {
    EXPECT_EQ(lines_of("12345\n", size, 5).size(), 1U);
    EXPECT_NE(support::message_of<BadInput>([&] {
                lines_of("1\n123456\n", size, 5);
              }).find("list, line 2 is longer than 5 bytes"),
              std::string::npos)
        << size;
  }
}

}  // namespace
}  // namespace mpifarm::describe
