// Included by loops.cpp, inside a namespace, once for each kind of processor.

// ---- values in a row ----

void relu(const float* x, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = x[i] < 0 ? 0.0F : x[i];  // a NaN stays one
}

void relu_grad(const float* dy, const float* y, float* dx, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) dx[i] = y[i] > 0 ? dy[i] : 0.0F;
}

void add(const float* a, const float* b, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = a[i] + b[i];
}

void add_relu(const float* a, const float* b, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const float sum = a[i] + b[i];
    y[i] = sum < 0 ? 0.0F : sum;
  }
}

void subtract(const float* a, const float* b, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = a[i] - b[i];
}

void multiply(const float* a, const float* b, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = a[i] * b[i];
}

void divide(const float* a, const float* b, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = a[i] / b[i];
}

void scale(const float* x, float factor, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = x[i] * factor;
}

// ---- optimizers: none of the rows overlap ----

void momentum(const MomentumStep& step, float* __restrict weight, float* __restrict velocity,
              const float* __restrict gradient, std::size_t count) {
  const auto [rate, decay, factor, nesterov] = step;
  if (nesterov) {
    for (std::size_t i = 0; i < count; ++i) {
      const float g = gradient[i] * factor;
      velocity[i] = velocity[i] * decay + g;
      weight[i] -= (g + velocity[i] * decay) * rate;
    }
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    velocity[i] = velocity[i] * decay + gradient[i] * factor;
    weight[i] -= velocity[i] * rate;
  }
}

void sgd(const SgdStep& step, float* __restrict weight, float* __restrict velocity, float* __restrict stat,
         const float* __restrict gradient, std::size_t count) {
  const auto [rate, decay, dampening, weight_decay, nesterov] = step;
  for (std::size_t i = 0; i < count; ++i) {
    float g = gradient[i] + weight[i] * weight_decay;
    if (decay > 0) {
      // the first step takes the gradient as it is
      const float v = stat[i] > 0 ? g : velocity[i] * decay + g * (1 - dampening);
      velocity[i] = v;
      stat[i] = stat[i] > 0 ? 0.0F : stat[i];
      g = nesterov ? g + v * decay : v;
    }
    weight[i] -= g * rate;
  }
}

void adam(const AdamStep& step, float* __restrict weight, float* __restrict first, float* __restrict second,
          const float* __restrict gradient, std::size_t count) {
  const auto [rate, beta1, beta2, epsilon, nesterov] = step;
  for (std::size_t i = 0; i < count; ++i) {
    const float g = gradient[i];
    const float m = first[i] + (g - first[i]) * (1 - beta1);
    const float v = second[i] + (g * g - second[i]) * (1 - beta2);
    first[i] = m;
    second[i] = v;
    const float direction = nesterov ? m * beta1 + (1 - beta1) * g : m;
    weight[i] -= direction * rate / (std::sqrt(v) + epsilon);
  }
}

// ---- eight channels ----

inline const Eight& eight(const float* x) { return *reinterpret_cast<const Eight*>(x); }
inline Eight& eight(float* x) { return *reinterpret_cast<Eight*>(x); }

/// x where the mask says so, and zero elsewhere.
inline void keep_where(const EightMasks& mask, Eight& x) {
  auto& bits = reinterpret_cast<EightMasks&>(x);
  bits = bits & mask;
}

/// Sums over a whole batch are kept in double: a float would lose what is small beside them.
struct EightSums {
  double total[kLanes] = {};

  void add(const Eight& x) {
    for (std::size_t i = 0; i < kLanes; ++i) total[i] += static_cast<double>(x[i]);
  }
};

