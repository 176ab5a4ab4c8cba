#include "main_window.h"

#include <QActionGroup>
#include <QApplication>
#include <QCheckBox>
#include <QCloseEvent>
#include <QComboBox>
#include <QDragEnterEvent>
#include <QFile>
#include <QFileDialog>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMenuBar>
#include <QMessageBox>
#include <QMimeData>
#include <QProgressBar>
#include <QPushButton>
#include <QSettings>
#include <QSplitter>
#include <QStatusBar>
#include <QTabWidget>
#include <QUrl>
#include <QVBoxLayout>
#include <algorithm>
#include <vector>

#include "ckpt/slice.h"
#include "ckpt/text.h"
#include "compare_page.h"
#include "exports.h"
#include "file_page.h"
#include "heat_map.h"
#include "key_bar.h"
#include "run_page.h"
#include "shown.h"
#include "target.h"
#include "tensor_page.h"
#include "theme.h"
#include "tree_page.h"
#include "widgets.h"

namespace ckpt::viewer {
namespace {

constexpr int kRecentFiles = 10;
constexpr int kProgressEvery = 100;  // ms

std::filesystem::path to_path(const QString& name) { return QFile::encodeName(name).toStdString(); }

// Any bytes, as settings can hold them.
QString encoded(const std::filesystem::path& path) {
  return QString::fromLatin1(QByteArray::fromStdString(path.native()).toPercentEncoding("/"));
}

std::filesystem::path decoded(const QString& text) {
  return QByteArray::fromPercentEncoding(text.toLatin1()).toStdString();
}

// What a drag brings that can be opened. It may promise files and have none.
std::vector<std::string> local_files(const QMimeData& data) {
  std::vector<std::string> files;
  for (const QUrl& url : data.urls())
    if (url.isLocalFile()) files.push_back(to_path(url.toLocalFile()).native());
  return files;
}

QString cannot_open(const std::filesystem::path& path, const Error& error) {
  return MainWindow::tr("%1 cannot be opened: %2").arg(shown_path(path), shown_error(error));
}

}  // namespace

MainWindow::MainWindow(QSettings* settings)
    : settings_(settings),
      open_job_(jobs_),
      other_job_(jobs_),
      export_job_(jobs_),
      damage_banner_(new Banner),
      disk_banner_(new Banner),
      key_bar_(new KeyBar),
      pages_(new QTabWidget),
      tree_page_(new TreePage(jobs_)),
      file_page_(new FilePage(jobs_)),
      compare_page_(new ComparePage(jobs_)),
      run_page_(new RunPage(jobs_)) {
  setWindowTitle(tr("Checkpoint viewer"));
  setAcceptDrops(true);
  to_findings_ = damage_banner_->add_button(tr("Sho&w findings"));
  connect(to_findings_, &QPushButton::clicked, this, [this] { show_page(Page::file); });
  reload_ = disk_banner_->add_button(tr("&Reload"));
  connect(reload_, &QPushButton::clicked, this, &MainWindow::reload);
  pages_->setDocumentMode(true);
  pages_->addTab(tree_page_, tr("&Tensors"));
  pages_->addTab(file_page_, tr("F&ile"));
  pages_->addTab(compare_page_, tr("&Compare"));
  pages_->addTab(run_page_, tr("Ru&n"));
  // These two are there when there is something to be seen on them.
  pages_->setTabVisible(pages_->indexOf(compare_page_), false);
  pages_->setTabVisible(pages_->indexOf(run_page_), false);
  auto* middle = new QWidget;
  auto* layout = new QVBoxLayout(middle);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(damage_banner_);
  layout->addWidget(disk_banner_);
  layout->addWidget(key_bar_);
  layout->addWidget(pages_, 1);
  setCentralWidget(middle);
  make_menus();
  make_status_bar();
  connect(tree_page_, &TreePage::failed, this, &MainWindow::say);
  connect(compare_page_, &ComparePage::failed, this, &MainWindow::say);
  connect(run_page_, &RunPage::picked, this, [this](const QByteArray& path) {
    wanted_ = {};
    start_opening(path.toStdString(), run_page_->options());
    show_page(Page::tree);
  });
  connect(run_page_, &RunPage::needs_key, this, [this](const QString& why) {
    key_bar_->ask(why, [this](const OpenOptions& options) {
      key_bar_->hide();
      run_page_->set_options(options);
    });
  });
  connect(key_bar_, &KeyBar::failed, this, &MainWindow::say);
  connect(file_page_, &FilePage::failed, this, &MainWindow::say);
  connect(file_page_, &FilePage::checked, this, &MainWindow::show_damage);
  connect(file_page_, &FilePage::picked, this, [this](const QByteArray& path) {
    if (!tree_page_->select(path.toStdString())) return say(tr("It is not among the tensors shown."));
    show_page(Page::tree);
  });
  connect(file_page_, &FilePage::picked_tensor, this, [this](const TensorInfo* tensor) {
    tree_page_->select(*tensor);
    show_page(Page::tree);
  });
  look_timer_.setSingleShot(true);
  look_timer_.setInterval(kDiskSettles);
  connect(&look_timer_, &QTimer::timeout, this, &MainWindow::look_at_disk);
  connect(&watcher_, &QFileSystemWatcher::directoryChanged, &look_timer_, qOverload<>(&QTimer::start));
  connect(&watcher_, &QFileSystemWatcher::fileChanged, &look_timer_, qOverload<>(&QTimer::start));
  resize(1180, 760);
  restore_layout();
  fill_recent();
}

MainWindow::~MainWindow() {
  // Work that is dropped now is of no interest to a progress bar that may be gone.
  jobs_.disconnect(this);
}

void MainWindow::make_menus() {
  QMenu* file = menuBar()->addMenu(tr("&File"));
  file->addAction(tr("&Open …"), QKeySequence::Open, this, &MainWindow::ask_for_file);
  file->addAction(tr("&Compare with …"), {Qt::CTRL | Qt::SHIFT | Qt::Key_O}, this, &MainWindow::ask_for_other);
  file->addAction(tr("Open r&un folder …"), {Qt::CTRL | Qt::Key_D}, this, &MainWindow::ask_for_run);
  recent_menu_ = file->addMenu(tr("Open &recent"));
  file->addAction(tr("Re&load"), QKeySequence::Refresh, this, &MainWindow::reload);
  file->addSeparator();
  file->addAction(tr("&Quit"), QKeySequence::Quit, this, &QWidget::close);
  QMenu* tensor = menuBar()->addMenu(tr("T&ensor"));
  tensor->addActions(tree_page_->copy_actions());
  tensor->addSeparator();
  tensor->addAction(tr("Export as NP&Y …"), this, [this] { export_as(Export::npy); });
  tensor->addAction(tr("Export slice as C&SV …"), this, [this] { export_as(Export::csv); });
  tensor->addAction(tr("Export &heat map as PNG …"), this, [this] { export_as(Export::png); });
  QMenu* view = menuBar()->addMenu(tr("&View"));
  view->addAction(tr("&Tensors"), {Qt::CTRL | Qt::Key_1}, this, [this] { show_page(Page::tree); });
  view->addAction(tr("&Heat map"), {Qt::CTRL | Qt::Key_2}, this, [this] { show_page(Page::heat_map); });
  view->addAction(tr("&File"), {Qt::CTRL | Qt::Key_3}, this, [this] { show_page(Page::file); });
  view->addAction(tr("&Compare"), {Qt::CTRL | Qt::Key_4}, this, [this] { show_page(Page::compare); });
  view->addAction(tr("&Run"), {Qt::CTRL | Qt::Key_5}, this, [this] { show_page(Page::run); });
  view->addSeparator();
  view->addAction(tr("F&ilter"), QKeySequence::Find, this, [this] {
    show_page(Page::tree);
    tree_page_->filter().setFocus();
    tree_page_->filter().selectAll();
  });
  add_theme_menu(*view);
  QMenu* help = menuBar()->addMenu(tr("Hel&p"));
  help->addAction(tr("&Keys"), this, [this] {
    QMessageBox::information(this, tr("Keys"),
                             tr("Heat map: the wheel, + and − zoom; dragging and the arrow keys move; 0 shows all.\n"
                                "Bytes by module: the arrow keys move, Enter opens, Backspace goes up.\n"
                                "Ctrl+1 to Ctrl+5: tensors, heat map, file, comparison, run.\n"
                                "Ctrl+F: the filter; F5: reload."));
  });
  help->addAction(tr("&About"), this, [this] {
    QMessageBox::about(this, tr("About"),
                       tr("Checkpoint viewer %1, a part of libckpt.").arg(QApplication::applicationVersion()));
  });
}

void MainWindow::add_theme_menu(QMenu& view) {
  QMenu* menu = view.addMenu(tr("Th&eme"));
  auto* group = new QActionGroup(menu);
  const QString now = settings_ ? settings_->value(QStringLiteral("theme")).toString() : QString();
  for (const auto& [name, text] :
       {std::pair{"", tr("As the &system")}, {"light", tr("&Light")}, {"dark", tr("&Dark")}}) {
    QAction* action = menu->addAction(text, this, [this, name = std::string(name)] {
      set_theme(*qApp, name);
      if (settings_ != nullptr) settings_->setValue(QStringLiteral("theme"), QString::fromStdString(name));
    });
    action->setCheckable(true);
    action->setChecked(now == QLatin1String(name));
    group->addAction(action);
  }
}

void MainWindow::make_status_bar() {
  job_label_ = plain_label();
  progress_ = new QProgressBar;
  progress_->setMaximumWidth(200);
  progress_->setRange(0, 1000);
  progress_->setTextVisible(false);
  progress_->setAccessibleName(tr("Progress"));
  cancel_ = new QPushButton(tr("Cancel"));
  connect(cancel_, &QPushButton::clicked, this, [this] {
    if (Job* job = jobs_.latest()) job->cancel();
  });
  for (QWidget* widget : std::initializer_list<QWidget*>{job_label_, progress_, cancel_}) {
    statusBar()->addPermanentWidget(widget);
    widget->hide();
  }
  progress_timer_.setInterval(kProgressEvery);
  connect(&progress_timer_, &QTimer::timeout, this, &MainWindow::show_jobs);
  connect(&jobs_, &Jobs::changed, this, [this] {
    // What takes less than a tick is not shown at all.
    if (jobs_.idle()) {
      progress_timer_.stop();
      show_jobs();
    } else if (!progress_timer_.isActive()) {
      progress_timer_.start();
    }
  });
}

void MainWindow::show_jobs() {
  const Job* job = jobs_.latest();
  for (QWidget* widget : std::initializer_list<QWidget*>{job_label_, progress_, cancel_})
    widget->setVisible(job != nullptr);
  if (job == nullptr) return;
  job_label_->setText(job->title());
  const double share = job->progress();
  progress_->setRange(0, share < 0 ? 0 : 1000);
  if (share >= 0) progress_->setValue(static_cast<int>(share * 1000));
}

void MainWindow::say(const QString& message) { statusBar()->showMessage(message, 10'000); }

QString MainWindow::status_text() const { return statusBar()->currentMessage(); }

QString MainWindow::banner_text() const {
  QStringList texts;
  for (const Banner* banner : {damage_banner_, disk_banner_})
    if (!banner->isHidden()) texts << banner->text();
  if (!key_bar_->isHidden()) texts << key_bar_->text();
  return texts.join(QLatin1Char('\n'));
}

std::string MainWindow::ask_to_open(const QString& title) {
  // Beside what is open, or was last.
  std::filesystem::path last = path_;
  if (last.empty() && settings_ != nullptr)
    last = decoded(settings_->value(QStringLiteral("recent")).toStringList().value(0));
  const QString folder = QFile::decodeName(last.parent_path().c_str());
  const QString kinds = tr("Checkpoints and weights (*.ckpt *.safetensors *.npz *.npy *.onnx);;All files (*)");
  return to_path(QFileDialog::getOpenFileName(this, title, folder, kinds)).native();
}

void MainWindow::ask_for_file() {
  if (const std::string name = ask_to_open(tr("Open")); !name.empty()) open(name);
}

void MainWindow::ask_for_other() {
  if (!file_) return say(tr("Open a file first: the other one is compared with it."));
  if (const std::string name = ask_to_open(tr("Compare with")); !name.empty()) compare_with(name);
}

void MainWindow::ask_for_run() {
  const QString name = QFileDialog::getExistingDirectory(this, tr("Folder of a training run"));
  if (!name.isEmpty()) open_run(to_path(name));
}

std::filesystem::path MainWindow::ask_to_save(const QString& title, const QString& kind, const QString& suffix) {
  // A name from a file never becomes a path as it is.
  QString name;
  for (const QChar c : shown_name(tree_page_->tensor_page().name()).left(100))
    name += c.isLetterOrNumber() || c == QLatin1Char('-') || c == QLatin1Char('_') ? c : QLatin1Char('.');
  QFileDialog dialog(this, title, QFile::decodeName(path_.parent_path().c_str()), kind);
  dialog.setAcceptMode(QFileDialog::AcceptSave);
  dialog.setDefaultSuffix(suffix);
  dialog.selectFile(name + QLatin1Char('.') + suffix);
  return dialog.exec() == QDialog::Accepted ? to_path(dialog.selectedFiles().value(0)) : std::filesystem::path();
}

void MainWindow::export_as(Export what) {
  struct Kind {
    QString title, filter;
    const char* suffix;
  };
  const Kind kind = what == Export::npy   ? Kind{tr("Export as NPY"), tr("NumPy (*.npy)"), "npy"}
                    : what == Export::csv ? Kind{tr("Export as CSV"), tr("CSV (*.csv)"), "csv"}
                                          : Kind{tr("Export as PNG"), tr("PNG (*.png)"), "png"};
  TensorPage& page = tree_page_->tensor_page();
  if (!page.has_values()) return say(tr("Select a tensor that has values first."));
  if (export_job_.running()) return say(tr("An export is running: wait for it, or cancel it."));
  if (what == Export::png && page.heat_map().picture().isNull()) show_page(Page::heat_map);
  const std::filesystem::path path = ask_to_save(kind.title, kind.filter, QLatin1String(kind.suffix));
  if (path.empty() || !page.has_values()) return;  // a reload may have ended meanwhile
  const auto there = stamp_of(path);
  if (there && there->device == page.file()->stamp.device && there->inode == page.file()->stamp.inode)
    return say(tr("Nothing was exported: this is the file that is open."));
  const bool seen = what == Export::png && !page.heat_map().picture().isNull();
  const QImage picture = seen ? page.heat_map().figure() : QImage();
  export_job_.start(
      tr("Exporting"),
      [file = page.file(), tensor = page.tensor(), plane = page.plane(), picture, path,
       what](const Progress& progress) {
        return what == Export::npy   ? export_npy(file->file, *tensor, path, progress)
               : what == Export::csv ? export_csv(file->file, *tensor, plane, path, progress)
                                     : export_png(picture, path);
      },
      [this, path](const Status& status) {
        const bool cancelled = !status && status.error().code == Errc::cancelled;
        say(status      ? tr("Exported to %1.").arg(shown_path(path))
            : cancelled ? tr("Nothing was exported, as it was cancelled.")
                        : tr("Nothing was exported: %1").arg(shown_error(status.error())));
      });
}

void MainWindow::open(const std::string& target, OpenOptions options, Wanted wanted) {
  wanted_ = std::move(wanted);
  std::filesystem::path path = target;
  std::error_code none;
  if (!std::filesystem::exists(path, none))
    if (auto uri = split_uri(target)) {
      path = uri->file;
      wanted_.tensor = uri->tensor;
    }
  if (std::filesystem::is_directory(path, none)) return open_run(path, options);
  start_opening(path, std::move(options));
}

void MainWindow::reload() {
  if (pages_->currentWidget() == run_page_) return run_page_->reload();
  if (path_.empty()) return;
  wanted_ = {};
  if (const FilePtr& other = compare_page_->b()) {
    wanted_.other = other->path.native();
    wanted_.other_options = other->options;
    wanted_.page = shows(Page::compare) ? Page::compare : shows(Page::file) ? Page::file : Page::tree;
  }
  start_opening(path_, file_ ? file_->options : OpenOptions{});
}

void MainWindow::open_run(const std::filesystem::path& folder, const OpenOptions& options) {
  pages_->setTabVisible(pages_->indexOf(run_page_), true);
  pages_->setCurrentWidget(run_page_);
  run_page_->set_folder(folder, options);
  if (!file_) setWindowTitle(tr("%1 – Checkpoint viewer").arg(shown_path(folder)));
  note_recent(folder);
  emit opened();
}

void MainWindow::compare_with(const std::string& path, std::optional<OpenOptions> options) {
  if (!file_) return;
  wanted_ = {.other = path, .other_options = std::move(options)};
  start_comparing();
}

void MainWindow::start_comparing() {
  other_job_.start(
      tr("Opening"),
      // Two files of one run have one key.
      [path = wanted_.other, options = wanted_.other_options.value_or(file_->options)](const Progress& progress) {
        auto how = options;
        how.progress = progress;
        return open_for_view(path, how);
      },
      [this, path = wanted_.other](Result<FilePtr>&& other) {
        if (!other && other.error().code == Errc::key)
          return key_bar_->ask(cannot_open(path, other.error()), [this](const OpenOptions& how) {
            wanted_.other_options = how;
            start_comparing();
          });
        pages_->setTabVisible(pages_->indexOf(compare_page_), other.has_value());
        if (!other) return say(cannot_open(path, other.error()));
        key_bar_->hide();
        wanted_.other.clear();
        if (!wanted_.page || *wanted_.page == Page::compare) pages_->setCurrentWidget(compare_page_);
        compare_page_->set_files(file_, std::move(*other));
        watch();
      });
}

void MainWindow::start_opening(const std::filesystem::path& path, OpenOptions options) {
  open_job_.start(
      tr("Opening"),
      [path, options](const Progress& progress) {
        auto how = options;
        how.progress = progress;
        return open_for_view(path, how);
      },
      [this, path](Result<FilePtr>&& file) {
        if (file)
          set_file(std::move(*file), path);
        else if (file.error().code == Errc::cancelled)
          say(tr("Opening was cancelled."));
        else
          set_failure(file.error(), path);
        emit opened();
      });
}

void MainWindow::set_file(FilePtr file, const std::filesystem::path& path) {
  file_ = std::move(file);
  path_ = path;
  setWindowTitle(tr("%1 – Checkpoint viewer").arg(shown_path(path.filename())));
  disk_banner_->hide();
  damage_banner_->hide();
  to_findings_->show();
  other_job_.drop();
  if (wanted_.other.empty()) pages_->setTabVisible(pages_->indexOf(compare_page_), false);
  compare_page_->set_files(nullptr, nullptr);
  tree_page_->set_file(file_);
  if (file_) show_wanted();
  file_page_->set_file(file_);  // behind what somebody waits for: it reads all of the file
  show_damage();
  watch();
  if (!file_) return;
  key_bar_->hide();
  note_recent(path);
}

void MainWindow::set_failure(const Error& error, const std::filesystem::path& path) {
  const bool again = file_ && path == path_;  // what is open stays so
  if (!again) set_file(nullptr, path);
  const QString why = cannot_open(path, error);
  if (error.code == Errc::key)
    return key_bar_->ask(why, [this](const OpenOptions& options) { start_opening(path_, options); });
  key_bar_->hide();
  reload_->show();
  to_findings_->hide();  // there are none of a file that is not open
  (again ? disk_banner_ : damage_banner_)->show_text(Banner::Tone::error, why);
}

// Damage as soon as the file is open, other findings when they are there.
void MainWindow::show_damage() {
  if (!file_) return;
  const FindingModel& findings = file_page_->findings();
  const auto errors = findings.count(Severity::error);
  const auto warnings = findings.count(Severity::warning);
  if (const auto& damage = file_->file.damage())
    damage_banner_->show_text(
        Banner::Tone::error,
        tr("This file is damaged: %1.").arg(shown_error(*damage)) +
            (file_->file.tensors().empty() ? QString() : QLatin1Char(' ') + tr("What is whole is shown.")));
  else if (errors > 0)
    damage_banner_->show_text(Banner::Tone::error, tr("This file has %n error(s).", nullptr, static_cast<int>(errors)));
  else if (warnings > 0)
    damage_banner_->show_text(Banner::Tone::warning,
                              tr("This file has %n warning(s).", nullptr, static_cast<int>(warnings)));
}

void MainWindow::show_wanted() {
  select_wanted();
  if (wanted_.page && *wanted_.page != Page::compare) show_page(*wanted_.page);
  if (!wanted_.other.empty())
    start_comparing();
  else if (wanted_.page == Page::compare)
    show_page(Page::compare);  // says what is missing
}

void MainWindow::select_wanted() {
  if (wanted_.tensor.empty()) return;
  const auto target = tools::find_target(file_->file, wanted_.tensor);
  if (!target) return say(tr("That tensor cannot be shown: %1").arg(shown_error(target.error())));
  wanted_.tensor.clear();
  tree_page_->clear_filter();
  tree_page_->select(tree_page_->model().index_of(target->tensor));
  if (!target->slice_text.empty())
    if (auto status = tree_page_->tensor_page().show_slice(target->slice_text); !status)
      say(tr("That slice cannot be shown: %1").arg(shown_error(status.error())));
}

QWidget* MainWindow::widget_of(Page page) const {
  return page == Page::file      ? static_cast<QWidget*>(file_page_)
         : page == Page::compare ? static_cast<QWidget*>(compare_page_)
         : page == Page::run     ? static_cast<QWidget*>(run_page_)
                                 : tree_page_;
}

bool MainWindow::shows(Page page) const { return pages_->currentWidget() == widget_of(page); }

void MainWindow::show_page(Page page) {
  QWidget* wanted = widget_of(page);
  if (!pages_->isTabVisible(pages_->indexOf(wanted)))
    return say(page == Page::compare ? tr("Open two files to compare them.") : tr("Open the folder of a run first."));
  pages_->setCurrentWidget(wanted);
  TensorPage& tensor = tree_page_->tensor_page();
  if ((page == Page::tensor || page == Page::heat_map) && file_ && tensor.tensor() == nullptr) {
    // The largest: that is what most people look for.
    const TensorInfo* largest = nullptr;
    for (const TensorInfo& one : file_->file.tensors())
      if (largest == nullptr || one.byte_size > largest->byte_size) largest = &one;
    tree_page_->select(tree_page_->model().index_of(largest));
  }
  if (page == Page::tensor) tensor.show_tab(TensorPage::kValues);
  if (page == Page::heat_map) tensor.show_tab(TensorPage::kHeatMap);
}

void MainWindow::remember_layout() const {
  if (settings_ == nullptr) return;
  settings_->setValue(QStringLiteral("geometry"), saveGeometry());
  const auto keep = [this](const QWidget& widget, const QVariant& value) {
    if (const QString key = remembered_as(widget); !key.isEmpty()) settings_->setValue(key, value);
  };
  for (const QSplitter* splitter : findChildren<QSplitter*>()) keep(*splitter, splitter->saveState());
  for (const QHeaderView* header : findChildren<QHeaderView*>()) keep(*header, header->saveState());
  for (const QComboBox* box : findChildren<QComboBox*>()) keep(*box, box->currentIndex());
  for (const QCheckBox* box : findChildren<QCheckBox*>()) keep(*box, box->isChecked());
}

void MainWindow::restore_layout() {
  if (settings_ == nullptr) return;
  restoreGeometry(settings_->value(QStringLiteral("geometry")).toByteArray());
  const auto kept = [this](const QWidget& widget) {
    const QString key = remembered_as(widget);
    return key.isEmpty() ? QVariant() : settings_->value(key);
  };
  for (QSplitter* splitter : findChildren<QSplitter*>()) splitter->restoreState(kept(*splitter).toByteArray());
  for (QHeaderView* header : findChildren<QHeaderView*>()) header->restoreState(kept(*header).toByteArray());
  for (QComboBox* box : findChildren<QComboBox*>())
    if (const int row = kept(*box).toInt(); row > 0 && row < box->count()) box->setCurrentIndex(row);
  for (QCheckBox* box : findChildren<QCheckBox*>())
    if (const QVariant value = kept(*box); value.isValid()) box->setChecked(value.toBool());
}

void MainWindow::note_recent(const std::filesystem::path& path) {
  if (settings_ == nullptr) return;
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(path, failed).lexically_normal();
  QStringList recent = settings_->value(QStringLiteral("recent")).toStringList();
  recent.removeAll(encoded(absolute));
  recent.prepend(encoded(absolute));
  while (recent.size() > kRecentFiles) recent.removeLast();
  settings_->setValue(QStringLiteral("recent"), recent);
  fill_recent();
}

void MainWindow::fill_recent() {
  recent_menu_->clear();
  const QStringList recent = settings_ ? settings_->value(QStringLiteral("recent")).toStringList() : QStringList();
  for (const QString& name : recent)
    recent_menu_->addAction(menu_text(shown_path(decoded(name))), this, [this, name] { open(decoded(name).native()); });
  recent_menu_->setEnabled(!recent.isEmpty());
}

void MainWindow::watch() {
  const QStringList before = watcher_.files() + watcher_.directories();
  if (!before.isEmpty()) watcher_.removePaths(before);
  // The directory tells of files that are renamed over one, the file of what is written into it.
  QStringList paths;
  for (const FilePtr& file : {file_, compare_page_->b()}) {
    if (!file) continue;
    std::error_code none;
    paths << QFile::decodeName(std::filesystem::absolute(file->path, none).parent_path().c_str());
    paths << QFile::decodeName(file->path.c_str());
  }
  paths.removeDuplicates();
  if (!paths.isEmpty()) watcher_.addPaths(paths);
}

void MainWindow::look_at_disk() {
  for (const FilePtr& file : {file_, compare_page_->b()}) {
    if (!file) continue;
    const auto stamp = stamp_of(file->path);
    if (stamp == file->stamp) continue;
    const QString name = shown_path(file->path.filename());
    reload_->setVisible(stamp.has_value());
    return disk_banner_->show_text(
        Banner::Tone::warning,
        stamp ? tr("%1 has changed on disk.").arg(name)
              : tr("%1 is not there any more. What was opened can be looked at as long as it is open.").arg(name));
  }
  disk_banner_->hide();
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (export_job_.running() &&
      QMessageBox::question(this, windowTitle(), tr("An export is running. Close and give it up?")) != QMessageBox::Yes)
    return event->ignore();
  remember_layout();
  event->accept();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (local_files(*event->mimeData()).empty() || !event->possibleActions().testFlag(Qt::CopyAction)) return;
  event->setDropAction(Qt::CopyAction);  // who offers to move a file deletes it when that is taken
  event->accept();
}

void MainWindow::dropEvent(QDropEvent* event) {
  const auto files = local_files(*event->mimeData());
  if (files.empty()) return;
  event->setDropAction(Qt::CopyAction);
  event->accept();
  open(files[0], {}, {.other = files.size() > 1 ? files[1] : std::string()});
  if (files.size() > 2) say(tr("Two files can be compared; the others were not opened."));
}

}  // namespace ckpt::viewer
