#include "jobs/checksum.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "base/file.hpp"
#include "serial_farm.hpp"
#include "support/expect.hpp"
#include "support/temporary_directory.hpp"

namespace {

namespace fs = std::filesystem;
using Farm = mpifarm::support::SerialFarm<Checksum>;
using mpifarm::Outcome;

void write(const fs::path& path, std::string_view text) { std::ofstream{path, std::ios::binary} << text; }

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream{path, std::ios::binary}.rdbuf();
  return text.str();
}

std::string output_of(const std::string& command, int expected_status = 0) {
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> block;
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), pipe))
    text.append(block.data(), size);
  EXPECT_EQ(WEXITSTATUS(pclose(pipe)), expected_status) << command << '\n' << text;
  return text;
}

// Sees files as an ordinary user does, where the tests run as root.
class AsNobody {
 public:
  AsNobody() {
    if (geteuid() == 0) was_root_ = seteuid(65534) == 0;
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() {
    if (was_root_ && seteuid(0) != 0) std::abort();
  }

 private:
  bool was_root_ = false;
};

class ChecksumTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::permissions(root(), fs::perms::all);  // for AsNobody
    fs::create_directories(tree() / "b" / "deep" / "deeper");
    fs::create_directory(tree() / "empty");
    write(tree() / "b.txt", "abc");
    write(tree() / "a name with spaces", "x");
    write(tree() / "back\\slash", "y");
    write(tree() / "line\nend", "z");
    write(tree() / "carriage\rreturn", "r");
    write(tree() / "not \xff\xfe utf-8", "u");
    write(tree() / " *star", "s");
    write(tree() / "-", "d");
    write(tree() / "nothing", "");
    write(tree() / "b" / "one", "1");
    write(tree() / "b" / "deep" / "two", "2");
    write(tree() / "b" / "deep" / "deeper" / "three", std::string(3'000'000, '3'));
    fs::create_symlink("b.txt", tree() / "link");
    fs::create_directory_symlink("b", tree() / "link-to-directory");
    mkfifo((tree() / "pipe").c_str(), 0600);
  }

  fs::path root() const { return directory_.path(); }
  fs::path tree() const { return directory_.path() / "tree"; }
  fs::path run() const { return directory_.path(); }

  static std::vector<std::string> paths(const Farm& farm) {
    std::vector<std::string> all;
    for (const auto& task : farm.tasks()) all.push_back(task.path);
    return all;
  }

 private:
  mpifarm::support::TemporaryDirectory directory_;
};

TEST_F(ChecksumTest, EqualsSha256sumOfTheSameFiles) {
  Farm farm{{{"--path", tree()}}};
  const auto computed = farm.run();
  EXPECT_EQ(computed.size(), 12U);
  std::uint64_t bytes = 0;
  for (const auto& file : computed) {
    EXPECT_EQ(file.outcome, Outcome::succeeded) << file.message;
    bytes += file.result.bytes;
  }
  EXPECT_EQ(bytes, 3'000'012U);
  const fs::path sums = run() / "SHA256SUMS";
  EXPECT_EQ(farm.conclude(run()),
            "12 files, 3000012 bytes; check with: sha256sum --quiet -c " + sums.string());
  const std::string files =
      "find " + tree().string() + " -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum";
  EXPECT_EQ(output_of("LC_ALL=C sort -k2 " + sums.string()), output_of(files + " | LC_ALL=C sort -k2"));
  EXPECT_EQ(output_of("sha256sum --strict --quiet -c " + sums.string()), "");
  EXPECT_FALSE(fs::exists(run() / "SHA256SUMS.new"));
}

