// Cells of lists: rows of empty ones are no tasks, and a number of JSON is the text that stands there.

#include <fmt/format.h>

#include "support/exec_run.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// A file, or a pipe that brings its text.
enum class By { file, pipe };

class ListCells : public ExecRun {
 protected:
  // `run JOB` over this list; `words` may stand behind --.
  Ended run_list(const std::string& list, const Arguments& job, const Arguments& words = {}, By by = By::file,
                 int ranks = 0) const {
    write_text(work_ / "list", list);
    const std::string tasks = by == By::file ? "list" : "-";
    Command command = on_ranks(
        ranks, Arguments{"run"} + job + Arguments{"--tasks", tasks, "--run", path_, "--quiet"} + words);
    command.directory = work_.path();
    // The shell opens standard input and becomes the command.
    command.arguments = Arguments{"/bin/sh", "-c", "exec \"$@\" < list", "sh"} + command.arguments;
    return e2e::run(command);
  }
  // One warning that says how many rows there were without any value.
  void expect_rows_left_out(const Ended& ended, int count) const {
    const auto said = AllOf(HasSubstr("row"), HasSubstr("empty"),
                            testing::ContainsRegex(fmt::format("(^|[^0-9]){}([^0-9]|$)", count)));
    EXPECT_THAT(own_lines(ended), ElementsAre(said)) << ended.err;
  }
};

const std::string spreadsheet = "sample,lane\nA,1\n,\nB,\n,2\n,\n,\n";

TEST_F(ListCells, ThatAreAllEmptyAreNoTask) {
  for (const int ranks : {0, 2})
    for (const By by : {By::file, By::pipe}) {
      SCOPED_TRACE(fmt::format("{} on {}", by == By::pipe ? "pipe" : "file", ranks));
      in_run(fmt::format("run{}{}", ranks, by == By::pipe));
      const Ended ended = run_list(spreadsheet, {"exec"}, {"--", "echo", "{sample}:{lane}"}, by, ranks);
      expect_status(ended, 0);
      EXPECT_EQ(output(), "A:1\nB:\n:2\n");
      EXPECT_EQ(summary_of(path_).whole("tasks"), 3u);
      EXPECT_THAT(cells("id"), ElementsAre("0", "1", "2"));
      expect_rows_left_out(ended, 3);
    }
}

TEST_F(ListCells, ThatAreEmptyRemoveNoFolder) {
  fs::create_directories(work_ / "keep/A");
  write_text(work_ / "keep/other", "");
  for (const By by : {By::file, By::pipe}) {
    in_run(by == By::pipe ? "pipe" : "file");
    expect_status(run_list("sample,lane\nA,1\n,\n", {"exec"}, {"--", "rm", "-rf", "keep/{sample}"}, by), 0);
    EXPECT_FALSE(exists("keep/A"));
    EXPECT_TRUE(exists("keep/other"));
  }
}

TEST_F(ListCells, ThatAreQuotedAreATask) {
  const std::vector<std::string> rows{"\"\",\"\",\"\"\n", "\"\",,\n", ",\"\",\n", ",,\"\"\n", ",,\"\"\r\n"};
  for (const std::string& row : rows) {
    SCOPED_TRACE(row);
    in_run("run" + std::to_string(&row - rows.data()));
    const Ended ended = run_list("a,b,c\n1,2,3\n" + row, {"exec"}, {"--", "echo", "{a}{b}{c}"});
    expect_status(ended, 0);
    EXPECT_EQ(output(), "123\n\n");
    EXPECT_THAT(own_lines(ended), IsEmpty());
  }
}

TEST_F(ListCells, ThatAreEmptyAreKnownByAnyEndOfTheirLine) {
  const std::vector<std::string> ends{",,", ",,\n", ",,\r\n", ",,\r\n,,\r\n", ",,\n,,"};
  for (const std::string& end : ends) {
    SCOPED_TRACE(end);
    in_run("run" + std::to_string(&end - ends.data()));
    const Ended ended = run_list("a,b,c\n1,2,3\n" + end, {"exec"}, {"--", "echo", "{a}{b}{c}"});
    expect_status(ended, 0);
    EXPECT_EQ(output(), "123\n");
    expect_rows_left_out(ended, end.size() > 6 ? 2 : end == ",,\n,," ? 2 : 1);
  }
}

TEST_F(ListCells, ThatAreEmptyAreNoTaskOfAnyJob) {
  const auto trouble = [&](const std::string& tasks) {
    Command command = shell(0, "exec " + trouble_job() + " run trouble --quiet --manner none --tasks " +
                                   tasks + " --run " + path_ + " < list");
    command.directory = work_.path();
    return run(command);
  };
  write_text(work_ / "list", "n,note\n1,a\n,\n2,b\n,\n");
  for (const std::string tasks : {"list", "-"}) {
    SCOPED_TRACE(tasks);
    in_run("run" + tasks);
    const Ended ended = trouble(tasks);
    expect_status(ended, 0);
    EXPECT_THAT(cells("n"), ElementsAre("1", "2"));
    expect_rows_left_out(ended, 2);
  }
}

TEST_F(ListCells, ThatAreEmptyAreLeftOutOfShardsAndResumes) {
  std::string list = "a,b\n";
  for (int i = 0; i < 20; ++i) list += fmt::format("{},x\n,\n", i);
  expect_status(run_list(list, {"exec"}, {"--", "sh", "-c", "[ {a} != 7 ]"}), 1);
  EXPECT_THAT(cells("id"), SizeIs(20));
  EXPECT_EQ(cells("status").at(7), "failed");
  const std::string digest = digest_of(path_);
  Command again = mpifarm({"resume", path_, "--redo", "failed"});
  again.directory = work_.path();
  expect_status(run(again), 1);
  EXPECT_EQ(digest_of(path_), digest);
  Arguments merge{"merge"};
  for (const std::string number : {"1", "2"}) {
    merge.push_back(in_run("shard" + number));
    const int status = number == "2" ? 1 : 0;
    expect_status(run_list(list, {"exec", "--shard", number + "/2"}, {"--", "sh", "-c", "[ {a} != 7 ]"}),
                  status);
    EXPECT_THAT(cells("id"), SizeIs(10));
  }
  expect_status(run(mpifarm(merge + Arguments{"--run", work_ / "whole"})), 1);
  EXPECT_EQ(digest_of(work_ / "whole"), digest);
}

