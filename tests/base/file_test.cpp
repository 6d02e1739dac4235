// Files: replaced at once, read whole, and every refusal a MachineryFailure that names the path.

#include "base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "base/error.hpp"
#include "support/expect.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm {
namespace {

using support::message_of;
using support::TemporaryDirectory;

TEST(ReplaceFile, MakesAndReplacesForItsOwnerAlone) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "status.json";
  replace_file(file, "first, and longer");
  EXPECT_EQ(read_file(file), "first, and longer");
  replace_file(file, "second");
  EXPECT_EQ(read_file(file), "second");
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const std::filesystem::directory_iterator entries{directory.path()};
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1) << "nothing else is left behind";
}

TEST(ReplaceFile, IsNeverSeenHalfWritten) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "status.json";
  const std::string a(100'000, 'a'), b(50'000, 'b');
  replace_file(file, a);
  std::atomic<bool> done = false;
  std::thread writer{[&] {
    for (int i = 0; i < 100; ++i) replace_file(file, i % 2 == 0 ? b : a);
    done = true;
  }};
  while (!done) {
    const Bytes seen = read_file(file);
    if (seen != a && seen != b) {
      ADD_FAILURE() << "saw " << seen.size() << " bytes of neither";
      break;
    }
  }
  writer.join();
}

TEST(Files, NameThePathAndTheReasonWhenTheyFail) {
  const TemporaryDirectory directory;
  const auto missing = directory.path() / "no" / "such";
  for (const std::string& message : {message_of<MachineryFailure>([&] { read_file(missing); }),
                                     message_of<MachineryFailure>([&] { replace_file(missing, "x"); }),
                                     message_of<MachineryFailure>([&] { open_to_read(missing); }),
                                     message_of<MachineryFailure>([&] { cut_file(missing, 0); }),
                                     message_of<MachineryFailure>([&] { sync_directory(missing); })}) {
    EXPECT_NE(message.find(missing.string()), std::string::npos) << message;
    EXPECT_NE(message.find("No such file or directory"), std::string::npos) << message;
  }
}

TEST(Files, ADirectoryIsNotRead) {
  const TemporaryDirectory directory;
  const std::string message = message_of<MachineryFailure>([&] { read_file(directory.path()); });
  EXPECT_NE(message.find("could not be read"), std::string::npos) << message;
}

TEST(Files, AFullDiskIsSaid) {
  const FileDescriptor full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
  const std::string message = message_of<MachineryFailure>([&] { write_all(full, "bytes", "/dev/full"); });
  EXPECT_NE(message.find("No space left on device"), std::string::npos) << message;
  EXPECT_NE(message.find("make room"), std::string::npos) << message;
}

TEST(Files, AreCutToALength) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "journal";
  replace_file(file, "0123456789");
  cut_file(file, 20);
  EXPECT_EQ(read_file(file), "0123456789");
  cut_file(file, 4);
  EXPECT_EQ(read_file(file), "0123");
  EXPECT_EQ(file_bytes(open_to_read(file), file), 4U);
}

TEST(Files, DescriptorsMove) {
  FileDescriptor a{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  const int number = a.get();
  FileDescriptor b{std::move(a)};
  EXPECT_EQ(a.get(), -1);
  EXPECT_EQ(b.get(), number);
  a = std::move(b);
  EXPECT_EQ(a.get(), number);
}

}  // namespace
}  // namespace mpifarm
