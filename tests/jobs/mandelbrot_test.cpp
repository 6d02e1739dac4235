// mandelbrot against complex arithmetic of the standard library, and a picture that other tools can read.

#include "jobs/mandelbrot.hpp"

#include <gtest/gtest.h>

#include "serial_farm.hpp"
#include "support/temporary_directory.hpp"

namespace {

using Farm = mpifarm::support::SerialFarm<Mandelbrot>;

// How many steps it takes to leave; 0 for inside.
unsigned oracle(std::complex<double> c, unsigned most) {
  std::complex<double> z = 0;
  for (unsigned step = 1; step <= most; ++step) {
    if (z.real() * z.real() + z.imag() * z.imag() > 4) return step - 1;
    z = {z.real() * z.real() - z.imag() * z.imag() + c.real(), 2 * z.real() * z.imag() + c.imag()};
  }
  return 0;
}

TEST(Mandelbrot, EqualsTheDefinitionAtEveryPixel) {
  Farm farm{{{"--width", "70"}, {"--height", "50"}, {"--tile", "16"}, {"--max-steps", "200"}}};
  std::vector<unsigned> seen(70 * 50);
  unsigned inside = 0;
  for (const auto& tile : farm.run()) {
    const auto& result = tile.result;
    ASSERT_EQ(result.steps.size(), result.width * result.height);
    for (std::size_t i = 0; i < result.steps.size(); ++i) {
      const std::size_t x = result.x + i % result.width, y = result.y + i / result.width;
      ++seen[y * 70 + x];
      const std::complex<double> c{-0.5 + (static_cast<double>(x) + 0.5 - 35) * 0.05,
                                   -(static_cast<double>(y) + 0.5 - 25) * 0.05};
      EXPECT_EQ(result.steps[i], oracle(c, 200)) << x << ' ' << y;
      inside += result.steps[i] == 0;
    }
  }
  EXPECT_EQ(std::ranges::count(seen, 1U), 70 * 50) << "every pixel once";
  EXPECT_GT(inside, 300U);
}

TEST(Mandelbrot, LeavesAPicture) {
  const mpifarm::support::TemporaryDirectory directory;
  Farm farm{{{"--width", "70"}, {"--height", "50"}, {"--tile", "16"}}};
  farm.run();
  const auto path = directory.path() / "image.png";
  EXPECT_EQ(farm.conclude(directory.path()), path.string() + ": 70 x 50 pixels");
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_file(&image, path.c_str()), 0) << image.message;
  EXPECT_EQ(image.width, 70U);
  EXPECT_EQ(image.height, 50U);
  image.format = PNG_FORMAT_RGB;
  std::vector<png_byte> pixels(PNG_IMAGE_SIZE(image));
  ASSERT_NE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr), 0);
  const auto pixel = [&](int x, int y) { return &pixels[static_cast<std::size_t>(3 * (y * 70 + x))]; };
  EXPECT_EQ(pixel(35, 25)[0] + pixel(35, 25)[1] + pixel(35, 25)[2], 0) << "-0.5 is inside";
  EXPECT_GT(pixel(0, 0)[0] + pixel(0, 0)[1] + pixel(0, 0)[2], 0) << "the corner is outside";
}

TEST(Mandelbrot, RefusesPicturesThatCannotBe) {
  using mpifarm::support::refusal;
  EXPECT_EQ(refusal<Mandelbrot>({{"--width", "0"}}),
            "--width is out of range (\"0\"); give an integer from 1 to 32768");
  EXPECT_NE(refusal<Mandelbrot>({{"--max-steps", "65536"}}).find("--max-steps is out of range"),
            std::string::npos);
  EXPECT_NE(refusal<Mandelbrot>({{"--view-width", "nan"}}).find("--view-width"), std::string::npos);
}

}  // namespace