TEST_F(ListCells, ThatAreSingleOrInJsonAreValues) {
  Ended ended =
      run_list("{\"a\":\"\",\"b\":\"\"}\n{\"a\":\"1\",\"b\":\"2\"}\n", {"exec"}, {"--", "echo", "{a}:{b}"});
  expect_status(ended, 0);
  EXPECT_EQ(output(), ":\n1:2\n");
  EXPECT_THAT(own_lines(ended), IsEmpty());
  in_run("single");
  ended = run_list("a\n1\n\"\"\n2\n", {"exec"}, {"--", "echo", "<{a}>"});
  expect_status(ended, 0);
  EXPECT_EQ(output(), "<1>\n<>\n<2>\n");
}

// Numbers as a list in JSON may have them.
const std::vector<std::string> numbers{"12345678901234567890123",
                                       "12345678901234567890124",
                                       "18446744073709551615",
                                       "18446744073709551616",
                                       "-9223372036854775809",
                                       "9007199254740993",
                                       "1.0",
                                       "1e3",
                                       "1E3",
                                       "1e+3",
                                       "0.10",
                                       "-0",
                                       "-0.0",
                                       "0.1000000000000000055511151231257827",
                                       "1e22",
                                       "7"};

class JsonNumbers : public ListCells {
 protected:
  static std::string list(const std::vector<std::string>& values) {
    std::string text;
    for (const std::string& number : values)
      text += fmt::format("{{\"x\": 1, \"id\" : {}, \"name\":\"n\"}}\n", number);
    return text;
  }
  std::vector<std::string> echoed() const { return lines_of(output()); }
};

TEST_F(JsonNumbers, AreTheirText) {
  for (const int ranks : {0, 2})
    for (const By by : {By::file, By::pipe}) {
      SCOPED_TRACE(fmt::format("{} on {}", by == By::pipe ? "pipe" : "file", ranks));
      in_run(fmt::format("run{}{}", ranks, by == By::pipe));
      const Ended ended = run_list(list(numbers), {"exec", "--env", "ID={id}"},
                                   {"--shell", "--", "echo {id}; [ $ID = {id} ]"}, by, ranks);
      expect_status(ended, 0);
      EXPECT_THAT(echoed(), ElementsAreArray(numbers));
    }
}

TEST_F(JsonNumbers, AreTheirTextWhateverTheirSize) {
  const std::vector<std::string> huge{"1E+400", "-1e-400", "1" + std::string(400, '0'),
                                      "0." + std::string(400, '3')};
  expect_status(run_list(list(huge), {"exec"}, {"--", "echo", "{id}"}), 0);
  EXPECT_THAT(echoed(), ElementsAreArray(huge));
}

TEST_F(JsonNumbers, MakeFilesOfTheirOwn) {
  expect_status(run_list(list(numbers), {"exec"}, {"--", "touch", "f{id}"}), 0);
  for (const std::string& number : numbers) EXPECT_TRUE(exists("f" + number)) << number;
}

TEST_F(JsonNumbers, AreTheirTextInARetryAndAResume) {
  const Arguments words{"--", "sh", "-c", "echo {id}; [ -e fixed ]"};
  expect_status(run_list(list(numbers), {"exec"}, words), 1);
  for (const std::size_t task : {0u, 6u, 10u}) {
    const Ended line = run(mpifarm({"retry-line", path_, std::to_string(task)}));
    EXPECT_THAT(line.out, HasSubstr("echo " + numbers.at(task)));
  }
  write_text(work_ / "fixed", "");
  Command again = mpifarm({"resume", path_, "--redo", "failed"});
  again.directory = work_.path();
  expect_status(run(again), 0);
  EXPECT_THAT(echoed(), ElementsAreArray(numbers));
}

TEST_F(JsonNumbers, MustBeNumbers) {
  for (const std::string number : {"01", "1.", ".5", "+1", "1e", "0x10", "NaN", "-", "1_000"}) {
    SCOPED_TRACE(number);
    expect_refused(run_list(list({number}), {"exec"}, {"--", "echo", "{id}"}), {"list", "line 1"});
    EXPECT_FALSE(fs::exists(path_));
  }
}

TEST_F(JsonNumbers, ThatATypedFieldCannotHoldAreRefused) {
  for (const std::string number : {"18446744073709551616", "9223372036854775808", "-9223372036854775809",
                                   "12345678901234567890123", "1e40"}) {
    SCOPED_TRACE(number);
    expect_refused(run_list("{\"n\": 1}\n{\"n\": " + number + "}\n", {"squares"}), {"line 2", "n "});
    EXPECT_FALSE(fs::exists(path_));
    in_run("pipe" + number);
    expect_status(run_list("{\"n\": 1}\n{\"n\": " + number + "}\n", {"squares"}, {}, By::pipe), 2);
    in_run("run");
  }
  expect_status(run_list("{\"n\": -9223372036854775808}\n{\"n\": 2}\n", {"squares"}), 1);
  EXPECT_THAT(cells("status"), ElementsAre("failed", "succeeded")) << "it fits, but its square does not";
}

}  // namespace
}  // namespace mpifarm::e2e
