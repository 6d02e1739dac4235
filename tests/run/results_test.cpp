// Results as lines, in both formats, with awkward messages; and the file that appears when it is whole.

#include "run/results.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "describe/csv_reader.hpp"
#include "describe/value.hpp"
#include "support/expect.hpp"
#include "support/sample_jobs.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm {
namespace {

using journal::TaskOutcome;
using support::message_of;
using support::Numbers;
using support::TemporaryDirectory;

struct Inner {
  int a = 0;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (a))

struct NestedResult {
  static constexpr auto name = "nested-result";
  static constexpr auto summary = "A result with a struct in it";
  struct Params {};
  struct Task {
    int n;
  };
  struct Result {
    Inner inner;
  };
  explicit NestedResult(const Params&) {}
  std::uint64_t size() const { return 1; }
  Task task(std::uint64_t) const { return {0}; }
  Result compute(const Task&, Context&) const { return {}; }
};
BOOST_DESCRIBE_STRUCT(NestedResult::Params, (), ())
BOOST_DESCRIBE_STRUCT(NestedResult::Task, (), (n))
BOOST_DESCRIBE_STRUCT(NestedResult::Result, (), (inner))

struct NoResult : NestedResult {
  static constexpr auto name = "no-result";
  struct Params {};
  struct Result {};
  explicit NoResult(const Params&) : NestedResult{NestedResult::Params{}} {}
  Result compute(const Task&, Context&) const { return {}; }
};
BOOST_DESCRIBE_STRUCT(NoResult::Params, (), ())
BOOST_DESCRIBE_STRUCT(NoResult::Result, (), ())

const std::vector<std::string> awkward{"plain",
                                       "",
                                       "a,b",
                                       "say \"no\"",
                                       "two\nlines",
                                       "carriage\rreturn",
                                       "tab\tand \x01",
                                       std::string("nul\0here", 8),
                                       "not UTF-8: \xff\xfe",
                                       " spaces ",
                                       "=1+1"};

std::string line_of(const JobType& type, ResultsFormat format, const TaskOutcome& outcome) {
  Bytes out;
  ResultsText{type, format}.append(out, outcome);
  return out;
}

TEST(ResultsText, CsvHasIdStatusFieldsAndMessage) {
  const JobType& type = job_type<Numbers>();
  Bytes out;
  ResultsText{type, ResultsFormat::csv}.append_header(out);
  EXPECT_EQ(out, "id,status,n,random,attempt,filler,message\n");
  const Bytes result = pack(Numbers::Result{5, 6, 1, "f,g"});
  EXPECT_EQ(line_of(type, ResultsFormat::csv, {{3}, Outcome::succeeded, result, {}}),
            "3,succeeded,5,6,1,\"f,g\",\n");
  EXPECT_EQ(line_of(type, ResultsFormat::csv, {{4}, Outcome::timed_out, "too late", {}}),
            "4,timed out,,,,,too late\n");
}

TEST(ResultsText, JsonLinesHaveTheFieldsBesideIdAndStatus) {
  const JobType& type = job_type<Numbers>();
  Bytes out;
  ResultsText{type, ResultsFormat::jsonl}.append_header(out);
  EXPECT_EQ(out, "");
  const Bytes result = pack(Numbers::Result{5, 6, 1, "f"});
  EXPECT_EQ(line_of(type, ResultsFormat::jsonl, {{3}, Outcome::succeeded, result, {}}),
            "{\"id\":3,\"status\":\"succeeded\",\"n\":5,\"random\":6,\"attempt\":1,\"filler\":\"f\"}\n");
  EXPECT_EQ(line_of(type, ResultsFormat::jsonl, {{4}, Outcome::crashed, "SIGSEGV", {}}),
            "{\"id\":4,\"status\":\"crashed\",\"message\":\"SIGSEGV\"}\n");
}

TEST(ResultsText, AnEmptyResultIsStillALine) {
  const JobType& type = job_type<NoResult>();
  EXPECT_EQ(line_of(type, ResultsFormat::jsonl, {{0}, Outcome::succeeded, "", {}}),
            "{\"id\":0,\"status\":\"succeeded\"}\n");
  EXPECT_EQ(line_of(type, ResultsFormat::csv, {{0}, Outcome::succeeded, "", {}}), "0,succeeded,\n");
  EXPECT_EQ(line_of(type, ResultsFormat::csv, {{0}, Outcome::failed, "why", {}}), "0,failed,why\n");
}

TEST(ResultsText, AFailureMayHaveAResult) {
  const Bytes payload = Bytes{"why"} + '\0' + "packed";
  EXPECT_EQ(failure_message(payload), "why");
  EXPECT_EQ(kept_result(payload), "packed");
  EXPECT_EQ(kept_result("why"), "");
}

TEST(ResultsText, AwkwardMessagesComeBackFromJson) {
  for (const std::string& message : awkward) {
    if (message.find('\0') != std::string::npos) continue;  // what() has none
    const std::string line =
        line_of(job_type<Numbers>(), ResultsFormat::jsonl, {{1}, Outcome::failed, message, {}});
    EXPECT_EQ(std::ranges::count(line, '\n'), 1) << line;
    const auto value = describe::parse_json(line);
    ASSERT_NE(value.find("message"), nullptr);
    const bool is_utf8 = message.find('\xff') == std::string::npos;
    EXPECT_TRUE(!is_utf8 || *value.find("message") == describe::Value{message}) << line;
  }
}

TEST(ResultsText, AwkwardMessagesComeBackFromCsv) {
  for (const std::string& message : awkward) {
    if (message.find('\0') != std::string::npos) continue;  // what() has none
    const std::string line =
        line_of(job_type<Numbers>(), ResultsFormat::csv, {{1}, Outcome::failed, message, {}});
    const std::string start = "1,failed,,,,,";
    ASSERT_TRUE(line.starts_with(start)) << line;
    std::string cell = line.substr(start.size(), line.size() - start.size() - 1);
    if (cell.starts_with('"')) {
      std::string inner;
      for (std::size_t i = 1; i + 1 < cell.size(); ++i) {
        inner += cell[i];
        const bool quote = cell[i] == '"';
        EXPECT_TRUE(!quote || cell[++i] == '"') << "a quote is doubled";
      }
      cell = inner;
    } else {
      EXPECT_EQ(cell.find_first_of(",\"\n\r"), std::string::npos) << "this needs quotes";
    }
    EXPECT_EQ(cell, message);
  }
}

TEST(ResultsText, ANestedResultDoesNotFitCsv) {
  const std::string message =
      message_of<BadInput>([] { ResultsText(job_type<NestedResult>(), ResultsFormat::csv); });
  EXPECT_NE(message.find("nested-result"), std::string::npos);
  EXPECT_NE(message.find("jsonl"), std::string::npos);
  EXPECT_EQ(line_of(job_type<NestedResult>(), ResultsFormat::jsonl, {{0}, Outcome::succeeded, pack(1), {}}),
            "{\"id\":0,\"status\":\"succeeded\",\"inner\":{\"a\":1}}\n");
}

TEST(ResultsFormats, HaveNames) {
  for (const ResultsFormat format : {ResultsFormat::csv, ResultsFormat::jsonl, ResultsFormat::none})
    EXPECT_EQ(parse_results_format("--results", to_string(format)), format);
  EXPECT_EQ(message_of<BadInput>([] { parse_results_format("--results", "xml"); }),
            "--results is not known (\"xml\"); use csv, jsonl, sqlite or none");
}

// Fields with the names of the table's own columns.
struct Clash : NestedResult {
  static constexpr auto name = "clash";
  struct Params {};
  struct Result {
    int id, message;
  };
  explicit Clash(const Params&) : NestedResult{NestedResult::Params{}} {}
  Result compute(const Task&, Context&) const { return {}; }
};
BOOST_DESCRIBE_STRUCT(Clash::Params, (), ())
BOOST_DESCRIBE_STRUCT(Clash::Result, (), (id, message))

TEST(ResultsText, RenamesWhatTheTableHasItself) {
  const Bytes packed = pack(Clash::Result{7, 8});
  Bytes csv, json;
  const ResultsText as_csv{job_type<Clash>(), ResultsFormat::csv},
      as_json{job_type<Clash>(), ResultsFormat::jsonl};
  as_csv.append_header(csv);
  as_csv.append(csv, {{5}, Outcome::succeeded, packed, {}});
  as_json.append(json, {{5}, Outcome::succeeded, packed, {}});
  EXPECT_EQ(csv, "id,status,result_id,result_message,message\n5,succeeded,7,8,\n");
  EXPECT_EQ(json, "{\"id\":5,\"status\":\"succeeded\",\"result_id\":7,\"result_message\":8}\n");
}

TEST(ResultsFile, AppearsWhenItIsWholeForItsOwnerAlone) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "results.csv";
  TextResults file{path, ResultsText{job_type<Numbers>(), ResultsFormat::csv}};
  Bytes expected = "id,status,n,random,attempt,filler,message\n";
  for (std::uint64_t id = 0; id < 20'000; ++id) {
    const Bytes result = pack(Numbers::Result{id, 1, 1, std::string(30, 'x')});
    file.take({{id}, Outcome::succeeded, result, {}});
    expected +=
        std::to_string(id) + ",succeeded," + std::to_string(id) + ",1,1," + std::string(30, 'x') + ",\n";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  file.finish();
  EXPECT_TRUE(read_file(path) == expected);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST(ResultsFile, ReplacesTheOneBeforeOnlyWhenFinished) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "results.jsonl";
  replace_file(path, "old\n");
  { const TextResults abandoned{path, ResultsText{job_type<Numbers>(), ResultsFormat::jsonl}}; }
  EXPECT_EQ(read_file(path), "old\n");
  const std::filesystem::directory_iterator entries{directory.path()};
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1) << "an unfinished one is removed";
  TextResults file{path, ResultsText{job_type<Numbers>(), ResultsFormat::jsonl}};
  file.finish();
  EXPECT_EQ(read_file(path), "");
}

TEST(ResultsFile, ThatCannotBeMadeIsSaid) {
  EXPECT_NE(message_of<MachineryFailure>([] {
              TextResults("/no/such/results.csv", ResultsText{job_type<Numbers>(), ResultsFormat::csv});
            }).find("/no/such/results.csv"),
            std::string::npos);
}

TEST(Reduction, SeesSuccessesAloneAndNamesTheTaskThatFails) {
  const auto job = job_type<Numbers>().make(pack(Numbers::Params{}));
  Reduction reduction{*job};
  const std::string before = job->conclude({});
  reduction.take({{0}, Outcome::failed, "why", {}});
  EXPECT_EQ(job->conclude({}), before);
  reduction.take({{1}, Outcome::succeeded, pack(Numbers::Result{1, 2, 1, ""}), {}});
  EXPECT_NE(job->conclude({}), before);
  const std::string message = message_of<MachineryFailure>([&] {
    reduction.take({{17}, Outcome::succeeded, "damaged", {}});
  });
  EXPECT_NE(message.find("task 17"), std::string::npos) << message;
}

}  // namespace
}  // namespace mpifarm
