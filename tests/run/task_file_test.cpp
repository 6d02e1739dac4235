// Tasks from CSV and JSON Lines: the same from both, and every refusal says where.

#include "run/task_file.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.hpp"
#include "job/job_type.hpp"
#include "support/expect.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm {
namespace {

using support::message_of;

enum class Method { jacobi, sor };
BOOST_DESCRIBE_ENUM(Method, jacobi, sor)

struct Sweep {
  static constexpr auto name = "sweep";
  static constexpr auto summary = "Tasks of every kind of field";
  struct Params {};
  struct Task {
    std::string label = "none";
    std::int32_t n = 7;
    double x = 0.5;
    Method method = Method::sor;
    std::optional<bool> fast;
    std::vector<int> levels;
  };
  struct Result {
    int n;
  };
  explicit Sweep(const Params&) {}
  std::uint64_t size() const { return 0; }
  Task task(std::uint64_t) const { return {}; }
  Result compute(const Task& task, Context&) const { return {task.n}; }
};
BOOST_DESCRIBE_STRUCT(Sweep::Params, (), ())
BOOST_DESCRIBE_STRUCT(Sweep::Task, (), (label, n, x, method, fast, levels))
BOOST_DESCRIBE_STRUCT(Sweep::Result, (), (n))

class TaskFileTest : public testing::Test {
 protected:
  std::string file(BytesView text) {
    const std::string path = directory_.path() / "tasks";
    std::ofstream{path, std::ios::binary} << text;
    return path;
  }
  // Each as JSON.
  std::vector<std::string> tasks(BytesView text) {
    TaskFile list{job_type<Sweep>(), {}, file(text)};
    std::vector<std::string> all;
    Bytes descriptor;
    for (auto pulled = list.pull(descriptor); pulled != TaskSource::Pull::end;
         pulled = list.pull(descriptor)) {
      if (pulled != TaskSource::Pull::item) continue;
      job_type<Sweep>().append_task_json(all.emplace_back(), descriptor);
    }
    return all;
  }
  // Without the name of the file.
  std::string refusal(BytesView text) {
    std::string message = message_of<BadInput>([&] { tasks(text); });
    const std::string name = (directory_.path() / "tasks").string();
    EXPECT_TRUE(message.starts_with(name)) << message;
    return message.substr(std::min(name.size(), message.size()));
  }

