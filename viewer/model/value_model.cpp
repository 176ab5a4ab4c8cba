#include "value_model.h"

#include <QBrush>
#include <QColor>
#include <algorithm>
#include <cmath>

#include "ckpt/element.h"
#include "ckpt/text.h"
#include "facts.h"
#include "shown.h"

namespace ckpt::viewer {

QString element_in(NumberFormat format, DType dtype, std::span<const std::byte> element) {
  if (format == NumberFormat::hexadecimal) {
    std::vector<std::byte> high_first(element.rbegin(), element.rend());
    return to_q(hexadecimal(high_first));
  }
  if (format == NumberFormat::exact || !tools::is_float(dtype)) return to_q(element_text(dtype, element));
  double value = 0;
  to_double(dtype, element, {&value, 1});
  return QString::number(value, format == NumberFormat::scientific ? 'e' : 'g', 4);
}

void ValueModel::set_page(DType dtype, const Window& window, std::vector<std::byte> bytes) {
  beginResetModel();
  dtype_ = dtype;
  window_ = window;
  bytes_ = std::move(bytes);
  changes_.clear();
  endResetModel();
}

void ValueModel::clear() { set_page(DType::unknown, {}, {}); }

void ValueModel::set_format(NumberFormat format) {
  beginResetModel();  // columns become wider or narrower
  format_ = format;
  endResetModel();
}

void ValueModel::set_changes(std::vector<Change> changes) {
  changes_ = std::move(changes);
  if (rowCount() > 0) emit dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
}

int ValueModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(window_.rows);
}

int ValueModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(window_.columns);
}

std::size_t ValueModel::place(const QModelIndex& index) const {
  return static_cast<std::size_t>(index.row() * window_.columns + index.column());
}

std::span<const std::byte> ValueModel::element(const QModelIndex& index) const {
  const std::size_t size = size_of(dtype_);
  const std::size_t at = place(index) * size;
  if (size == 0 || at + size > bytes_.size()) return {};
  return std::span(bytes_).subspan(at, size);
}

QVariant ValueModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const auto here = element(index);
  if (here.empty()) return {};
  const Change change = place(index) < changes_.size() ? changes_[place(index)] : Change::identical;
  switch (role) {
    case Qt::DisplayRole:
      return element_in(format_, dtype_, here);
    case Qt::TextAlignmentRole:
      return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    case Qt::BackgroundRole:  // lets light and dark through
      if (change == Change::changed) return QBrush(QColor(0xD0, 0x40, 0x30, 70));
      if (change == Change::within_tolerance) return QBrush(QColor(0xC0, 0x80, 0x00, 45));
      return {};
    case Qt::ForegroundRole: {
      double value = 0;
      to_double(dtype_, here, {&value, 1});
      if (tools::is_float(dtype_) && !std::isfinite(value)) return QBrush(QColor(0xD0, 0x40, 0x30));
      return {};
    }
    default:
      return {};
  }
}

QVariant ValueModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (role != Qt::DisplayRole) return {};
  return QString::number((orientation == Qt::Horizontal ? window_.column : window_.row) + section);
}

}  // namespace ckpt::viewer
