//! Finds PostgreSQL's programs.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::ArchiveError;

/// Where Debian keeps them, one folder per major version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The program on `search_path` (as PATH is written), else Debian's newest.
pub(crate) fn find(name: &'static str, search_path: Option<&str>) -> Result<PathBuf, ArchiveError> {
    find_below(name, search_path, Path::new(VERSIONS)).ok_or(ArchiveError::NotInstalled(name))
}

fn find_below(name: &str, search_path: Option<&str>, versions: &Path) -> Option<PathBuf> {
    let searched = search_path.into_iter().flat_map(std::env::split_paths).filter(|folder| folder.is_absolute());
    searched.chain(newest_first(versions)).map(|folder| folder.join(name)).find(|path| is_executable(path))
}

fn newest_first(versions: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(versions).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut majors: Vec<u32> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    majors.into_iter().map(|major| versions.join(major.to_string()).join("bin")).collect()
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path, mode: u32) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let path = folder.join("pg_dump");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn path_comes_before_the_newest_of_debian_s_versions() {
        let root = tempfile::tempdir().unwrap();
        let versions = root.path().join("postgresql");
        program(&versions.join("9/bin"), 0o755);
        let newest = program(&versions.join("17/bin"), 0o755);
        program(&versions.join("18/bin"), 0o644);
        program(&versions.join("common/bin"), 0o755);
        let on_path = program(&root.path().join("bin"), 0o755);

        let search_path = format!("/nowhere::{}", root.path().join("bin").display());
        assert_eq!(find_below("pg_dump", Some(&search_path), &versions), Some(on_path));
        assert_eq!(find_below("pg_dump", Some("/nowhere:bin"), &versions), Some(newest.clone()));
        assert_eq!(find_below("pg_dump", None, &versions), Some(newest));
    }

    #[test]
    fn a_missing_program_s_package_is_named() {
        let error = find("pg_nothing", None).unwrap_err();
        assert!(error.to_string().contains("apt-get install postgresql-client"), "{error}");
    }
}
