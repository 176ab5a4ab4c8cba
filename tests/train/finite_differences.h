#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "reference.h"

/// Gradients by trying: four points of the function itself, in double precision.
namespace ckpt::train::test {

/// Along a line: f(-2h), f(-h), f(h), f(2h), each of the number to add. The error is of the order of h^4.
double derivative(const std::function<double(double)>& function, double h);

/// Independent numbers in [low, high), rounded as Float32 has them; the same for the same seed.
std::vector<double> random_numbers(std::size_t count, std::uint64_t seed, double low = -1, double high = 1);

/// How far apart two tensors are: their normalised mean square error, and where they differ most.
struct Distance {
  double nmse = 0;
  std::size_t worst = 0;
  std::string text = {};  ///< for a failing test
};
Distance distance(const std::vector<double>& got, const std::vector<double>& wanted);

}  // namespace ckpt::train::test
