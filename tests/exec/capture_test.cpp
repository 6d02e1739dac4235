// What a command writes, on its way to what keeps it.

#include "exec/capture.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include "base/file.hpp"
#include "exec/command_files.hpp"
#include "exec/output_follower.hpp"
#include "exec/output_pack.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm::exec {
namespace {

void write_text(const std::filesystem::path& path, BytesView text) {
  std::ofstream{path, std::ios::binary} << text;
}

using testing::ElementsAre;
using testing::IsEmpty;

class Chunks final : public OutputKeeper {
 public:
  void append(TaskId, Stream kind, KeptStream& stream, BytesView bytes) override {
    got[kind].emplace_back(bytes);
    stream.last = 1;
  }
  std::map<Stream, std::vector<std::string>> got;
};

class CaptureTest : public testing::Test {
 protected:
  void by_lines() { capture_ = Capture{&chunks_, {3}, {.limit = 1 << 20, .by_lines = true}}; }
  std::vector<std::string>& out() { return chunks_.got[Stream::standard_output]; }

  Chunks chunks_;
  Capture capture_{&chunks_, {3}, {.limit = 10, .by_lines = false}};
};

TEST_F(CaptureTest, HoldsLittleUntilTheEnd) {
  capture_.take(Stream::standard_output, "one\n");
  capture_.take(Stream::standard_error, "oops\n");
  capture_.take(Stream::standard_output, "two\n");
  EXPECT_THAT(chunks_.got, IsEmpty());
  capture_.finish();
  EXPECT_THAT(out(), ElementsAre("one\ntwo\n"));
  EXPECT_THAT(chunks_.got[Stream::standard_error], ElementsAre("oops\n"));
  EXPECT_EQ(capture_.last_line(), "oops");
}

TEST_F(CaptureTest, KeepsNoMoreThanTheLimitAndCountsTheRest) {
  capture_.take(Stream::standard_output, "0123456");
  capture_.take(Stream::standard_output, "789abcdef");
  capture_.finish();
  EXPECT_THAT(out(), ElementsAre("0123456789"));
  EXPECT_EQ(capture_.stream(Stream::standard_output).bytes, 16u);
}

TEST_F(CaptureTest, ByLinesHandsOnWhatIsWhole) {
  by_lines();
  capture_.take(Stream::standard_output, "a\nb");
  EXPECT_THAT(out(), ElementsAre("a\n"));
  capture_.take(Stream::standard_output, "c\nd\ne");
  EXPECT_THAT(out(), ElementsAre("a\n", "bc\nd\n"));
  capture_.finish();
  EXPECT_THAT(out(), ElementsAre("a\n", "bc\nd\n", "e"));
}

TEST_F(CaptureTest, ByLinesCutsLongLinesIntoEqualPieces) {
  by_lines();
  const std::string piece(64 << 10, 'x');
  capture_.take(Stream::standard_output, "a\n" + piece + piece + "b\nc\n");
  capture_.take(Stream::standard_output, piece);
  EXPECT_THAT(out(), ElementsAre("a\n", piece, piece, "b\nc\n"));
  capture_.take(Stream::standard_output, "\n");
  EXPECT_EQ(out().back(), piece + "\n") << "a line of just a piece is whole";
}

class Follower : public testing::Test {
 protected:
  void append(unsigned rank, Stream kind, BytesView text) {
    KeptStream stream;
    OutputPack{pack_path(directory_.path(), "2-" + std::to_string(rank))}.append({1}, kind, stream, text);
  }
  std::vector<std::string> news() {
    std::vector<std::string> texts;
    follower_.read_on([&](Stream kind, BytesView text) {
      texts.push_back((kind == Stream::standard_error ? "err " : "out ") + std::string{text});
    });
    return texts;
  }

  support::TemporaryDirectory directory_;
  OutputFollower follower_{directory_.path(), 2, 2};
};

TEST_F(Follower, ShowsWhatIsNewOfEveryRank) {
  EXPECT_THAT(news(), IsEmpty());
  append(1, Stream::standard_output, "a\n");
  append(1, Stream::standard_error, "b\n");
  EXPECT_THAT(news(), ElementsAre("out a\n", "err b\n"));
  EXPECT_THAT(news(), IsEmpty());
  append(0, Stream::standard_output, "c\n");
  append(1, Stream::standard_output, "d\n");
  EXPECT_THAT(news(), ElementsAre("out c\n", "out d\n"));
}

TEST_F(Follower, WaitsForTheRestOfAChunk) {
  append(0, Stream::standard_output, "whole\n");
  const auto pack = pack_path(directory_.path(), "2-0");
  const auto bytes = std::filesystem::file_size(pack);
  append(0, Stream::standard_output, "half\n");
  const std::string all = Bytes{read_file(pack)};
  std::filesystem::resize_file(pack, bytes + 43);
  EXPECT_THAT(news(), ElementsAre("out whole\n"));
  write_text(pack, all);
  EXPECT_THAT(news(), ElementsAre("out half\n"));
}

TEST_F(Follower, TakesPacksAwayThatAreNotToStay) {
  append(0, Stream::standard_output, "a\n");
  follower_.remove_packs();
  EXPECT_FALSE(std::filesystem::exists(pack_path(directory_.path(), "2-0")));
}

class CommandFilesTest : public testing::Test {
 protected:
  using Time = std::filesystem::file_time_type;

  // `age`: seconds before the run began.
  std::filesystem::path file(const std::string& name, int age) const {
    const std::filesystem::path path = directory_.path() / name;
    write_text(path, name);
    std::filesystem::last_write_time(path, begun_ - std::chrono::seconds{age});
    return path;
  }
  bool is_done(const CommandFiles& files) const { return is_up_to_date(files, begun_); }

  support::TemporaryDirectory directory_;
  Time begun_ = Time::clock::now();
};

TEST_F(CommandFilesTest, AreUpToDateAsMakeHasIt) {
  const auto in = file("in", 50), old = file("old", 60), out = file("out", 40), same = file("same", 50);
  EXPECT_TRUE(is_done({{in}, {out}}));
  EXPECT_TRUE(is_done({{in}, {out, same}}));
  EXPECT_TRUE(is_done({{}, {old}}));
  EXPECT_FALSE(is_done({{in}, {out, old}}));
  EXPECT_FALSE(is_done({{out}, {same}}));
  EXPECT_FALSE(is_done({{in}, {out, directory_.path() / "absent"}}));
  EXPECT_FALSE(is_done({{directory_.path() / "absent"}, {out}}));
}

TEST_F(CommandFilesTest, OfThisRunMayBeHalfWritten) {
  EXPECT_FALSE(is_done({{}, {file("now", 0)}}));
  EXPECT_TRUE(is_done({{}, {file("before", 1)}}));
}

TEST_F(CommandFilesTest, ThatAFailedCommandWroteArePutAside) {
  const CommandFiles files{{}, {file("kept", 10), file("written", 10), directory_.path() / "new"}};
  const auto before = output_times(files);
  std::filesystem::last_write_time(files.outputs[1], begun_);
  write_text(files.outputs[2], "half");
  set_aside(files, before);
  EXPECT_EQ(missing_output(files), files.outputs[1].string());
  EXPECT_TRUE(std::filesystem::exists(files.outputs[0]));
  for (const char* name : {"written.failed", "new.failed"})
    EXPECT_TRUE(std::filesystem::exists(directory_.path() / name)) << name;
  EXPECT_FALSE(std::filesystem::exists(files.outputs[2]));
}

}  // namespace
}  // namespace mpifarm::exec
