// What is written is read; what another version wrote is read, passed over or refused.

#include <sys/stat.h>

#include "base/hash.hpp"
#include "run_directory.hpp"

namespace mpifarm::journal {
namespace {

TEST(RoundTrip, EveryTypeOverSegments) {
  const RunDirectory run;
  const auto records = sample_records();
  std::vector<std::string> expected;
  for (int segment = 0; segment < 3; ++segment) {
    write_segment(run, records);
    for (const std::string& record : packed(records)) expected.push_back(record);
  }
  EXPECT_EQ(read_run(run), expected);
  const Survey survey = inspect(run.path());
  EXPECT_EQ(survey.segments.size(), 3u);
  EXPECT_EQ(survey.run_id(), test_run_id);
  EXPECT_EQ(survey.torn_bytes, 0u);
  EXPECT_TRUE(survey.sealed);
  EXPECT_TRUE(survey.complete);
}

TEST(RoundTrip, NothingWrittenIsAnEmptyJournal) {
  const RunDirectory run;
  EXPECT_TRUE(inspect(run.path()).segments.empty());
  EXPECT_TRUE(read_run(run).empty());
  EXPECT_THROW(inspect(run.path() / "nowhere"), MachineryFailure);
}

TEST(RoundTrip, ReadersTakeOnlyTheTypesTheyAskFor) {
  const RunDirectory run;
  write_segment(run, sample_records());
  EXPECT_EQ(read_run(run, mask_of<SourceItems>()).size(), 2u);
  EXPECT_EQ(read_run(run, mask_of<Started, Sealed>()).size(), 2u);
  EXPECT_FALSE(inspect(run.path()).segments.empty());
}

TEST(RoundTrip, TellsItsPlaceAndProgress) {
  const RunDirectory run;
  write_segment(run, sample_records());
  write_segment(run, sample_records());
  const auto ends = record_ends(run, 2);
  Reader reader{inspect(run.path())};
  Record record;
  for (std::size_t i = 0; i < 2 * sample_records().size(); ++i) ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(reader.file(), run.segment(2));
  EXPECT_EQ(reader.offset(), ends[ends.size() - 2]);
  EXPECT_EQ(reader.bytes_read(), reader.total_bytes());
  EXPECT_EQ(reader.total_bytes(), run.bytes(1) + run.bytes(2));
}

TEST(RoundTrip, LargeRecordsPassThroughTheBuffer) {
  const RunDirectory run;
  const std::vector<Record> records{outcomes_of(0, {std::string(5'000'000, 'x')}), outcomes_of(1, {"small"}),
                                    outcomes_of(2, {std::string(1 << 20, 'y')})};
  write_segment(run, records);
  EXPECT_EQ(read_run(run), packed(records));
}

TEST(RoundTrip, ARecordAboveTheLimitIsLeftOut) {
  const RunDirectory run;
  Writer writer = open_segment(run);
  Outcomes huge;
  huge.block.entries.resize(payload_limit + 1);
  EXPECT_THROW(writer.append_outcomes(huge), MachineryFailure);
  writer.append(Sealed{});
  writer.sync();
  EXPECT_EQ(read_run(run).size(), 1u);
}

TEST(RoundTrip, FilesAreTheOwners) {
  const RunDirectory run;
  write_segment(run, {});
  struct stat status {};
  ASSERT_EQ(::stat(run.segment().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(RoundTrip, AnotherRunsJournalIsNotContinued) {
  const RunDirectory run;
  write_segment(run, {});
  EXPECT_THROW(create_segment(run.path(), inspect(run.path()), test_run_id + 1), BadInput);
  EXPECT_THROW(create_segment(run.path(), std::nullopt, test_run_id), MachineryFailure) << "the file exists";
}

// Writes versions into the header of segment 1 as the mpifarm of that version would.
void set_version(const RunDirectory& run, std::uint16_t major, std::uint16_t minor) {
  std::string bytes = read_file(run.segment());
  std::memcpy(bytes.data() + 8, &major, 2);
  std::memcpy(bytes.data() + 10, &minor, 2);
  const auto check = static_cast<std::uint32_t>(hash64(BytesView{bytes}.substr(0, 12)));
  std::memcpy(bytes.data() + 12, &check, 4);
  const std::uint64_t hash = hash64(BytesView{bytes}.substr(0, header_bytes(1) - 8));
  std::memcpy(bytes.data() + header_bytes(1) - 8, &hash, 8);
  write_file(run.segment(), bytes);
}

TEST(Versions, AnotherMajorIsRefusedNamingBoth) {
  const RunDirectory run;
  write_segment(run, sample_records());
  set_version(run, major_version + 41, 7);
  try {
    inspect(run.path());
    FAIL();
  } catch (const BadInput& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("42.7"), std::string::npos) << text;
    const std::string known = std::to_string(major_version) + "." + std::to_string(minor_version);
    EXPECT_NE(text.find("knows " + known), std::string::npos) << text;
    EXPECT_NE(text.find(run.segment().string()), std::string::npos) << text;
  }
}

TEST(Versions, ANewerMinorIsRead) {
  const RunDirectory run;
  write_segment(run, sample_records());
  set_version(run, major_version, minor_version + 9);
  EXPECT_EQ(read_run(run), packed(sample_records()));
}

// A record of any type, number and payload behind those of segment 1.
void append_raw(const RunDirectory& run, std::uint16_t type, std::uint64_t number, BytesView payload) {
  RecordHeader header;
  header.type = type;
  header.bytes = static_cast<std::uint32_t>(payload.size());
  header.number = number;
  header.payload_hash = hash64(payload);
  std::string bytes(record_header_bytes, '\0');
  encode(header, record_seed(*read_header(run.path(), 1)), bytes.data());
  append_file(run.segment(), bytes + std::string{payload});
}

TEST(Versions, UnknownSkippableTypesArePassedOver) {
  const RunDirectory run;
  write_segment(run, {Started{}});
  append_raw(run, skippable_bit | 77, 1, "from the future");
  append_raw(run, 5, 2, pack(Sealed{}));
  EXPECT_EQ(read_run(run), packed({Started{}, Sealed{}}));
}

TEST(Versions, OtherUnknownTypesAreRefused) {
  for (const int type : {0, static_cast<int>(std::variant_size_v<Record>) + 1, 77}) {
    const RunDirectory run;
    write_segment(run, {Started{}});
    append_raw(run, static_cast<std::uint16_t>(type), 1, "from the future");
    EXPECT_THROW(read_run(run), BadInput) << type;
  }
}

TEST(Versions, APayloadThatIsNoRecordIsDamage) {
  const std::string good = pack(Sealed{false, "now"});
  for (const std::string& payload : {good + "x", good.substr(1), std::string{}, std::string{"\2\0", 2}}) {
    const RunDirectory run;
    write_segment(run, {Started{}});
    const std::uint64_t at = run.bytes();
    append_raw(run, 5, 1, payload);
    try {
      read_run(run);
      FAIL();
    } catch (const Damaged& error) {
      EXPECT_EQ(error.at, at);
    }
  }
}

}  // namespace
}  // namespace mpifarm::journal
