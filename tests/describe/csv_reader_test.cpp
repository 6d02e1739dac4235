#include "describe/csv_reader.hpp"

#include <gtest/gtest.h>

#include "describe/csv.hpp"
#include "samples.hpp"

namespace {

using namespace mpifarm::describe;
using samples::Random;
using samples::refusal;

using Table = std::vector<std::vector<std::string>>;

struct Read {
  Table rows;
  std::vector<std::uint64_t> lines;
  bool operator==(const Read&) const = default;
};

Read read_in_chunks(std::string_view text, std::size_t chunk_size, std::size_t max_row_bytes = 1 << 20) {
  CsvReader reader{"t.csv", max_row_bytes};
  CsvRow row;
  Read out;
  const auto keep = [&] {
    out.rows.push_back(row.cells);
    out.lines.push_back(row.line);
  };
  while (!text.empty()) {
    std::string_view chunk = text.substr(0, chunk_size);
    text.remove_prefix(chunk.size());
    while (reader.read(chunk, row)) keep();
    EXPECT_TRUE(chunk.empty());
  }
  if (reader.finish(row)) keep();
  return out;
}

Table rows_of(std::string_view text) { return read_in_chunks(text, 1 << 20).rows; }

std::string refused(std::string_view text, std::size_t max_row_bytes = 1 << 20) {
  const std::string whole = refusal([&] { read_in_chunks(text, 1 << 20, max_row_bytes); });
  EXPECT_EQ(refusal([&] { read_in_chunks(text, 1, max_row_bytes); }), whole);
  return whole;
}

TEST(CsvReader, TakesEveryLineEnd) {
  const Table expected{{"a", "b"}, {"1", "2"}};
  for (const char* text : {"a,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\r1,2\r", "a,b\n1,2", "a,b\r\n1,2",
                           "a,b\n\n\n1,2\n\n", "\r\n\r\na,b\r\n\r\n1,2\r\n\r\n"})
    EXPECT_EQ(rows_of(text), expected) << testing::PrintToString(text);
}

TEST(CsvReader, EmptyCells) {
  EXPECT_EQ(rows_of(""), Table{});
  EXPECT_EQ(rows_of("\n"), Table{});
  EXPECT_EQ(rows_of(","), (Table{{"", ""}}));
  EXPECT_EQ(rows_of(",\n"), (Table{{"", ""}}));
  EXPECT_EQ(rows_of("a,\n,b\n"), (Table{{"a", ""}, {"", "b"}}));
  EXPECT_EQ(rows_of("\"\"\n"), (Table{{""}}));
  EXPECT_EQ(rows_of("\"\""), (Table{{""}}));
  EXPECT_EQ(rows_of("long,row,of,cells\n,\n,,,\n"),
            (Table{{"long", "row", "of", "cells"}, {"", ""}, {"", "", "", ""}}));
}

TEST(CsvReader, QuotedCells) {
  EXPECT_EQ(rows_of("\"a,b\",\"c\"\"d\",\"e\r\nf\"\n"), (Table{{"a,b", "c\"d", "e\r\nf"}}));
  EXPECT_EQ(rows_of("\"\"\"\"\n"), (Table{{"\""}}));
  EXPECT_EQ(rows_of(" a , b \n"), (Table{{" a ", " b "}}));
}

TEST(CsvReader, SkipsAByteOrderMark) {
  EXPECT_EQ(rows_of("\xef\xbb\xbf"
                    "a,b\n"),
            (Table{{"a", "b"}}));
  EXPECT_EQ(rows_of("\xef\xbb\xbf"
                    "\"a\"\n"),
            (Table{{"a"}}));
  EXPECT_EQ(rows_of("\xef\xbb\xbf"), Table{});
  EXPECT_EQ(rows_of("\xef\xbb"
                    "x\n"),
            (Table{{"\xef\xbb"
                    "x"}}));
  EXPECT_EQ(rows_of("\xef\xbb"), (Table{{"\xef\xbb"}}));
  EXPECT_EQ(read_in_chunks("\xef\xbb"
                           "x\n",
                           1)
                .rows,
            (Table{{"\xef\xbb"
                    "x"}}));
  EXPECT_EQ(rows_of("a\n\xef\xbb\xbf"
                    "b\n"),
            (Table{{"a"},
                   {"\xef\xbb\xbf"
                    "b"}}));
}

TEST(CsvReader, RowsKnowTheirLine) {
  EXPECT_EQ(read_in_chunks("a\n\"x\ny\"\n\nb\r\nc\rd", 1).lines, (std::vector<std::uint64_t>{1, 2, 5, 6, 7}));
}

TEST(CsvReader, BrokenQuotingIsRefusedWithItsPlace) {
  EXPECT_EQ(refused("a,b\n1,é2\"3\n"),
            "t.csv is not valid CSV (line 2, column 5: a quote stands inside an unquoted cell); put the cell "
            "in quotes "
            "and double every quote inside it");
  EXPECT_EQ(refused("a\r\n\"x\"y\r\n"),
            "t.csv is not valid CSV (line 2, column 4: a quoted cell goes on after its closing quote); "
            "double every "
            "quote inside it");
  EXPECT_EQ(refused("a\nb,\"x\ny\n"),
            "t.csv is not valid CSV (line 2, column 3: a quoted cell has no closing quote); close it, and "
            "double every "
            "quote inside it");
  EXPECT_NE(refused("\"").find("line 1, column 1"), std::string::npos);
}

TEST(CsvReader, LongRowsAreRefused) {
  EXPECT_EQ(refused("ok\nabc,\"defgh\n", 8),
            "t.csv is not valid CSV (line 2, column 1: the row is longer than 8 bytes); see whether a "
            "closing quote is "
            "missing");
  EXPECT_NE(refused("123456789", 8).find("line 1, column 1: the row is longer"), std::string::npos);
  EXPECT_NE(refused(",,,,,,,,,", 8).find("line 1, column 1: the row is longer"), std::string::npos);
  EXPECT_EQ(read_in_chunks("1234567\n1234567\n\n\n\n\n\n\n\n\n\n1\n", 3, 8).rows.size(), 3u);
}

TEST(CsvReader, WrittenTablesReadBackHoweverTheyAreCut) {
  Random random{10};
  for (int round = 0; round < 2000; ++round) {
    Table table;
    std::string text;
    for (std::uint64_t rows = random.below(5); rows > 0; --rows) {
      auto& row = table.emplace_back();
      for (std::uint64_t cells = 2 + random.below(4); cells > 0; --cells) {
        row.push_back(random.text());
        if (row.size() > 1) text += ',';
        append_csv_cell(text, row.back());
      }
      text += random.below(2) == 0 ? "\n" : "\r\n";
    }
    const Read whole = read_in_chunks(text, 1 << 20);
    ASSERT_EQ(whole.rows, table) << testing::PrintToString(text);
    for (const std::size_t chunk : {1, 2, 3, 7}) ASSERT_EQ(read_in_chunks(text, chunk), whole);
  }
}

TEST(CsvReader, RandomBytesAreReadOrRefusedAlikeHoweverTheyAreCut) {
  Random random{11};
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::uint64_t left = random.below(12); left > 0; --left)
      text += "a\",\n\r\xef\xbb\xbf"[random.below(8)];
    Read whole, bytes;
    const std::string refusal_of_whole = refusal([&] { whole = read_in_chunks(text, 1 << 20, 9); });
    const std::string refusal_of_bytes = refusal([&] { bytes = read_in_chunks(text, 1, 9); });
    ASSERT_EQ(refusal_of_bytes, refusal_of_whole) << testing::PrintToString(text);
    ASSERT_EQ(bytes, whole) << testing::PrintToString(text);
  }
}

TEST(CsvReader, TellsRowsThatASpreadsheetLeavesBlank) {
  CsvReader reader{"list"};
  mpifarm::BytesView text = "a,b\n,\n\"\",\n,,\n,x\n";
  std::string blanks;
  for (CsvRow row; reader.read(text, row);) blanks += row.is_blank() ? 'b' : '-';
  EXPECT_EQ(blanks, "-b-b-");
}

}  // namespace
