#pragma once

#include <QFileSystemWatcher>
#include <QMainWindow>
#include <QTimer>
#include <filesystem>
#include <optional>
#include <string>

#include "job.h"
#include "open_file.h"

class QLabel;
class QProgressBar;
class QPushButton;
class QSettings;
class QTabWidget;

namespace ckpt::viewer {

class Banner;
class ComparePage;
class FilePage;
class KeyBar;
class RunPage;
class TreePage;

enum class Page { tree, tensor, heat_map, file, compare, run };

/// What is to be shown of a file as soon as it is open, perhaps after its key was asked for.
struct Wanted {
  std::string tensor = {};                        ///< perhaps with a slice
  std::string other = {};                         ///< a file to be compared with it
  std::optional<OpenOptions> other_options = {};  ///< else those of the first
  std::optional<Page> page = {};
};

/// Arranges the pages, and opens what they show.
class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  /// `settings`: where layout and recent files are kept; null: nowhere. It must outlive the window.
  explicit MainWindow(QSettings* settings);
  ~MainWindow() override;

  /// A file, or `file#name[0,:]`; in the background. Of the options key and mode count; a key that was not given is
  /// asked for.
  void open(const std::string& target, OpenOptions options = {}, Wanted wanted = {});
  void reload();
  /// That file (B) with the one that is open (A), whose key it has if none is given.
  void compare_with(const std::string& path, std::optional<OpenOptions> options = {});
  /// A folder that a training saves into; open() of a folder is the same.
  void open_run(const std::filesystem::path& folder, const OpenOptions& options = {});
  void show_page(Page page);
  bool shows(Page page) const;
  /// Of what was wanted, what could not be shown: there is no such tensor or file.
  bool lacks() const noexcept { return !wanted_.tensor.empty() || !wanted_.other.empty(); }

  /// What was opened last; null while nothing is, or where it could not be opened.
  const FilePtr& file() const noexcept { return file_; }
  Jobs& jobs() noexcept { return jobs_; }
  TreePage& tree_page() noexcept { return *tree_page_; }
  FilePage& file_page() noexcept { return *file_page_; }
  ComparePage& compare_page() noexcept { return *compare_page_; }
  RunPage& run_page() noexcept { return *run_page_; }
  /// What the banners say; empty where none is shown.
  QString banner_text() const;
  QString status_text() const;

 signals:
  void opened();  ///< or failed to: file() and banner_text() tell

 protected:
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  void make_menus();
  void make_status_bar();
  void add_theme_menu(QMenu& view);
  void ask_for_file();
  void ask_for_other();
  void ask_for_run();
  enum class Export { npy, csv, png };
  void export_as(Export what);
  std::string ask_to_open(const QString& title);
  std::filesystem::path ask_to_save(const QString& title, const QString& kind, const QString& suffix);
  void start_opening(const std::filesystem::path& path, OpenOptions options);
  void set_file(FilePtr file, const std::filesystem::path& path);
  void set_failure(const Error& error, const std::filesystem::path& path);
  void show_damage();
  void show_wanted();
  void select_wanted();
  void start_comparing();
  QWidget* widget_of(Page page) const;
  void remember_layout() const;
  void restore_layout();
  void note_recent(const std::filesystem::path& path);
  void fill_recent();
  void watch();
  void look_at_disk();
  void show_jobs();
  void say(const QString& message);

  QSettings* settings_;
  Jobs jobs_;  // waits for its work when it goes, after the jobs that are members here
  Job open_job_;
  Job other_job_;
  Job export_job_;
  FilePtr file_ = {};
  std::filesystem::path path_ = {};
  Wanted wanted_ = {};
  QFileSystemWatcher watcher_;
  QTimer look_timer_;
  QTimer progress_timer_;

  Banner* damage_banner_;
  Banner* disk_banner_;
  QPushButton* to_findings_ = nullptr;
  QPushButton* reload_ = nullptr;
  KeyBar* key_bar_;
  QTabWidget* pages_;
  TreePage* tree_page_;
  FilePage* file_page_;
  ComparePage* compare_page_;
  RunPage* run_page_;
  QMenu* recent_menu_ = nullptr;
  QProgressBar* progress_ = nullptr;
  QLabel* job_label_ = nullptr;
  QPushButton* cancel_ = nullptr;
};

}  // namespace ckpt::viewer
