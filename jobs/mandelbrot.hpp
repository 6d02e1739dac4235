#pragma once
// The Mandelbrot set as a picture, in tiles: for every pixel, how many steps z = z^2 + c takes from 0 to
// leave the circle of radius 2 (Mandelbrot 1980; the escape-time algorithm).

#include <png.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <complex>
#include <cstdio>
#include <mpifarm.hpp>
#include <stdexcept>
#include <vector>

struct Mandelbrot {
  static constexpr auto name = "mandelbrot";
  static constexpr auto summary = "The Mandelbrot set, as a picture";
  static constexpr mpifarm::ParamHelp help[] = {
      {"width", "pixels"},
      {"height", "pixels"},
      {"center_x", "middle of the view"},
      {"center_y", "middle of the view"},
      {"view_width", "of the view, in the complex plane"},
      {"max_steps", "beyond which a point counts as inside"},
      {"tile", "pixels of a tile's side: a task each"},
  };
  static constexpr auto source_params = {"tile"};

  struct Params {
    std::uint32_t width = 1600, height = 1200;  // pixels, up to 32768 each
    double center_x = -0.5, center_y = 0;
    double view_width = 3.5;         // of the picture, in the plane
    std::uint32_t max_steps = 1000;  // beyond which a point counts as inside; up to 65535
    std::uint32_t tile = 100;        // pixels, of a side
  };
  struct Task {
    std::uint32_t x, y, width, height;  // pixels, from the upper left corner
  };
  struct Result {
    std::uint32_t x, y, width, height;
    std::vector<std::uint16_t> steps;  // rows from above; 0 for inside
  };

  // Throws BadInput.
  explicit Mandelbrot(const Params& params);

  std::uint64_t size() const { return std::uint64_t{columns_} * rows_; }
  Task task(std::uint64_t i) const {
    const auto x = static_cast<std::uint32_t>(i % columns_) * params_.tile;
    const auto y = static_cast<std::uint32_t>(i / columns_) * params_.tile;
    return {x, y, std::min(params_.tile, params_.width - x), std::min(params_.tile, params_.height - y)};
  }

  Result compute(const Task& task, mpifarm::Context& context) const {
    Result result{task.x, task.y, task.width, task.height, {}};
    if (task.x > params_.width || task.y > params_.height || task.width > params_.width - task.x ||
        task.height > params_.height - task.y)
      throw std::out_of_range{"the tile is not in the picture"};
    result.steps.reserve(std::size_t{task.width} * task.height);
    for (std::uint32_t y = task.y; y < task.y + task.height; ++y) {
      if (context.stop_requested()) throw std::runtime_error{"stopped before its end"};
      for (std::uint32_t x = task.x; x < task.x + task.width; ++x) result.steps.push_back(steps(point(x, y)));
    }
    return result;
  }

  void reduce(const Task&, const Result& result) {
    picture_.resize(std::size_t{params_.width} * params_.height);
    for (std::uint32_t row = 0; row < result.height; ++row)
      std::copy_n(result.steps.begin() + std::ptrdiff_t{row} * result.width, result.width,
                  picture_.begin() + (std::ptrdiff_t{result.y} + row) * params_.width + result.x);
  }

  // Leaves image.png in the run directory. Throws MachineryFailure.
  std::string conclude(const std::filesystem::path& run) const {
    const std::filesystem::path image = run / "image.png", building = run / "image.png.new";
    write_png(building);
    std::filesystem::rename(building, image);
    return image.string() + ": " + std::to_string(params_.width) + " x " + std::to_string(params_.height) +
           " pixels";
  }

 private:
  std::complex<double> point(std::uint32_t x, std::uint32_t y) const {
    const double pixel = params_.view_width / params_.width;
    return {params_.center_x + (x + 0.5 - params_.width / 2.0) * pixel,
            params_.center_y - (y + 0.5 - params_.height / 2.0) * pixel};
  }

  std::uint16_t steps(std::complex<double> c) const {
    double x = 0, y = 0;
    for (std::uint32_t step = 1; step <= params_.max_steps; ++step) {
      const double xx = x * x, yy = y * y;
      if (xx + yy > 4) return static_cast<std::uint16_t>(step - 1);
      y = 2 * x * y + c.imag();
      x = xx - yy + c.real();
    }
    return 0;
  }

  // Black inside; outside a wheel of colours over the logarithm of the steps.
  static std::array<png_byte, 3> colour(std::uint16_t steps) {
    if (steps == 0) return {0, 0, 0};
    const auto wave = [turn = std::log(1.0 + steps)](double phase) {
      return static_cast<png_byte>(127.5 * (1 + std::sin(1.5 * turn + phase)));
    };
    return {wave(4.0), wave(4.8), wave(5.6)};
  }

  void write_png(const std::filesystem::path& path) const;

  Params params_;
  std::uint32_t columns_ = 0, rows_ = 0;
  std::vector<std::uint16_t> picture_;
};
BOOST_DESCRIBE_STRUCT(Mandelbrot::Params, (),
                      (width, height, center_x, center_y, view_width, max_steps, tile))
BOOST_DESCRIBE_STRUCT(Mandelbrot::Task, (), (x, y, width, height))
BOOST_DESCRIBE_STRUCT(Mandelbrot::Result, (), (x, y, width, height, steps))

inline Mandelbrot::Mandelbrot(const Params& params) : params_{params} {
  const auto require = [](std::uint32_t value, std::uint32_t most, const std::string& flag) {
    if (value == 0 || value > most)
      throw mpifarm::BadInput{flag + " is out of range (\"" + std::to_string(value) +
                              "\"); give an integer from 1 to " + std::to_string(most)};
  };
  require(params.width, 32768, "--width");
  require(params.height, 32768, "--height");
  require(params.max_steps, 65535, "--max-steps");
  require(params.tile, 4096, "--tile");
  if (!(params.view_width > 0) || !std::isfinite(params.view_width) || !std::isfinite(params.center_x) ||
      !std::isfinite(params.center_y))
    throw mpifarm::BadInput{
        "--view-width, --center-x and --center-y are no view; give finite numbers, the width above 0"};
  columns_ = (params.width + params.tile - 1) / params.tile;
  rows_ = (params.height + params.tile - 1) / params.tile;
}

inline void Mandelbrot::write_png(const std::filesystem::path& path) const {
  const auto fail = [&](const std::string& why) {
    throw mpifarm::MachineryFailure{path.string() + " could not be written (" + why +
                                    "); make room, then resume the run"};
  };
  std::vector<png_byte> pixels;
  pixels.reserve(std::size_t{3} * params_.width * params_.height);
  for (std::size_t i = 0; i < std::size_t{params_.width} * params_.height; ++i)
    for (const png_byte part : colour(i < picture_.size() ? picture_[i] : std::uint16_t{0}))
      pixels.push_back(part);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = params_.width;
  image.height = params_.height;
  image.format = PNG_FORMAT_RGB;
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) fail(mpifarm::errno_text(errno));
  const bool written = png_image_write_to_stdio(&image, file, 0, pixels.data(), 0, nullptr) != 0;
  const std::string problem = image.message;
  const bool arrived = std::fflush(file) == 0 && ::fsync(fileno(file)) == 0;
  const int error = errno;
  const bool closed = std::fclose(file) == 0;
  if (!written) fail(problem);
  if (!arrived || !closed) fail(mpifarm::errno_text(arrived ? errno : error));
}