TEST_F(ChecksumTest, OfKnownTexts) {
  // FIPS 180-4's examples: "abc", and the empty message.
  Farm farm{{{"--path", tree() / "b.txt"}, {"--path", tree() / "nothing"}}};
  const auto computed = farm.run();
  ASSERT_EQ(computed.size(), 2U);
  EXPECT_EQ(computed[0].result.checksum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(computed[1].result.checksum, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_F(ChecksumTest, OfEveryAlgorithmIsWhatItsToolChecks) {
  for (const auto& [algorithm, tool] : std::vector<std::pair<std::string, std::string>>{
           {"sha1", "sha1sum"}, {"md5", "md5sum"}, {"sha256", "sha256sum"}}) {
    std::string upper = algorithm;
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
    Farm farm{{{"--path", tree()}, {"--algorithm", algorithm}}};
    farm.run();
    EXPECT_NE(farm.conclude(run()).find(tool + " --quiet -c "), std::string::npos);
    const std::string sums = (run() / (upper + "SUMS")).string();
    EXPECT_EQ(output_of(tool + " --strict --quiet -c " + sums), "");
    EXPECT_EQ(output_of("wc -l < " + sums), "12\n");
  }
  // XXH3 of nothing, and of "abc", as xxHash's own tool prints them.
  Farm farm{{{"--path", tree() / "nothing"}, {"--path", tree() / "b.txt"}, {"--algorithm", "xxh3"}}};
  const auto computed = farm.run();
  EXPECT_EQ(computed[0].result.checksum, "2d06800538d394c2");
  EXPECT_EQ(computed[1].result.checksum, "78af5f94892f3950");
  farm.conclude(run());
  EXPECT_EQ(read(run() / "XXH3SUMS"), "XXH3 (" + (tree() / "nothing").string() +
                                          ") = 2d06800538d394c2\nXXH3 (" + (tree() / "b.txt").string() +
                                          ") = 78af5f94892f3950\n");
}

TEST_F(ChecksumTest, LeavesOutWhatIsExcluded) {
  const std::string t = tree().string() + "/";
  EXPECT_EQ(paths(Farm{{{"--path", t + "b"}, {"--exclude", "t*"}}}), (std::vector<std::string>{t + "b/one"}));
  EXPECT_EQ(paths(Farm{{{"--path", t + "b"}, {"--exclude", "deeper"}}}),
            (std::vector<std::string>{t + "b/deep/two", t + "b/one"}));
  EXPECT_EQ(paths(Farm{{{"--path", t + "b"}, {"--exclude", "*/deep/two"}, {"--exclude", "one"}}}),
            (std::vector<std::string>{t + "b/deep/deeper/three"}));
}

TEST_F(ChecksumTest, FollowsLinksWhenAskedAndNoCircle) {
  const std::string t = tree().string() + "/";
  fs::create_directory_symlink("..", tree() / "b" / "up");
  const std::vector<std::string> followed = paths(Farm{{{"--path", t}, {"--follow", ""}}});
  EXPECT_EQ(std::ranges::count(followed, t + "link"), 1);
  EXPECT_EQ(std::ranges::count(followed, t + "link-to-directory/one"), 1);
  EXPECT_EQ(
      std::ranges::count_if(followed, [](const std::string& path) { return path.find("/up/") != path.npos; }),
      0);
}

TEST_F(ChecksumTest, ExpandsGlobs) {
  const std::string t = tree().string() + "/";
  EXPECT_EQ(paths(Farm{{{"--path", t + "b/deep/t*"}, {"--path", t + "n?thing"}}}),
            (std::vector<std::string>{t + "b/deep/two", t + "nothing"}));
  EXPECT_NE(mpifarm::support::refusal<Checksum>({{"--path", t + "no*such"}}).find("nothing matches"),
            std::string::npos);
  write(tree() / "odd[name]", "o");
  EXPECT_EQ(paths(Farm{{{"--path", t + "odd[name]"}}}), (std::vector<std::string>{t + "odd[name]"}));
}

TEST_F(ChecksumTest, PassesOverALiveRun) {
  fs::create_directories(tree() / "runs" / "live");
  write(tree() / "runs" / "live" / "run.json", "{}");
  write(tree() / "runs" / "live" / "journal", "");
  EXPECT_EQ(paths(Farm{{{"--path", tree() / "runs"}}}).size(), 2U) << "it has ended";
  write(tree() / "runs" / "live" / "lock", "");
  EXPECT_EQ(paths(Farm{{{"--path", tree() / "runs"}}}).size(), 3U) << "its master is dead";
  const mpifarm::FileDescriptor lock{open((tree() / "runs" / "live" / "lock").c_str(), O_RDONLY | O_CLOEXEC)};
  ASSERT_EQ(flock(lock.get(), LOCK_EX), 0);
  EXPECT_TRUE(paths(Farm{{{"--path", tree() / "runs"}}}).empty());
}

TEST_F(ChecksumTest, AResumeSeesWhatChanged) {
  const auto before = Farm{{{"--path", tree()}}}.descriptors();
  EXPECT_EQ(Farm({{"--path", tree()}}).descriptors(), before);
  fs::last_write_time(tree() / "b.txt", fs::last_write_time(tree() / "b.txt") - std::chrono::seconds{1});
  EXPECT_NE(Farm({{"--path", tree()}}).descriptors(), before);
}

TEST_F(ChecksumTest, ChecksLists) {
  for (const std::string tool : {"sha256sum", "sha1sum --tag", "md5sum --binary"}) {
    const std::string sums = (run() / "sums").string();
    output_of("find " + tree().string() + " -type f -print0 | xargs -0 " + tool + " > " + sums);
    write(tree() / "b.txt", "abc");
    Farm farm{{{"--check", sums}}};
    for (const auto& file : farm.run()) EXPECT_EQ(file.outcome, Outcome::succeeded) << file.message;
    EXPECT_EQ(farm.conclude(run()), "12 files, 3000012 bytes agree with " + sums);
    write(tree() / "b.txt", "abd");
    Farm changed{{{"--check", sums}}};
    std::vector<std::string> messages;
    for (const auto& file : changed.run())
      if (file.outcome == Outcome::failed) messages.push_back(file.message);
    ASSERT_EQ(messages.size(), 1U) << tool;
    EXPECT_NE(messages[0].find("b.txt\" does not agree ("), std::string::npos) << messages[0];
    write(tree() / "b.txt", "abc");
  }
}

TEST_F(ChecksumTest, ChecksWhatItWroteItself) {
  for (const std::string algorithm : {"xxh3", "md5"}) {
    Farm farm{{{"--path", tree()}, {"--algorithm", algorithm}}};
    farm.run();
    farm.conclude(run());
    const std::string sums = run() / (algorithm == "md5" ? "MD5SUMS" : "XXH3SUMS");
    Farm check{{{"--check", sums}}};
    for (const auto& file : check.run()) EXPECT_EQ(file.outcome, Outcome::succeeded) << file.message;
    EXPECT_EQ(check.conclude(run()), "12 files, 3000012 bytes agree with " + sums) << "odd names too";
  }
}

TEST_F(ChecksumTest, RefusesListsThatAreNone) {
  const auto refusal = [&](const std::string& text) {
    write(run() / "sums", text);
    return mpifarm::support::message_of<mpifarm::BadInput>([&] {
      Checksum::Params params;
      params.check = run() / "sums";
      Checksum{params}.tasks();
    });
  };
  const std::string good(64, 'a');
  EXPECT_EQ(refusal("\n" + good + "  one\n\n"), "nothing was thrown");
  EXPECT_NE(refusal(good + "  one\nwhat\n").find("entry 2 is no checksum and path"), std::string::npos);
  EXPECT_NE(refusal(good.substr(1) + "  one\n").find("entry 1 "), std::string::npos);
  EXPECT_EQ(refusal("# a comment\nSHA256 (one) = " + good + "\n"), "nothing was thrown");
  EXPECT_NE(refusal(good + " one\n").find("entry 1 "), std::string::npos) << "one blank";
  EXPECT_NE(refusal("MD5 (one) = " + good + "\n").find("entry 1 "), std::string::npos);
  EXPECT_NE(refusal("0123456789abcdef  one\n").find("entry 1 "), std::string::npos) << "XXH64, not XXH3";
  EXPECT_EQ(refusal("XXH3 (one) = 0123456789abcdef\n"), "nothing was thrown");
  EXPECT_NE(refusal("\n").find("it lists nothing"), std::string::npos);
  EXPECT_NE(
      mpifarm::support::refusal<Checksum>({{"--check", "x"}, {"--path", tree()}}).find("exclude each other"),
      std::string::npos);
  EXPECT_NE(mpifarm::support::message_of<mpifarm::BadInput>([] {
              Checksum::Params params;
              params.check = "/no/such";
              Checksum{params}.tasks();
            }).find("--check cannot be read (/no/such: No such file"),
            std::string::npos);
}

TEST_F(ChecksumTest, WalksInByteOrderDepthFirst) {
  const std::string t = tree().string() + "/";
  const Farm farm{{{"--path", tree()}}};
  EXPECT_EQ(paths(farm),
            (std::vector<std::string>{t + " *star", t + "-", t + "a name with spaces",
                                      t + "b/deep/deeper/three", t + "b/deep/two", t + "b/one", t + "b.txt",
                                      t + "back\\slash", t + "carriage\rreturn", t + "line\nend",
                                      t + "not \xff\xfe utf-8", t + "nothing"}));
  EXPECT_EQ(farm.descriptors(), Farm({{"--path", tree()}}).descriptors());
  EXPECT_EQ(paths(Farm{{{"--path", t}}}), paths(farm));
}

TEST_F(ChecksumTest, WalksThePathsInTheOrderGiven) {
  const std::string t = tree().string() + "/";
  const Farm farm{{{"--path", t + "nothing"},
                   {"--path", t + "b"},
                   {"--path", t + "link"},
                   {"--path", t + "empty"},
                   {"--path", t + "nothing"}}};
  EXPECT_EQ(paths(farm), (std::vector<std::string>{t + "nothing", t + "b/deep/deeper/three", t + "b/deep/two",
                                                   t + "b/one", t + "link", t + "nothing"}));
  const Farm through_link{{{"--path", t + "link-to-directory/deep"}, {"--path", t + "link-to-directory"}}};
  EXPECT_EQ(paths(through_link).size(), 5U);
}

TEST_F(ChecksumTest, KeepsStandardInputOutOfTheSums) {
  const fs::path before = fs::current_path();
  fs::current_path(tree());
  Farm farm{{{"--path", "-"}}};
  farm.run();
  farm.conclude(run());
  EXPECT_EQ(output_of("sha256sum -c " + (run() / "SHA256SUMS").string() + " < /dev/null"), "./-: OK\n");
  fs::current_path(before);
}

TEST_F(ChecksumTest, UnreadableFilesAndDirectoriesAreFailedTasks) {
  fs::permissions(tree() / "b.txt", fs::perms::none);
  fs::permissions(tree() / "b" / "deep", fs::perms::none);
  Farm farm{{{"--path", tree()}}};
  std::vector<mpifarm::support::Computed<Checksum>> computed;
  {
    const AsNobody nobody;
    if (geteuid() == 0 || !std::ifstream{tree() / "nothing"})
      GTEST_SKIP() << "run by root, and no other user can be taken";
    computed = farm.run();
  }
  std::vector<std::string> messages;
  for (const auto& file : computed)
    if (file.outcome == Outcome::failed) messages.push_back(file.message);
  EXPECT_EQ(messages, (std::vector<std::string>{
                          '"' + (tree() / "b" / "deep").string() + "\" cannot be read (Permission denied)",
                          '"' + (tree() / "b.txt").string() + "\" cannot be read (Permission denied)"}));
  EXPECT_EQ(computed.size(), 11U);
  EXPECT_TRUE(farm.conclude(run()).starts_with("9 files, 8 bytes;"));
  EXPECT_EQ(read(run() / "SHA256SUMS").find("b.txt"), std::string::npos);
  EXPECT_EQ(output_of("sha256sum --strict --quiet -c " + (run() / "SHA256SUMS").string()), "");
  fs::permissions(tree() / "b" / "deep", fs::perms::owner_all);
}

TEST_F(ChecksumTest, WhatIsNoRegularFileWhenReadIsAFailedTask) {
  const Farm farm{{{"--path", tree()}}};
  const auto message = [&](const std::string& path) {
    return farm.compute(0, mpifarm::pack(Checksum::Task{path, {}, 0, 0})).message;
  };
  EXPECT_EQ(message("/nowhere\n"), "\"/nowhere\\n\" cannot be read (No such file or directory)");
  EXPECT_EQ(message(tree()),
            '"' + tree().string() + "\" cannot be read (a directory that could not be listed)");
  EXPECT_EQ(message(tree() / "pipe"),
            '"' + (tree() / "pipe").string() + "\" cannot be read (not a regular file)");
}

TEST_F(ChecksumTest, ANameWithANulIsNotCutShort) {
  const Farm farm{{{"--path", tree()}}};
  const std::string path = (tree() / "b.txt").string() + std::string{"\0x", 2};
  EXPECT_NE(farm.compute(0, mpifarm::pack(Checksum::Task{path, {}, 0, 0})).message.find("a NUL in it"),
            std::string::npos);
}

TEST_F(ChecksumTest, StopsEarlyWhenAsked) {
  const Farm farm{{{"--path", tree() / "b.txt"}}};
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(farm.compute(0, farm.descriptors()[0], 1, stop.get_token()).message, "stopped before its end");
  EXPECT_EQ(farm.compute(0, farm.descriptors()[0]).outcome,
            Outcome::succeeded);  // nothing is left of the last
}

TEST_F(ChecksumTest, RefusesPathsThatAreNotThere) {
  EXPECT_EQ(
      mpifarm::support::message_of<mpifarm::BadInput>([] { Checksum{Checksum::Params{}}.tasks(); }),
      "--path is missing (there is nothing to read); give a file or directory, many times if need be, or a "
      "list of them by --tasks");
  EXPECT_EQ(mpifarm::support::refusal<Checksum>({{"--path", tree()}, {"--path", "/no/such"}}),
            "--path cannot be read (\"/no/such\": No such file or directory); give files and directories "
            "that every "
            "rank can see");
  EXPECT_NE(mpifarm::support::refusal<Checksum>({{"--path", tree() / "pipe"}})
                .find("neither a file nor a directory"),
            std::string::npos);
}

TEST_F(ChecksumTest, OfNothingIsAnEmptyList) {
  Farm farm{{{"--path", tree() / "empty"}}};
  EXPECT_TRUE(farm.run().empty());
  EXPECT_EQ(farm.conclude(run()), "0 files, 0 bytes");
  EXPECT_EQ(read(run() / "SHA256SUMS"), "");
}

TEST_F(ChecksumTest, ListsMoreThanABufferHolds) {
  Farm farm{{{"--path", tree() / "b.txt"}}};
  Checksum::Params params;
  params.path = {tree() / "b.txt"};
  Checksum job{params};
  const Checksum::Result result = farm.run()[0].result;
  constexpr std::size_t lines = 20'000;
  for (std::size_t i = 0; i < lines; ++i) job.reduce({}, result);
  job.conclude(run());
  const std::string line = result.checksum + "  " + result.path + "\n";
  const std::string text = read(run() / "SHA256SUMS");
  EXPECT_EQ(text.size(), lines * line.size());
  EXPECT_TRUE(text.starts_with(line) && text.ends_with(line));
}

TEST_F(ChecksumTest, SaysWhyItCannotWrite) {
  Farm farm{{{"--path", tree() / "b.txt"}}};
  farm.run();
  const auto failure = [&](const fs::path& run_directory) -> std::string {
    try {
      return "nothing was thrown, but: " + farm.conclude(run_directory);
    } catch (const mpifarm::MachineryFailure& thrown) {
      return thrown.what();
    }
  };
  const std::string advice = "; make room or set TMPDIR, then resume the run";
  EXPECT_EQ(failure(run() / "gone"), (run() / "gone" / "SHA256SUMS.new").string() +
                                         " could not be created (No such file or directory)" + advice);
  fs::create_symlink("/dev/full", run() / "SHA256SUMS.new");
  EXPECT_EQ(failure(run()),
            (run() / "SHA256SUMS.new").string() + " could not be written (No space left on device)" + advice);
}

}  // namespace
