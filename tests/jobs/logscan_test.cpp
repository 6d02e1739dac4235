// logscan against `grep -cE`, over every way to cut a file.

#include "jobs/logscan.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>

#include "base/error.hpp"
#include "serial_farm.hpp"
#include "support/expect.hpp"
#include "support/temporary_directory.hpp"

namespace {

namespace fs = std::filesystem;
using Farm = mpifarm::support::SerialFarm<Logscan>;
using Flags = std::vector<mpifarm::describe::GivenFlag>;
using mpifarm::Outcome;

const std::vector<std::string> patterns{"error",      "^[0-9]+ ", "warn(ing)?$", "x*", "a.c",
                                        "[^a-z0-9 ]", "^$",       "\\bfoo\\b",   "é",  "(GET|POST) /[a-z]+"};

std::string output_of(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> block;
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), pipe))
    text.append(block.data(), size);
  pclose(pipe);
  return text;
}

// Lines of all lengths, empty ones too; the last without a line end.
std::string sample() {
  std::string text;
  std::uint64_t state = 7;
  const std::array words{"error", "warning", "abc", "foo", "12 ", " é ", "GET /index", "warn", "~!", "x"};
  for (int line = 0; line < 3000; ++line) {
    for (state = state * 6364136223846793005u + 1; state >> 61 > 0;
         state = state * 6364136223846793005u + 1442695040888963407u)
      text.append(words[state >> 33 & 7]).append(state >> 40 & 1 ? " " : "");
    text += '\n';
  }
  return text + "12 error";
}

class LogscanTest : public testing::Test {
 protected:
  fs::path write(const std::string& name, std::string_view text) {
    std::ofstream{directory_.path() / name, std::ios::binary} << text;
    return directory_.path() / name;
  }
  static Flags flags(const std::vector<fs::path>& files,
                     const std::vector<std::string>& expressions = patterns) {
    Flags all;
    for (const fs::path& file : files) all.emplace_back("--path", file.string());
    for (const std::string& expression : expressions) all.emplace_back("--pattern", expression);
    return all;
  }
  // What the job should conclude.
  static std::string grepped(const std::string& files) {
    std::string text;
    for (const std::string& pattern : patterns) {
      const std::string count = output_of("cat " + files + " | LC_ALL=C.UTF-8 grep -a -cE '" + pattern + "'");
      text += count.substr(0, count.size() - 1) + '\t' + pattern + '\n';
    }
    return text;
  }
  static std::string scan(const Flags& given) {
    Farm farm{given};
    for (const auto& task : farm.run()) EXPECT_EQ(task.outcome, Outcome::succeeded) << task.message;
    return farm.conclude({});
  }

  mpifarm::support::TemporaryDirectory directory_;
};

TEST_F(LogscanTest, EqualsGrepHoweverTheFileIsCut) {
  const fs::path file = write("log", sample());
  const std::string expected = grepped(file);
  for (const int bytes : {64, 1000, 4096, 100'000'000}) {
    Flags given = flags({file});
    given.emplace_back("--range-bytes", std::to_string(bytes));
    EXPECT_EQ(scan(given), expected) << bytes;
  }
}

TEST_F(LogscanTest, CountsEachLineOnceAtEveryCut) {
  for (const std::string text : {"", "\n", "error", "error\n", "\n\nerror\n\nabc", "error\nerror\nx\n"}) {
    const fs::path file = write("log", text);
    const std::string expected = grepped(file);
    for (std::size_t bytes = 1; bytes <= text.size() + 1; ++bytes) {
      Flags given = flags({file});
      given.emplace_back("--range-bytes", std::to_string(bytes));
      EXPECT_EQ(scan(given), expected) << '"' << text << "\" by " << bytes;
    }
  }
}

TEST_F(LogscanTest, ReadsLongLines) {
  const fs::path file = write("log", "error " + std::string(5'000'000, 'y') + " foo\nerror\n");
  Flags given = flags({file});
  given.emplace_back("--range-bytes", "1000000");
  EXPECT_EQ(scan(given), grepped(file));
}

TEST_F(LogscanTest, ReadsGzipAsWhatItHolds) {
  const fs::path file = write("log", sample());
  const std::string expected = grepped(file);
  output_of("gzip -k " + file.string());
  EXPECT_EQ(scan(flags({file.string() + ".gz"})), expected);
  output_of("cat " + file.string() + ".gz " + file.string() + ".gz > " + file.string() + "2.gz");
  EXPECT_EQ(Farm{flags({file.string() + "2.gz"})}.tasks().size(), 1U);
  std::error_code ignored;
  fs::resize_file(file.string() + ".gz", fs::file_size(file.string() + ".gz") / 2, ignored);
  Farm cut{flags({file.string() + ".gz"})};
  EXPECT_NE(cut.run()[0].message.find("gzip data are damaged"), std::string::npos);
}

