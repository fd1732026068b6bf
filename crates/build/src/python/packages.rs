//! Which package manager an app uses, and with what its packages are installed.

use model::config_var::ConfigVars;

use crate::buildpack::Root;

/// The config var that chooses plain pip over uv's pip: `HOKKU_PACKAGE_INSTALLER=pip`.
pub(crate) const INSTALLER_VAR: &str = "HOKKU_PACKAGE_INSTALLER";

/// A package manager, told by its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manager {
    Pipenv,
    Pip,
    Poetry,
    Uv,
}

impl Manager {
    const ALL: [Self; 4] = [Self::Pipenv, Self::Pip, Self::Poetry, Self::Uv];

    /// The file that tells it.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Pipenv => "Pipfile.lock",
            Self::Pip => "requirements.txt",
            Self::Poetry => "poetry.lock",
            Self::Uv => "uv.lock",
        }
    }

    /// Its name in messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pipenv => "Pipenv",
            Self::Pip => "pip",
            Self::Poetry => "Poetry",
            Self::Uv => "uv",
        }
    }
}

/// What installs the packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Installer {
    /// `uv pip install -r requirements.txt`
    UvPip,
    /// `pip install -r requirements.txt`
    Pip,
    /// `uv sync --locked`
    UvSync,
}

impl Installer {
    /// Its name in messages and to the script.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UvPip => "uv pip",
            Self::Pip => "pip",
            Self::UvSync => "uv sync",
        }
    }
}

/// Why the packages of an app cannot be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PackagesError {
    /// More than one manager's file is there.
    Several { managers: Vec<Manager> },
    /// A `Pipfile` without its lock.
    PipfileWithoutLock,
    /// Only a `setup.py`.
    OnlySetupPy,
    /// None; what is in the root instead.
    None { listing: Vec<String> },
    /// A manager that is known but cannot be used yet.
    Unsupported { manager: Manager },
    /// `HOKKU_PACKAGE_INSTALLER` has another value than `uv` or `pip`.
    BadInstaller { value: String },
    /// The source holds what the build makes: `.heroku/python`.
    HasPythonDir,
    /// A virtual environment was committed.
    HasVenv { dir: &'static str },
}

/// Chooses by the files in the root.
pub(crate) fn choose(root: &Root) -> Result<Manager, PackagesError> {
    if root.has(".heroku/python/") {
        return Err(PackagesError::HasPythonDir);
    }
    if let Some(dir) = ["venv", ".venv"].into_iter().find(|dir| root.has(&format!("{dir}/pyvenv.cfg"))) {
        return Err(PackagesError::HasVenv { dir });
    }
    let managers: Vec<Manager> = Manager::ALL.into_iter().filter(|it| root.has(it.file())).collect();
    match managers[..] {
        [manager @ (Manager::Pip | Manager::Uv)] => Ok(manager),
        [manager] => Err(PackagesError::Unsupported { manager }),
        [] if root.has("Pipfile") => Err(PackagesError::PipfileWithoutLock),
        [] if root.has("setup.py") => Err(PackagesError::OnlySetupPy),
        [] => Err(PackagesError::None { listing: root.listing() }),
        _ => Err(PackagesError::Several { managers }),
    }
}

/// Chooses what installs for this manager.
pub(crate) fn installer(manager: Manager, config: &ConfigVars) -> Result<Installer, PackagesError> {
    let value = config.iter().find(|(key, _)| key.as_str() == INSTALLER_VAR);
    let value = value.map_or("uv", |(_, value)| value.expose_secret());
    match (manager, value) {
        (Manager::Uv, _) => Ok(Installer::UvSync),
        (_, "uv") => Ok(Installer::UvPip),
        (_, "pip") => Ok(Installer::Pip),
        (_, other) => Err(PackagesError::BadInstaller { value: other.chars().take(40).collect() }),
    }
}

#[cfg(test)]
mod tests;