  support::TemporaryDirectory directory_;
};

const std::string defaults = R"({"label":"none","n":7,"x":0.5,"method":"sor","fast":null,"levels":[]})";

TEST_F(TaskFileTest, CsvAndJsonLinesSayTheSame) {
  const std::vector<std::string> expected{
      R"({"label":"a, b","n":-3,"x":0.1,"method":"jacobi","fast":true,"levels":[1,2]})", defaults};
  EXPECT_EQ(
      tasks("levels,label,n,x,method,fast\n\"[1,2]\",\"a, b\",-3,0.1,jacobi,true\n[],none,7,0.5,sor,\n"),
      expected);
  EXPECT_EQ(tasks(R"({"n": -3, "label": "a, b", "x": 0.1, "method": "jacobi", "fast": true, "levels": [1, 2]}
{}
)"),
            expected);
}

TEST_F(TaskFileTest, AMissingColumnHasItsDefault) {
  EXPECT_EQ(tasks("n\n1\n2\n").size(), 2U);
  EXPECT_EQ(tasks("n\n7\n"), std::vector<std::string>{defaults});
}

TEST_F(TaskFileTest, LineEndsMarksAndBlankLinesDoNotMatter) {
  const std::vector<std::string> expected = tasks("n\n1\n2\n");
  for (const BytesView text :
       {"\xef\xbb\xbfn\r\n1\r\n2", "\n\n  \nn\n\n1\n\n2\n\n", "{\"n\":1}\n{\"n\":2}",
        "\xef\xbb\xbf{\"n\":1}\r\n\r\n{\"n\":2}\r\n", " \n\t{\"n\":1}\n   \n{\"n\":2}\n"})
    EXPECT_EQ(tasks(text), expected) << text;
}

// Characters from U+F000 begin with the first byte of a mark.
TEST_F(TaskFileTest, AHeaderThatBeginsLikeAMarkIsKeptWhole) {
  for (const std::string before : {"", "\n \n"}) {
    EXPECT_NE(refusal(before + "\xef\xbd\x8e\n1\n").find("(\"\xef\xbd\x8e\")"), std::string::npos);
    EXPECT_NE(refusal(before + "\xef\xbb" + "n\n1\n").find("column 1 is none that is known"),
              std::string::npos);
    EXPECT_NE(refusal(before + "\xef{}\n").find("column 1 is none that is known"), std::string::npos);
    EXPECT_NE(refusal(before + "\xef").find("column 1 is none that is known"), std::string::npos);
  }
}

TEST_F(TaskFileTest, NothingIsNoTask) {
  for (const BytesView text : {"", "\n\n", "\xef\xbb\xbf", "n,x\n", "n,x"})
    EXPECT_TRUE(tasks(text).empty()) << text;
}

TEST_F(TaskFileTest, RefusesWhatIsNoColumn) {
  EXPECT_NE(refusal("label,lable\na,b\n").find(", line 1: "), std::string::npos);
  EXPECT_NE(refusal("label,lable\na,b\n").find("label"), std::string::npos);
  EXPECT_NE(refusal("\nn,n\n1,2\n").find(", line 2: "), std::string::npos);
  EXPECT_NE(refusal("{\"n\":1}\n{\"m\":1}\n").find(", line 2: "), std::string::npos);
  EXPECT_NE(refusal("{\"n\":1,\"n\":1}").find("n "), std::string::npos);
}

TEST_F(TaskFileTest, RefusesValuesWithLineColumnAndValue) {
  EXPECT_EQ(
      refusal("n,x\n1,2\n12x,2\n"),
      ", line 3: column n is not a whole number (\"12x\"); give an integer from -2147483648 to 2147483647");
  EXPECT_NE(refusal("n\n\n3000000000\n").find(", line 3: column n is out of range (\"3000000000\")"),
            std::string::npos);
  EXPECT_NE(refusal("method\nsoor\n")
                .find(", line 2: column method is none of jacobi, sor (\"soor\"); did you mean sor?"),
            std::string::npos);
  EXPECT_NE(refusal("n,x\n1\n").find(", line 2: "), std::string::npos);
  EXPECT_NE(refusal("n\n1,2\n").find(", line 2: "), std::string::npos);
  EXPECT_NE(refusal("\n{\"n\": \"1\"}\n").find(", line 2: n is not a whole number (\"1\")"),
            std::string::npos);
  EXPECT_NE(refusal("{}\n{\"n\": 3000000000}\n").find(", line 2: n is out of range (3000000000)"),
            std::string::npos);
  EXPECT_NE(refusal("{}\n[1]\n").find(", line 2: the value is not an object"), std::string::npos);
}

TEST_F(TaskFileTest, RefusesBrokenText) {
  EXPECT_NE(refusal("label\na\n\"b\n").find("is not valid CSV (line 3, column 1: "), std::string::npos);
  EXPECT_NE(refusal("{}\n{\"n\": 1\n").find(", line 2: not valid JSON (column 8: "), std::string::npos);
  EXPECT_NE(refusal("{}\n{\"label\": \"\xff\"}\n").find(", line 2: not valid JSON (column "),
            std::string::npos);
  EXPECT_NE(refusal("{}{}\n").find(", line 1: not valid JSON (column 3: "), std::string::npos);
}

TEST_F(TaskFileTest, RefusesALineWithoutEnd) {
  const Bytes endless(TaskFile::most_line_bytes + 1, 'x');
  EXPECT_NE(refusal("label\n" + endless).find("longer than"), std::string::npos);
  EXPECT_NE(refusal("{\"label\":\"" + endless).find("line 1 is longer than"), std::string::npos);
}

TEST_F(TaskFileTest, SaysWhenItChangedWhileItWasRead) {
  for (const std::uint64_t expected : {1, 3}) {
    TaskFile list{job_type<Sweep>(), {}, file("n\n1\n2\n")};
    list.expect(expected);
    Bytes descriptor;
    EXPECT_NE(message_of<BadInput>([&] {
                for (int i = 0; i < 3; ++i) list.pull(descriptor);
              }).find("changed while it was read"),
              std::string::npos);
  }
}

TEST_F(TaskFileTest, SurveysTheWholeList) {
  const auto facts = [&](BytesView text) { return survey_tasks(job_type<Sweep>(), {}, file(text)); };
  EXPECT_EQ(facts("n\n1\n2\n").tasks, 2U);
  EXPECT_EQ(facts("n\n1\n2\n").digest, facts("{\"n\":1}\n{\"n\":2}\n").digest);
  EXPECT_NE(facts("n\n1\n2\n").digest, facts("n\n2\n1\n").digest);
  EXPECT_EQ(facts("").tasks, 0U);
}

}  // namespace
}  // namespace mpifarm
