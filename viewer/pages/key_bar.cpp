#include "key_bar.h"

#include <QComboBox>
#include <QFile>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QPushButton>
#include <QShortcut>
#include <QVBoxLayout>
#include <algorithm>

#include "keys.h"
#include "shown.h"
#include "widgets.h"

namespace ckpt::viewer {

KeyBar::KeyBar(QWidget* parent)
    : QWidget(parent), banner_(new Banner(this)), text_(new QLineEdit), mode_(new QComboBox) {
  text_->setEchoMode(QLineEdit::Password);
  text_->setAccessibleName(tr("Key"));
  mode_->setAccessibleName(tr("Cipher"));
  mode_->addItem(tr("As the file says"));
  for (const CipherMode mode : {CipherMode::aes_gcm, CipherMode::aes_cbc, CipherMode::sm4_cbc})
    mode_->addItem(to_q(name(mode)));
  auto* use = new QPushButton(tr("Open"));
  auto* from_file = new QPushButton(tr("Ke&y file …"));
  auto* close = new QPushButton(tr("Close"));
  connect(close, &QPushButton::clicked, this, &QWidget::hide);
  auto* escape = new QShortcut(Qt::Key_Escape, this, nullptr, nullptr, Qt::WidgetWithChildrenShortcut);
  connect(escape, &QShortcut::activated, this, &QWidget::hide);
  connect(use, &QPushButton::clicked, this, &KeyBar::typed);
  connect(text_, &QLineEdit::returnPressed, this, &KeyBar::typed);
  connect(from_file, &QPushButton::clicked, this, [this] {
    const QString file = QFileDialog::getOpenFileName(this, tr("Key file"));
    if (!file.isEmpty()) give(tools::key_from_file(QFile::encodeName(file).toStdString()));
  });
  auto* line = new QHBoxLayout;
  line->setContentsMargins(10, 6, 10, 6);
  line->addWidget(plain_label(tr("Key, in hexadecimal:")));
  line->addWidget(text_, 1);
  for (QWidget* widget : std::initializer_list<QWidget*>{mode_, use, from_file, close}) line->addWidget(widget);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(banner_);
  layout->addLayout(line);
  hide();
}

void KeyBar::ask(const QString& why, std::function<void(OpenOptions)> use) {
  use_ = std::move(use);
  banner_->show_text(Banner::Tone::note, why);
  show();
  text_->setFocus();
}

QString KeyBar::text() const { return banner_->text(); }

void KeyBar::typed() {
  std::string hex = text_->text().trimmed().toStdString();
  auto key = tools::key_from_hex(hex, "it");
  std::fill(hex.begin(), hex.end(), '\0');
  text_->selectAll();  // to be mended, or typed anew
  give(std::move(key));
}

void KeyBar::hideEvent(QHideEvent*) { text_->clear(); }

void KeyBar::give(Result<Key> key) {
  if (!key) return emit failed(tr("This is no key: %1").arg(shown_error(key.error())));
  use_({.key = std::move(*key), .mode = cipher_mode_from_name(mode_->currentText().toStdString())});
}

}  // namespace ckpt::viewer
