// Files, pipes and gzip data as streams of bytes, cut anywhere.

#include "base/input.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "support/expect.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm {
namespace {

using support::message_of;

Bytes gzip(BytesView text) {
  const auto file = std::filesystem::temp_directory_path() / ("mpifarm-gzip-" + std::to_string(getpid()));
  gzFile out = gzopen(file.c_str(), "wb");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  Bytes packed = read_file(file);
  std::filesystem::remove(file);
  return packed;
}

// Not compressible, and longer than any buffer.
Bytes long_text() {
  Bytes text;
  std::uint64_t state = 1;
  while (text.size() < 3'000'000) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    text += static_cast<char>(state >> 56);
  }
  return text;
}

class InputTest : public testing::Test {
 protected:
  std::string file(BytesView bytes) {
    const std::string path = directory_.path() / "input";
    std::ofstream{path, std::ios::binary} << bytes;
    return path;
  }
  static Bytes read_all(const std::string& path) {
    Input input{path};
    Bytes all;
    BytesView chunk;
    for (auto read = input.read(chunk); read != Input::Read::end; read = input.read(chunk))
      if (read == Input::Read::bytes) all += chunk;
    EXPECT_EQ(input.read(chunk), Input::Read::end);
    return all;
  }
  std::string refusal(BytesView bytes) {
    return message_of<BadInput>([&] { read_all(file(bytes)); });
  }

  support::TemporaryDirectory directory_;
};

TEST_F(InputTest, ReadsFilesAsTheyAre) {
  for (const Bytes& text : {Bytes{}, Bytes{"x"}, Bytes{"\x1f"}, Bytes{"\x1f\x8a"}, long_text()})
    EXPECT_EQ(read_all(file(text)), text) << text.size();
}

TEST_F(InputTest, DecompressesGzip) {
  for (const Bytes& text : {Bytes{}, Bytes{"x"}, Bytes{"two\nlines\n"}, Bytes(5'000'000, 'a'), long_text()})
    EXPECT_EQ(read_all(file(gzip(text))), text) << text.size();
}

TEST_F(InputTest, GoesOnWithTheNextGzipMemberAndIgnoresPadding) {
  EXPECT_EQ(read_all(file(gzip("one ") + gzip("") + gzip("two"))), "one two");
  EXPECT_EQ(read_all(file(gzip("one") + Bytes(1000, '\0'))), "one");
  const Bytes text = long_text();
  EXPECT_EQ(read_all(file(gzip(text) + gzip(text))), text + text);
}

TEST_F(InputTest, RefusesGzipDataThatAreCutAtAnyByte) {
  const Bytes whole = gzip("some text that is cut");
  for (std::size_t size = 2; size < whole.size(); ++size)
    EXPECT_NE(refusal(whole.substr(0, size)).find("end in the middle"), std::string::npos) << size;
}

TEST_F(InputTest, RefusesGzipDataThatAreDamaged) {
  Bytes packed = gzip(Bytes(1000, 'a') + long_text());
  packed[packed.size() / 2] ^= 1;
  EXPECT_NE(refusal(packed).find("gzip data are damaged"), std::string::npos);
  EXPECT_NE(refusal("\x1f\x8bno").find("gzip data"), std::string::npos);
}

TEST_F(InputTest, RefusesWhatCannotBeRead) {
  EXPECT_NE(message_of<BadInput>([&] { Input{"/no/such"}; }).find("/no/such cannot be read (No such file"),
            std::string::npos);
  EXPECT_NE(message_of<BadInput>([&] { Input{directory_.path()}; }).find("it is a directory"),
            std::string::npos);
}

TEST_F(InputTest, APipeBringsBytesAsTheyCome) {
  const std::string path = directory_.path() / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const FileDescriptor writer{open(path.c_str(), O_RDWR | O_CLOEXEC)};  // keeps it open on both sides
  Input input{path};
  EXPECT_FALSE(input.is_file());
  BytesView chunk;
  EXPECT_EQ(input.read(chunk), Input::Read::not_yet);
  for (const BytesView part : {"first", "second"}) {
    write_all(writer, part, path);
    ASSERT_EQ(input.read(chunk), Input::Read::bytes);
    EXPECT_EQ(chunk, part);
    EXPECT_EQ(input.read(chunk), Input::Read::not_yet);
  }
}

TEST_F(InputTest, APipeOfGzipBytesOneByOne) {
  const std::string path = directory_.path() / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const Bytes packed = gzip("slowly");
  std::jthread writing{[&] {
    const FileDescriptor writer{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    for (const char& c : packed) write_all(writer, {&c, 1}, path);
  }};
  EXPECT_EQ(read_all(path), "slowly");
}

}  // namespace
}  // namespace mpifarm
