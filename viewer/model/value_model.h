#pragma once

#include <QAbstractTableModel>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ckpt/diff.h"
#include "ckpt/tensor.h"
#include "plane.h"

namespace ckpt::viewer {

enum class NumberFormat : std::uint8_t { exact, short_, scientific, hexadecimal };

/// One element in words.
QString element_in(NumberFormat format, DType dtype, std::span<const std::byte> element);

/// A page of a plane: the values that were read, with the indices they have in the tensor. Reads nothing itself.
class ValueModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  static constexpr std::int64_t kPageRows = 1000;
  static constexpr std::int64_t kPageColumns = 100;

  using QAbstractTableModel::QAbstractTableModel;

  /// `bytes`: what read_window() gave for that window. Of the same window again only the values change.
  void set_page(DType dtype, const Window& window, std::vector<std::byte> bytes);
  void set_format(NumberFormat format);
  void clear();
  /// How elements compare with those of another page of the same window; empty: they are not compared.
  void set_changes(std::vector<Change> changes);

  const Window& window() const noexcept { return window_; }
  DType dtype() const noexcept { return dtype_; }
  std::span<const std::byte> bytes() const noexcept { return bytes_; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

 private:
  std::size_t place(const QModelIndex& index) const;
  std::span<const std::byte> element(const QModelIndex& index) const;

  DType dtype_ = DType::unknown;
  Window window_ = {};
  std::vector<std::byte> bytes_ = {};
  std::vector<Change> changes_ = {};
  NumberFormat format_ = NumberFormat::exact;
};

}  // namespace ckpt::viewer
