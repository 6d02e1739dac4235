// Results as an SQLite table: types, awkward values, and the file that appears when it is whole.

#include "run/sqlite_results.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/pack.hpp"
#include "job/job_type.hpp"
#include "support/expect.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm {
namespace {

using support::message_of;

struct Typed {
  static constexpr auto name = "typed";
  static constexpr auto summary = "A result with a field of every kind, some named like the table's own";
  struct Params {};
  struct Task {
    int n = 0;
  };
  struct Result {
    std::int64_t n = 0;
    std::uint64_t big = 0;
    double x = 0;
    bool good = false;
    std::string Status;
    std::optional<int> maybe;
    std::vector<int> list;
  };
  explicit Typed(const Params&) {}
  std::uint64_t size() const { return 1; }
  Task task(std::uint64_t) const { return {}; }
  Result compute(const Task&, Context&) const { return {}; }
};
BOOST_DESCRIBE_STRUCT(Typed::Params, (), ())
BOOST_DESCRIBE_STRUCT(Typed::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Typed::Result, (), (n, big, x, good, Status, maybe, list))

class SqliteResultsTest : public testing::Test {
 protected:
  // Rows as text, values joined by "|"; a null is "-".
  std::vector<std::string> query(const std::string& sql) {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open_v2(path_.c_str(), &database, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    std::vector<std::string> rows;
    const auto add = [](void* to, int count, char** values, char**) {
      std::string row;
      for (int i = 0; i < count; ++i)
        row += (i > 0 ? "|" : "") + std::string{values[i] == nullptr ? "-" : values[i]};
      static_cast<std::vector<std::string>*>(to)->push_back(row);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), add, &rows, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
    return rows;
  }
  void write(const std::vector<Typed::Result>& results, const std::string& failure = "") {
    SqliteResults table{path_, job_type<Typed>()};
    std::uint64_t id = 0;
    for (const auto& result : results) {
      const Bytes packed = pack(result);
      table.take({{id++}, Outcome::succeeded, packed, {}});
    }
    if (!failure.empty()) table.take({{id}, Outcome::failed, failure, {}});
    table.finish();
  }

  support::TemporaryDirectory directory_;
  const std::filesystem::path path_ = directory_.path() / "results.sqlite";
};

TEST_F(SqliteResultsTest, HoldsEveryKindOfValue) {
  write({{-5, std::numeric_limits<std::uint64_t>::max(), 0.1, true, "a'b\"c", 7, {1, 2}}, {}}, "it failed");
  EXPECT_EQ(query("SELECT * FROM results"),
            (std::vector<std::string>{"0|succeeded|-5|18446744073709551615|0.1|1|a'b\"c|7|[1,2]|-",
                                      "1|succeeded|0|0|0.0|0||-|[]|-", "2|failed|-|-|-|-|-|-|-|it failed"}));
  EXPECT_EQ(
      query("SELECT typeof(n), typeof(big), typeof(x), typeof(good), typeof(maybe) FROM results LIMIT 1"),
      std::vector<std::string>{"integer|text|real|integer|integer"});
  EXPECT_EQ(query("SELECT count(*) FROM results WHERE status = 'succeeded'"), std::vector<std::string>{"2"});
  EXPECT_EQ(query("SELECT result_Status FROM results WHERE id = 0"), std::vector<std::string>{"a'b\"c"});
}

TEST_F(SqliteResultsTest, ARowKeepsNothingOfTheOneBefore) {
  {
    SqliteResults table{path_, job_type<Typed>()};
    table.take({{0}, Outcome::failed, "why", {}});
    const Bytes packed = pack(Typed::Result{});
    table.take({{1}, Outcome::succeeded, packed, {}});
    table.take({{2}, Outcome::failed, "why not", {}});
    table.finish();
  }
  EXPECT_EQ(query("SELECT status, n, message FROM results"),
            (std::vector<std::string>{"failed|-|why", "succeeded|0|-", "failed|-|why not"}));
}

TEST_F(SqliteResultsTest, KeepsDoublesExactly) {
  const std::vector<double> numbers{0.1,
                                    1e-320,
                                    -0.0,
                                    1.7976931348623157e308,
                                    1.0 / 3,
                                    std::nan(""),
                                    std::numeric_limits<double>::infinity()};
  std::vector<Typed::Result> results;
  for (const double x : numbers) results.emplace_back().x = x;
  write(results);
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
  sqlite3_stmt* select = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(database, "SELECT x FROM results ORDER BY id", -1, &select, nullptr),
            SQLITE_OK);
  for (const double x : numbers) {
    ASSERT_EQ(sqlite3_step(select), SQLITE_ROW);
    if (std::isnan(x))
      EXPECT_STREQ(reinterpret_cast<const char*>(sqlite3_column_text(select, 0)), "nan");
    else
      EXPECT_EQ(sqlite3_column_double(select, 0), x);
  }
  sqlite3_finalize(select);
  sqlite3_close(database);
}

TEST_F(SqliteResultsTest, ReplacesTheOneBeforeOnlyWhenFinished) {
  write({{}});
  { const SqliteResults abandoned{path_, job_type<Typed>()}; }
  EXPECT_EQ(query("SELECT count(*) FROM results"), std::vector<std::string>{"1"});
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".new"));
  write({{}, {}});
  EXPECT_EQ(query("SELECT count(*) FROM results"), std::vector<std::string>{"2"});
}

TEST_F(SqliteResultsTest, ThatCannotBeMadeIsSaid) {
  EXPECT_NE(message_of<MachineryFailure>([] {
              SqliteResults("/no/such/results.sqlite", job_type<Typed>());
            }).find("/no/such/results.sqlite.new could not be written (SQLite: "),
            std::string::npos);
}

}  // namespace
}  // namespace mpifarm