TEST_F(LogscanTest, ScansTreesAndGlobs) {
  fs::create_directories(directory_.path() / "tree" / "deep");
  write("tree/a.log", "error\n");
  write("tree/deep/b.log", "error\nabc");
  write("tree/deep/c.txt", "error\n");
  Flags given = flags({directory_.path() / "tree"}, {"error"});
  EXPECT_EQ(scan(given), "3\terror\n");
  given.emplace_back("--exclude", "*.txt");
  EXPECT_EQ(scan(given), "2\terror\n");
  EXPECT_EQ(scan(flags({directory_.path() / "tree" / "*" / "*.log"}, {"error", "b"})), "1\terror\n1\tb\n");
}

TEST_F(LogscanTest, IgnoresCaseWhenAsked) {
  Flags given = flags({write("log", "Error\nERROR\nerror\n")}, {"error"});
  EXPECT_EQ(scan(given), "1\terror\n");
  given.emplace_back("--ignore-case", "");
  EXPECT_EQ(scan(given), "3\terror\n");
}

TEST_F(LogscanTest, FindsTheTopValuesOfAGroup) {
  Flags given =
      flags({write("log", "GET /a\nGET /b\nGET /a\nPOST /c\nGET /b\nGET /d\n")}, {"GET (/[a-z])", "(P)"});
  given.emplace_back("--top", "2");
  given.emplace_back("--range-bytes", "9");
  EXPECT_EQ(scan(given), "5\tGET (/[a-z])\n1\t(P)\n2\tGET (/[a-z])\t/a\n2\tGET (/[a-z])\t/b\n1\t(P)\tP\n");
}

TEST_F(LogscanTest, AGroupThatTookNoPartHasNoValue) {
  Flags given = flags({write("log", "id=5\nx\nx\n")}, {"id=([0-9]+)|x"});
  given.emplace_back("--top", "3");
  EXPECT_EQ(scan(given), "3\tid=([0-9]+)|x\n1\tid=([0-9]+)|x\t5\n");
}

TEST_F(LogscanTest, DescriptorsHoldNoContents) {
  const fs::path file = write("log", sample());
  Flags given = flags({file});
  given.emplace_back("--range-bytes", "10000");
  for (const std::string& descriptor : Farm{given}.descriptors()) EXPECT_LT(descriptor.size(), 200U);
}

TEST_F(LogscanTest, WhatCannotBeReadOrChangedIsAFailedTask) {
  const fs::path file = write("log", "error\n");
  Farm farm{flags({file})};
  const auto descriptors = farm.descriptors();
  fs::last_write_time(file, fs::last_write_time(file) - std::chrono::hours{1});
  EXPECT_EQ(farm.compute(0, descriptors[0]).message,
            '"' + file.string() + "\" cannot be read (changed since it was listed)");
  EXPECT_NE(Farm{flags({file})}.descriptors(), descriptors) << "a resume sees that it changed";
  fs::remove(file);
  EXPECT_EQ(farm.compute(0, descriptors[0]).message,
            '"' + file.string() + "\" cannot be read (No such file or directory)");
}

TEST_F(LogscanTest, RefusesWhatIsNoExpression) {
  const fs::path file = write("log", "");
  const auto refusal = [&](const std::string& pattern) {
    return mpifarm::support::refusal<Logscan>(flags({file}, {pattern}));
  };
  EXPECT_EQ(refusal("ab[z"),
            "--pattern is no expression (\"ab[z\", at character 3: missing ]: [z); see "
            "https://github.com/google/re2/wiki/Syntax");
  EXPECT_NE(refusal("(a").find("--pattern is no expression (\"(a\", at character 1: missing ): (a)"),
            std::string::npos);
  EXPECT_NE(refusal("a(?=b)").find("at character 2"), std::string::npos);
  for (const std::string beyond : {"\\Aa", "a\\z", "a\nb", "a\\nb", "(?-m)^a", "(?i-ms:^a)"})
    EXPECT_NE(refusal(beyond).find("looks beyond its line"), std::string::npos) << beyond;
  for (const std::string fine : {"\\\\A", "(?i)a", "(?m)^a", "(?-i)m"})
    EXPECT_EQ(refusal(fine).find("beyond"), std::string::npos) << fine;
  EXPECT_NE(mpifarm::support::refusal<Logscan>(flags({file}, {})).find("--pattern is missing"),
            std::string::npos);
  Flags top = flags({file}, {"a"});
  top.emplace_back("--top", "1");
  EXPECT_NE(mpifarm::support::refusal<Logscan>(top).find("has none"), std::string::npos);
}

}  // namespace
