#include "describe/csv.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "describe/csv_reader.hpp"
#include "samples.hpp"

namespace {

using namespace mpifarm::describe;
using namespace samples;

struct Lonely {
  std::optional<std::string> word;
  bool operator==(const Lonely&) const = default;
};
BOOST_DESCRIBE_STRUCT(Lonely, (), (word))

template <class T>
std::string table_of(const std::vector<T>& values) {
  std::string out;
  append_csv_header<T>(out);
  for (const T& value : values) append_csv_row(out, value);
  return out;
}

template <class T>
std::vector<T> read_table(std::string_view text) {
  CsvReader reader{"table"};
  CsvRow row;
  EXPECT_TRUE(reader.read(text, row));
  const CsvColumns<T> columns{row.cells};
  std::vector<T> values;
  while (reader.read(text, row)) columns.read(row.cells, values.emplace_back());
  EXPECT_FALSE(reader.finish(row));
  return values;
}

template <class T>
std::string refused(std::vector<std::string> header, std::vector<std::string> cells) {
  T value{};
  return refusal([&] { row_to_struct(header, cells, value); });
}

TEST(Csv, WritesHeaderAndRows) {
  EXPECT_EQ(table_of<Pair>({{1, 1}, {-2, 4}}), "n,square\n1,1\n-2,4\n");
  EXPECT_EQ(table_of<Point>({{-NAN, 1}, {INFINITY, 2}}), "x,y\nnan,1\ninf,2\n");
  EXPECT_EQ(columns<Pair>(), (std::vector<std::string>{"n", "square"}));
}

TEST(Csv, QuotesOnlyWhereNeeded) {
  const auto cell = [](std::string_view text) {
    std::string out;
    append_csv_cell(out, text);
    return out;
  };
  EXPECT_EQ(cell(""), "");
  EXPECT_EQ(cell("a b"), "a b");
  EXPECT_EQ(cell("a,b"), "\"a,b\"");
  EXPECT_EQ(cell("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(cell("a\nb"), "\"a\nb\"");
  EXPECT_EQ(cell("a\r"), "\"a\r\"");
}

TEST(Csv, CellsJoinOtherCells) {
  std::string line = "id,status";
  append_csv_names<Pair>(line, false);
  EXPECT_EQ(line, "id,status,n,square");
  append_csv_names<Empty>(line, false);
  EXPECT_EQ(line, "id,status,n,square");
  line = "7,ok";
  append_csv_cells(line, Pair{1, 2}, false);
  EXPECT_EQ(line, "7,ok,1,2");
}

TEST(Csv, NestedMembersAreJson) {
  Deep deep;
  deep.name = "a,b";
  std::string out;
  append_csv_row(out, deep);
  EXPECT_TRUE(out.starts_with("\"a,b\",\"{\"\"i64\"\":0,")) << out;
  EXPECT_TRUE(out.ends_with(",\n")) << out;  // the empty optional
}

TEST(Csv, KnowsWhatIsFlat) {
  static_assert(is_flat<Pair>() && is_flat<Flat>() && is_flat<Empty>() && !is_flat<Deep>());
}

TEST(Csv, RandomRowsReadBack) {
  Random random{9};
  std::vector<Deep> deep;
  std::vector<Flat> flat;
  for (int i = 0; i < 1000; ++i) {
    deep.push_back(random.deep());
    flat.push_back(random.flat());
  }
  EXPECT_EQ(read_table<Deep>(table_of(deep)), deep);
  EXPECT_EQ(read_table<Flat>(table_of(flat)), flat);
}

TEST(Csv, ALonelyEmptyCellIsARow) {
  const std::vector<Lonely> values{{}, {"x"}, {}};
  EXPECT_EQ(table_of(values), "word\n\"\"\nx\n\"\"\n");
  EXPECT_EQ(read_table<Lonely>(table_of(values)), values);
}

TEST(Csv, MissingColumnsKeepTheirDefaults) {
  Point point;
  row_to_struct(std::vector<std::string>{"y"}, std::vector<std::string>{"9"}, point);
  EXPECT_EQ(point, (Point{1.5, 9}));
}

TEST(Csv, ColumnsComeInAnyOrder) {
  Pair pair;
  row_to_struct(std::vector<std::string>{"square", "n"}, std::vector<std::string>{"9", "3"}, pair);
  EXPECT_EQ(pair, (Pair{3, 9}));
}

TEST(Csv, RefusalsNameColumnAndValue) {
  EXPECT_EQ(refused<Pair>({"n"}, {"12x"}),
            "column n is not a whole number (\"12x\"); give an integer from -9223372036854775808 to "
            "9223372036854775807");
  EXPECT_EQ(refused<Flat>({"u16"}, {"-1"}),
            "column u16 is negative (\"-1\"); give an integer from 0 to 65535");
  EXPECT_EQ(refused<Flat>({"maybe_method"}, {"sur"}),
            "column maybe_method is none of jacobi, sor, multigrid (\"sur\"); did you mean sor?");
  EXPECT_EQ(refused<Pair>({"n", "sqare"}, {"1", "1"}),
            "column 2 is none that is known (\"sqare\"); did you mean square?");
  EXPECT_EQ(refused<Pair>({"zzzzzzz"}, {"1"}),
            "column 1 is none that is known (\"zzzzzzz\"); the columns are n, square");
  EXPECT_EQ(refused<Pair>({"n", "n"}, {"1", "1"}),
            "column 2 is the same as column 1 (\"n\"); give each column once");
  EXPECT_EQ(refused<Pair>({"n", "square"}, {"1"}), "the row is too short (1 cell); give 2 as in the header");
  EXPECT_EQ(refused<Pair>({"n"}, {"1", "2"}), "the row is too long (2 cells); give 1 as in the header");
}

}  // namespace
