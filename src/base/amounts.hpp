#pragma once
// Amounts as people read them.

#include <cstdint>
#include <string>

namespace mpifarm {

std::string grouped(std::uint64_t number);                    // "1 234 567"
std::string counted(std::uint64_t number, const char* noun);  // "1 core", "1 234 cores"
std::string shortened(double number);                         // "999", "12.3 k", "1.23 M", "45.6 G"
std::string byte_text(std::uint64_t bytes);                   // "999 B", "1.23 MB"
std::string duration_text(double seconds);  // "12 us", "3.4 ms", "12.34 s", "5.6 min", "7.8 h"
std::string clock_text(double seconds);     // "0:07", "12:34", "1:02:03", "3 d 04 h"

// A number of bytes; K, M, G, T are powers of 1024, a B may follow. Throws BadInput naming `flag`.
std::uint64_t parse_bytes(const std::string& flag, const std::string& text);

// Parses a duration into seconds: 90, 1.5, 500ms, 5s, 10m, 2h, 12:30 (minutes), 1:00:00, 1-12:00:00 (days).
// Throws BadInput naming `flag` for any other text, and for more than `most` seconds.
double parse_duration(const std::string& flag, const std::string& text, double most = 1e8);

}  // namespace mpifarm