void channel_sums(const Lanes& lanes, std::size_t block, const float* x, float* sums) {
  EightSums all;
  for (std::size_t n = 0; n < lanes.batch; ++n) {
    const float* from = x + lanes.offset(n, block);
    Eight sum[4] = {};
    for (std::size_t p = 0; p < lanes.area(); ++p) sum[p % 4] += eight(from + p * lanes.pixel);
    all.add((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
  for (std::size_t i = 0; i < kLanes; ++i) sums[i] = static_cast<float>(all.total[i]);
}

void statistics(const Lanes& lanes, std::size_t block, const float* x, float* mean, float* variance) {
  const double count = static_cast<double>(lanes.batch * lanes.area());
  channel_sums(lanes, block, x, mean);
  for (std::size_t i = 0; i < kLanes; ++i) mean[i] = static_cast<float>(mean[i] / count);
  const Eight centre = eight(mean);
  EightSums all;
  for (std::size_t n = 0; n < lanes.batch; ++n) {
    const float* from = x + lanes.offset(n, block);
    Eight sum[4] = {};
    for (std::size_t p = 0; p < lanes.area(); ++p) {
      const Eight away = eight(from + p * lanes.pixel) - centre;
      sum[p % 4] += away * away;
    }
    all.add((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
  for (std::size_t i = 0; i < kLanes; ++i) variance[i] = static_cast<float>(all.total[i] / count);
}

void affine(const Lanes& lanes, std::size_t block, const float* x, const float* factor, const float* offset, bool relu,
            float* y) {
  const Eight by = eight(factor), plus = eight(offset);
  for (std::size_t n = 0; n < lanes.batch; ++n) {
    const float* from = x + lanes.offset(n, block);
    float* to = y + lanes.offset(n, block);
    for (std::size_t p = 0; p < lanes.area(); ++p) {
      Eight value = eight(from + p * lanes.pixel) * by + plus;
      if (relu) keep_where(~(value < 0), value);
      eight(to + p * lanes.pixel) = value;
    }
  }
}

void norm_grad_sums(const Lanes& lanes, std::size_t block, const float* dy, const float* x, const float* y,
                    const float* mean, EightSums& sums, EightSums& products) {
  const Eight centre = eight(mean);
  for (std::size_t n = 0; n < lanes.batch; ++n) {
    const std::size_t at = lanes.offset(n, block);
    Eight sum[2] = {}, product[2] = {};
    for (std::size_t p = 0; p < lanes.area(); ++p) {
      const std::size_t i = at + p * lanes.pixel;
      Eight gradient = eight(dy + i);
      if (y) keep_where(eight(y + i) > 0, gradient);
      sum[p % 2] += gradient;
      product[p % 2] += gradient * (eight(x + i) - centre);
    }
    sums.add(sum[0] + sum[1]);
    products.add(product[0] + product[1]);
  }
}

void norm_grad(const Lanes& lanes, std::size_t block, const float* dy, const float* x, const float* y,
               const NormGrad& norm, float* dx, float* dscale, float* doffset) {
  EightSums sums, products;
  norm_grad_sums(lanes, block, dy, x, y, norm.mean, sums, products);
  const double count = static_cast<double>(lanes.batch * lanes.area());
  Eight of_dy{}, of_x{}, offset{}, centre{};
  for (std::size_t i = 0; i < kLanes; ++i) {
    const double deviation = norm.deviation[i];
    const double factor = norm.scale[i] * deviation;
    doffset[i] = static_cast<float>(sums.total[i]);
    dscale[i] = static_cast<float>(products.total[i] * deviation);
    of_dy[i] = static_cast<float>(factor);
    centre[i] = norm.mean[i];
    if (!norm.training) continue;
    of_x[i] = static_cast<float>(-factor * deviation * deviation * products.total[i] / count);
    offset[i] = static_cast<float>(-factor * sums.total[i] / count);
  }
  for (std::size_t n = 0; n < lanes.batch; ++n) {
    const std::size_t at = lanes.offset(n, block);
    for (std::size_t p = 0; p < lanes.area(); ++p) {
      const std::size_t i = at + p * lanes.pixel;
      Eight gradient = eight(dy + i);
      if (y) keep_where(eight(y + i) > 0, gradient);
      eight(dx + i) = gradient * of_dy + (eight(x + i) - centre) * of_x + offset;
    }
  }
}

// ---- filters ----

/// kTaps neighbours in a row of the filter, over kPixels neighbours in a row of the result.
template <std::size_t kTaps, std::size_t kPixels>
inline void add_taps(const float* x, std::size_t stride, const float* filters, Eight (&sums)[kPixels]) {
  for (std::size_t tap = 0; tap < kTaps; ++tap) {
    const Eight weight = eight(filters + tap * kLanes);
    for (std::size_t p = 0; p < kPixels; ++p) sums[p] += weight * x[p * stride + tap];
  }
}

template <std::size_t kPixels>
void filter_pixels(const FilterWindow& window, std::size_t channels, std::size_t plane, const float* x,
                   const float* filters, const float* bias, bool relu, float* y, std::size_t pixel) {
  Eight sums[kPixels];
  for (Eight& sum : sums) sum = eight(bias);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < window.kernel_h; ++i) {
      const float* row = x + c * plane + i * window.width;
      std::size_t j = 0;
      for (; j + 5 <= window.kernel_w; j += 5, filters += 5 * kLanes) {
        add_taps<5>(row + j, window.stride_w, filters, sums);
      }
      for (; j < window.kernel_w; ++j, filters += kLanes) add_taps<1>(row + j, window.stride_w, filters, sums);
    }
  }
  for (std::size_t p = 0; p < kPixels; ++p) {
    if (relu) keep_where(~(sums[p] < 0), sums[p]);
    eight(y + p * pixel) = sums[p];
  }
}

void filter(const FilterWindow& window, std::size_t channels, std::size_t plane, const float* x, const float* filters,
            const float* bias, bool relu, float* y, std::size_t pixel) {
  for (std::size_t h = 0; h < window.out_h; ++h) {
    const float* row = x + h * window.stride_h * window.width;
    std::size_t w = 0;
    const auto next = [&](auto pixels, std::size_t count) {
      for (; w + count <= window.out_w; w += count) {
        pixels(window, channels, plane, row + w * window.stride_w, filters, bias, relu,
               y + (h * window.out_w + w) * pixel, pixel);
      }
    };
    next(filter_pixels<8>, 8);
    next(filter_pixels<4>, 4);
    next(filter_pixels<1>, 1);
  }
}

/// kTaps neighbours in a row of the filter, over all rows of the result. Two sums each, because one multiplication does
/// not wait for another then.
template <std::size_t kTaps>
void filter_row_grad(const FilterWindow& window, const float* x, const float* dy, std::size_t pixel, float* sums) {
  Eight even[kTaps] = {}, odd[kTaps] = {};
  for (std::size_t h = 0; h < window.out_h; ++h) {
    const float* row = x + h * window.stride_h * window.width;
    const float* gradients = dy + h * window.out_w * pixel;
    std::size_t w = 0;
    for (; w + 2 <= window.out_w; w += 2) {
      const Eight first = eight(gradients + w * pixel), second = eight(gradients + (w + 1) * pixel);
      const float* under_first = row + w * window.stride_w;
      const float* under_second = under_first + window.stride_w;
      for (std::size_t i = 0; i < kTaps; ++i) {
        even[i] += first * under_first[i];
        odd[i] += second * under_second[i];
      }
    }
    if (w == window.out_w) continue;
    for (std::size_t i = 0; i < kTaps; ++i) even[i] += eight(gradients + w * pixel) * row[w * window.stride_w + i];
  }
  for (std::size_t i = 0; i < kTaps; ++i) eight(sums + i * kLanes) += even[i] + odd[i];
}

void filter_grad(const FilterWindow& window, const float* x, const float* dy, std::size_t pixel, float* sums) {
  for (std::size_t i = 0; i < window.kernel_h; ++i) {
    std::size_t j = 0;
    const auto next = [&](auto row_grad, std::size_t taps) {
      for (; j + taps <= window.kernel_w; j += taps) {
        row_grad(window, x + i * window.width + j, dy, pixel, sums + (i * window.kernel_w + j) * kLanes);
      }
    };
    next(filter_row_grad<5>, 5);  // ten sums, as many as there are registers for
    next(filter_row_grad<3>, 3);
    next(filter_row_grad<1>, 1);
  }
}

// ---- pools ----

/// The part of a window that is inside the image.
struct Taps {
  std::size_t first_h, last_h, first_w, last_w;  // one past the last

  Taps(const PoolWindow& window, const Lanes& in, std::size_t h, std::size_t w) {
    const std::size_t from_h = h * window.stride_h, from_w = w * window.stride_w;
    first_h = from_h < window.top ? 0 : from_h - window.top;
    first_w = from_w < window.left ? 0 : from_w - window.left;
    last_h = std::min(in.height, from_h + window.kernel_h - window.top);
    last_w = std::min(in.width, from_w + window.kernel_w - window.left);
  }
};

bool is_two_by_two(const PoolWindow& window) {
  return window.kernel_h == 2 && window.kernel_w == 2 && window.stride_h == 2 && window.stride_w == 2 &&
         window.top == 0 && window.left == 0;
}

inline void raise(Eight& most, const Eight& x) { most = most < x ? x : most; }

void max_pool_2x2(const Lanes& in, const Lanes& out, const PoolWindow& window, const float* x, float* y) {
  for (std::size_t h = 0; h < window.out_h; ++h) {
    const float* upper = x + 2 * h * in.width * in.pixel;
    const float* lower = upper + in.width * in.pixel;
    float* to = y + h * out.width * out.pixel;
    for (std::size_t w = 0; w < window.out_w; ++w) {
      const std::size_t left = 2 * w * in.pixel, right = left + in.pixel;
      Eight most = eight(upper + left);
      raise(most, eight(upper + right));
      raise(most, eight(lower + left));
      raise(most, eight(lower + right));
      eight(to + w * out.pixel) = most;
    }
  }
}

void max_pool(const Lanes& in, const Lanes& out, const PoolWindow& window, const float* x, float* y) {
  if (is_two_by_two(window) && 2 * window.out_h <= in.height && 2 * window.out_w <= in.width) {
    return max_pool_2x2(in, out, window, x, y);
  }
  for (std::size_t h = 0; h < window.out_h; ++h) {
    for (std::size_t w = 0; w < window.out_w; ++w) {
      const Taps taps(window, in, h, w);
      Eight most = eight(x + (taps.first_h * in.width + taps.first_w) * in.pixel);
      for (std::size_t i = taps.first_h; i < taps.last_h; ++i) {
        for (std::size_t j = taps.first_w; j < taps.last_w; ++j) raise(most, eight(x + (i * in.width + j) * in.pixel));
      }
      eight(y + (h * out.width + w) * out.pixel) = most;
    }
  }
}

/// Gives the gradient to this element where it is the largest and none before it was.
inline void give(const Eight& x, const Eight& most, const Eight& gradient, EightMasks& open, Eight& dx) {
  const EightMasks mine = (x == most) & open;
  dx = gradient;
  keep_where(mine, dx);
  open = open & ~mine;
}

void max_pool_grad_2x2(const Lanes& in, const Lanes& out, const PoolWindow& window, const float* x, const float* dy,
                       bool relu, float* dx) {
  for (std::size_t h = 0; h < window.out_h; ++h) {
    const std::size_t upper = 2 * h * in.width * in.pixel, lower = upper + in.width * in.pixel;
    const float* from = dy + h * out.width * out.pixel;
    for (std::size_t w = 0; w < window.out_w; ++w) {
      const std::size_t left = 2 * w * in.pixel, right = left + in.pixel;
      const std::size_t at[4] = {upper + left, upper + right, lower + left, lower + right};
      Eight most = eight(x + at[0]);
      for (int i = 1; i < 4; ++i) raise(most, eight(x + at[i]));
      Eight gradient = eight(from + w * out.pixel);
      if (relu) keep_where(most > 0, gradient);
      EightMasks open = ~EightMasks{};
      for (int i = 0; i < 4; ++i) give(eight(x + at[i]), most, gradient, open, eight(dx + at[i]));
    }
  }
}

void max_pool_grad(const Lanes& in, const Lanes& out, const PoolWindow& window, const float* x, const float* dy,
                   bool relu, float* dx) {
  if (is_two_by_two(window) && 2 * window.out_h == in.height && 2 * window.out_w == in.width) {
    return max_pool_grad_2x2(in, out, window, x, dy, relu, dx);
  }
  for (std::size_t p = 0; p < in.area(); ++p) eight(dx + p * in.pixel) = Eight{};
  for (std::size_t h = 0; h < window.out_h; ++h) {
    for (std::size_t w = 0; w < window.out_w; ++w) {
      const Taps taps(window, in, h, w);
      Eight most = eight(x + (taps.first_h * in.width + taps.first_w) * in.pixel);
      for (std::size_t i = taps.first_h; i < taps.last_h; ++i) {
        for (std::size_t j = taps.first_w; j < taps.last_w; ++j) raise(most, eight(x + (i * in.width + j) * in.pixel));
      }
      Eight gradient = eight(dy + (h * out.width + w) * out.pixel);
      if (relu) keep_where(most > 0, gradient);
      EightMasks open = ~EightMasks{};
      for (std::size_t i = taps.first_h; i < taps.last_h; ++i) {
        for (std::size_t j = taps.first_w; j < taps.last_w; ++j) {
          const std::size_t at = (i * in.width + j) * in.pixel;
          Eight mine;
          give(eight(x + at), most, gradient, open, mine);
          eight(dx + at) += mine;
        }
      }
    }
  }
}

constexpr Loops table(const char* name, bool (*runs_here)()) {
  return {.name = name,
          .runs_here = runs_here,
          .relu = relu,
          .relu_grad = relu_grad,
          .add = add,
          .add_relu = add_relu,
          .subtract = subtract,
          .multiply = multiply,
          .divide = divide,
          .scale = scale,
          .momentum = momentum,
          .sgd = sgd,
          .adam = adam,
          .statistics = statistics,
          .affine = affine,
          .norm_grad = norm_grad,
          .channel_sums = channel_sums,
          .filter = filter,
          .filter_grad = filter_grad,
          .max_pool = max_pool,
          .max_pool_grad = max_pool_grad};
}
