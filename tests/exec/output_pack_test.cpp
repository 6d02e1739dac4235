#include "exec/output_pack.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "support/expect.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm::exec {
namespace {

using support::message_of;
using testing::HasSubstr;

std::string kept(const std::filesystem::path& pack, std::uint64_t task, Stream kind,
                 const KeptStream& stream) {
  std::string text;
  read_output(pack, {task}, kind, stream.last, [&](BytesView part) { text += part; });
  return text;
}

class PackedOutput : public ::testing::Test {
 protected:
  support::TemporaryDirectory directory_;
  std::filesystem::path path_ = pack_path(directory_.path(), "1-0");
};

TEST_F(PackedOutput, KeepsStreamsApart) {
  OutputPack pack{path_};
  KeptStream output, error, empty;
  pack.append({7}, Stream::standard_output, output, "one ");
  pack.append({7}, Stream::standard_error, error, "bad");
  pack.append({7}, Stream::standard_output, output, std::string_view{"t\0o", 3});
  EXPECT_EQ(kept(path_, 7, Stream::standard_output, output), std::string("one t\0o", 7));
  EXPECT_EQ(kept(path_, 7, Stream::standard_error, error), "bad");
  EXPECT_EQ(kept(path_, 7, Stream::standard_error, empty), "");
}

// As the slots of a rank do, each with a hand of its own.
TEST_F(PackedOutput, IsSharedByManyWriters) {
  constexpr int writers = 8, chunks = 300;
  std::vector<KeptStream> streams(writers);
  {
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < writers; ++writer)
      threads.emplace_back([&, writer] {
        OutputPack pack{path_};
        for (int chunk = 0; chunk < chunks; ++chunk)
          pack.append({static_cast<std::uint64_t>(writer)}, Stream::standard_output,
                      streams[static_cast<std::size_t>(writer)],
                      std::to_string(writer) + ":" + std::to_string(chunk) + "\n");
      });
  }
  for (int writer = 0; writer < writers; ++writer) {
    std::string wanted;
    for (int chunk = 0; chunk < chunks; ++chunk)
      wanted += std::to_string(writer) + ":" + std::to_string(chunk) + "\n";
    EXPECT_EQ(kept(path_, static_cast<std::uint64_t>(writer), Stream::standard_output,
                   streams[static_cast<std::size_t>(writer)]),
              wanted);
  }
}

TEST_F(PackedOutput, RefusesEveryDamage) {
  KeptStream stream;
  {
    OutputPack pack{path_};
    pack.append({7}, Stream::standard_output, stream, "first");
    pack.append({7}, Stream::standard_output, stream, "second");
  }
  std::string whole{std::istreambuf_iterator<char>{std::ifstream{path_, std::ios::binary}.rdbuf()}, {}};
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    std::ofstream{path_, std::ios::binary} << damaged;
    EXPECT_THAT(message_of<MachineryFailure>([&] { kept(path_, 7, Stream::standard_output, stream); }),
                HasSubstr("is damaged (at offset "))
        << at;
  }
  std::ofstream{path_, std::ios::binary} << whole.substr(0, whole.size() - 1);
  EXPECT_THAT(message_of<MachineryFailure>([&] { kept(path_, 7, Stream::standard_output, stream); }),
              HasSubstr("is damaged (at offset 45)"));
  std::ofstream{path_, std::ios::binary} << whole;
  EXPECT_THAT(message_of<MachineryFailure>([&] { kept(path_, 8, Stream::standard_output, stream); }),
              HasSubstr("is damaged"))
      << "of another task";
}

TEST_F(PackedOutput, IsForItsOwnerAlone) {
  KeptStream stream;
  OutputPack pack{path_};
  pack.append({1}, Stream::standard_output, stream, "x");
  EXPECT_EQ(std::filesystem::status(path_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(std::filesystem::status(path_.parent_path()).permissions(), std::filesystem::perms::owner_all);
}

}  // namespace
}  // namespace mpifarm::exec
