#include "finite_differences.h"

#include <cmath>
#include <limits>

namespace ckpt::train::test {

double derivative(const std::function<double(double)>& function, double h) {
  const double near = function(h) - function(-h), far = function(2 * h) - function(-2 * h);
  return (8 * near - far) / (12 * h);
}

std::vector<double> random_numbers(std::size_t count, std::uint64_t seed, double low, double high) {
  std::mt19937_64 engine(seed);
  std::vector<double> numbers(count);
  for (double& number : numbers) {
    const double share = static_cast<double>(engine() >> 11) * 0x1p-53;
    number = static_cast<float>(low + share * (high - low));
  }
  return numbers;
}

Distance distance(const std::vector<double>& got, const std::vector<double>& wanted) {
  Distance result;
  if (got.size() != wanted.size()) {
    return {.nmse = std::numeric_limits<double>::infinity(),
            .text = std::to_string(got.size()) + " elements where " + std::to_string(wanted.size()) + " are wanted"};
  }
  double error = 0, size = 0, most = -1;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double off = std::abs(got[i] - wanted[i]);
    error += off * off;
    size += wanted[i] * wanted[i];
    if (!(off <= most)) {  // NaN too
      most = off;
      result.worst = i;
    }
  }
  result.nmse = error == 0 ? 0 : error / size;
  if (!got.empty()) {
    result.text = "NMSE " + std::to_string(result.nmse) + ", worst at " + std::to_string(result.worst) + ": " +
                  std::to_string(got[result.worst]) + " where " + std::to_string(wanted[result.worst]) + " is wanted";
  }
  return result;
}

}  // namespace ckpt::train::test
