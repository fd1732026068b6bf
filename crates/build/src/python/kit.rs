//! The scripts that run inside build containers, and the ones they put into the slug.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::failure::{PlatformError, file};

/// Where containers see the scripts.
pub(crate) const INSIDE: &str = "/hokku/kit";

const FILES: [(&str, &str); 7] = [
    ("packages.sh", include_str!("kit/packages.sh")),
    ("pre_compile.sh", include_str!("kit/pre_compile.sh")),
    ("hooks.sh", include_str!("kit/hooks.sh")),
    ("app.sh", include_str!("kit/app.sh")),
    ("profile.d/python.sh", include_str!("kit/profile.d/python.sh")),
    ("profile.d/python.gunicorn.sh", include_str!("kit/profile.d/python.gunicorn.sh")),
    ("profile.d/WEB_CONCURRENCY.sh", include_str!("kit/profile.d/WEB_CONCURRENCY.sh")),
];

/// Writes the scripts into a folder; containers read them under other users.
pub(crate) fn write(dir: &Path) -> Result<(), PlatformError> {
    for (name, text) in FILES {
        let path = dir.join(name);
        let parent = path.parent().unwrap_or(dir);
        fs::create_dir_all(parent).map_err(file("make", parent))?;
        fs::set_permissions(parent, Permissions::from_mode(0o755)).map_err(file("open up", parent))?;
        fs::write(&path, text).map_err(file("write", &path))?;
        fs::set_permissions(&path, Permissions::from_mode(0o644)).map_err(file("open up", &path))?;
    }
    Ok(())
}

/// The text that decides how packages are installed: a change of it makes other layers.
pub(crate) fn install_recipe() -> &'static str {
    FILES[0].1
}
