//! What developers push, and what they see.

use std::fs;
use std::path::Path;

use model::build::BuildStatus;
use model::id::AppId;

use build::Limits;

use crate::lab::{Ended, copy, fixture, in_lab, measured, steady, tree};

fn succeeded(ended: &Ended) {
    assert_eq!(ended.build.status, BuildStatus::Succeeded, "{}", ended.transcript);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_without_packages_is_built_and_its_slug_runs() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("hello").await;
        let ended = lab.build(&app, &fixture("hello")).await;
        succeeded(&ended);
        insta::assert_snapshot!(steady(&ended.transcript));
        assert_eq!(ended.build.buildpacks, ["heroku/python"]);
        let slug = ended.slug.as_ref().expect("a slug");
        assert_eq!(slug.processes.command("web"), Some("python web.py"));
        assert_eq!(slug.language, "Python");
        let boot = "python -c 'import sys; print(sys.prefix)'; echo $GUNICORN_CMD_ARGS $LANG; \
                stat -c %U:%a web.py; ls -A /app | wc -l";
        insta::assert_snapshot!(lab.run(&ended, boot), @r"
        /app/.heroku/python
        --access-logfile - en_US.UTF-8
        app:644
        10
        ");
        assert_eq!(lab.log(&app, 2).await, ["Build started by user jane@example.com", "Build succeeded"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_app_is_built_and_a_changed_line_installs_nothing() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("events").await;
        lab.set(&app, &[("SECRET_KEY", "only for this test")]).await;
        let first = lab.build(&app, &fixture("django-events")).await;
        succeeded(&first);
        assert!(
            first.transcript.contains("       Successfully installed 32 packages\n"),
            "{}",
            first.transcript
        );

        let source = copy(&fixture("django-events"));
        fs::write(source.path().join("eventsite/version.py"), "RELEASE_MARKER = \"changed\"\n")
            .expect("written");
        let second = lab.build(&app, source.path()).await;
        succeeded(&second);
        insta::assert_snapshot!(steady(&second.transcript));
        let (before, after) = (first.manifest().layers, second.manifest().layers);
        assert_eq!(before[..2], after[..2], "runtime and packages are the same layers");
        assert_ne!(before[2], after[2], "the app is another");
        let flags = "python -c 'import django, events
for it in django, events: print(open(it.__cached__, \"rb\").read(8)[4])'";
        let look = "cat eventsite/version.py; ls staticfiles/staticfiles.json";
        let boot = format!("SECRET_KEY=x python manage.py check; {look}; {flags}");
        insta::assert_snapshot!(lab.run(&second, &boot), @r#"
        System check identified no issues (0 silenced).
        RELEASE_MARKER = "changed"
        staticfiles/staticfiles.json
        1
        3
        "#);
        measured("first push of the sample app", first.took);
        measured("a changed line", second.took);

        // Other requirements, the same wheels: from the account's store, without asking an index.
        let text = fs::read_to_string(source.path().join("requirements.txt")).expect("read");
        fs::write(source.path().join("requirements.txt"), format!("{text}# changed\n")).expect("written");
        let third = lab.build(&app, source.path()).await;
        succeeded(&third);
        assert!(third.transcript.contains("Installed 32 packages in"), "{}", third.transcript);
        assert!(!third.transcript.contains("Downloading"), "{}", third.transcript);
        measured("first push, all wheels stored", third.took);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_without_a_wheel_is_compiled_once_per_account() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("driver").await;
        let first = lab.build(&app, &fixture("needs-psycopg2")).await;
        succeeded(&first);
        assert!(first.transcript.contains("Built psycopg2==2.9.10"), "{}", first.transcript);
        assert_eq!(
            lab.run(&first, "python -c 'import psycopg2; print(psycopg2.__version__[:6])'"),
            "2.9.10\n"
        );
        let other = lab.app("driver-2").await;
        let second = lab.build(&other, &fixture("needs-psycopg2")).await;
        succeeded(&second);
        assert!(
            second.transcript.contains("-----> Using cached requirements (1 package)\n"),
            "{}",
            second.transcript
        );
        assert_eq!(first.manifest().layers[..2], second.manifest().layers[..2]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_names_no_version_keeps_the_series_it_was_given() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("any").await;
        let pinned =
            lab.build(&app, tree(&[("requirements.txt", ""), ("runtime.txt", "python-3.12\n")]).path()).await;
        succeeded(&pinned);
        let unpinned = lab.build(&app, &fixture("no-python-version")).await;
        succeeded(&unpinned);
        let said = "-----> Using Python version: python-3.12.1 (same as the last build)\n";
        assert!(unpinned.transcript.contains(said), "{}", unpinned.transcript);
        assert_eq!(pinned.manifest().layers[0], unpinned.manifest().layers[0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_build_says_why_and_leaves_no_slug() {
    in_lab(Limits::default(), |lab| async move {
        let mut text = String::new();
        let sources = [
            ("a package that does not exist", copy(&fixture("bad-requirements"))),
            ("no language", copy(&fixture("procfile-only"))),
            (
                "a version that cannot be had",
                tree(&[("requirements.txt", ""), ("runtime.txt", "python-3.12.99")]),
            ),
            ("no package manager", tree(&[("manage.py", ""), (".python-version", "3.12")])),
            (
                "settings that need a config var",
                tree(&[
                    ("requirements.txt", "./django"),
                    (".python-version", "3.12"),
                    ("django/pyproject.toml", "[project]\nname = \"django\"\nversion = \"0\"\n"),
                    ("django/django/__init__.py", ""),
                    ("manage.py", "import os\nprint('reading the settings')\nos.environ['STRIPE_KEY']\n"),
                ]),
            ),
        ];
        for (what, source) in sources {
            let app = lab.app(&format!("bad-{}", text.lines().count())).await;
            let ended = lab.build(&app, source.path()).await;
            assert_eq!((ended.build.status, ended.build.slug), (BuildStatus::Failed, None), "{what}");
            text.push_str(&format!("=== {what}\n{}", steady(&ended.transcript)));
            let log = lab.log(&app, 2).await;
            let failed = format!(
                "Build failed -- check your build output: https://dashboard.localhost:5443/apps/{}/",
                app.id
            );
            assert!(log.last().is_some_and(|line| line.starts_with(&failed)), "{log:?}");
        }
        insta::assert_snapshot!(text);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_run_with_config_vars_and_may_make_files() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("hooked").await;
        lab.set(
            &app,
            &[("GREETING", "good day"), ("LD_PRELOAD", "/nowhere.so"), ("DISABLE_COLLECTSTATIC", "1")],
        )
        .await;
        let source = tree(&[
            ("requirements.txt", "# none\n"),
            (".python-version", "3.12\n"),
            (
                "bin/pre_compile",
                "#!/bin/sh\necho \"before: $GREETING\"; echo 'web: python late.py' > Procfile\n",
            ),
            (
                "bin/post_compile",
                "#!/bin/sh\necho \"after: $(cat $ENV_DIR/GREETING) $STACK $SOURCE_VERSION\"; id -u\n\
             echo \"x = 1\" > late.py; env | grep LD_PRELOAD\ntrue\n",
            ),
            (".slugignore", "docs\n*.psd\n"),
            ("docs/a.txt", ""),
            ("art/a.psd", ""),
        ]);
        let ended = lab.build(&app, source.path()).await;
        succeeded(&ended);
        insta::assert_snapshot!(steady(&ended.transcript));
        let made = lab.run(&ended, "ls docs art bin __pycache__ 2> /dev/null | tr '\\n' ' '");
        assert_eq!(made, "art:  bin: post_compile pre_compile  __pycache__: late.cpython-312.pyc ");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_hook_fails_the_build() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("hooked").await;
        let files = [
            ("requirements.txt", ""),
            (".python-version", "3.12"),
            ("bin/post_compile", "#!/bin/sh\necho no; exit 3\n"),
        ];
        let ended = lab.build(&app, tree(&files).path()).await;
        assert_eq!(ended.build.status, BuildStatus::Failed);
        assert!(
            ended
                .transcript
                .contains("       no\n\n !     Error: The bin/post_compile hook failed (exit status 3)."),
            "{}",
            ended.transcript
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packages_can_be_installed_by_pip_and_from_a_uv_lock() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("plain-pip").await;
        lab.set(&app, &[("HOKKU_PACKAGE_INSTALLER", "pip")]).await;
        let files = [("requirements.txt", "six==1.17.0\n"), (".python-version", "3.12")];
        let ended = lab.build(&app, tree(&files).path()).await;
        succeeded(&ended);
        assert!(
            ended.transcript.contains("-----> Installing requirements with pip\n"),
            "{}",
            ended.transcript
        );
        assert!(
            ended.transcript.contains("       Successfully installed six-1.17.0\n"),
            "{}",
            ended.transcript
        );
        assert_eq!(lab.run(&ended, "python -c 'import six; print(six.__version__)'"), "1.17.0\n");

        let app = lab.app("uv-lock").await;
        let locked = lock(&lab.cx.uv);
        let ended = lab.build(&app, locked.path()).await;
        succeeded(&ended);
        assert!(
            ended.transcript.contains("-----> Installing requirements with uv sync\n"),
            "{}",
            ended.transcript
        );
        assert_eq!(
            lab.run(
                &ended,
                "python -c 'import six; print(six.__version__)'; python -m pip --version | cut -c 1-3"
            ),
            "1.17.0\npip\n"
        );
        let again = lab.build(&app, locked.path()).await;
        assert!(
            again.transcript.contains("-----> Using cached requirements (1 package)\n"),
            "{}",
            again.transcript
        );
    })
    .await;
}

/// A project with a `uv.lock`, made by uv itself.
fn lock(uv: &Path) -> tempfile::TempDir {
    let project = "[project]\nname = \"p\"\nversion = \"0\"\nrequires-python = \">=3.10\"\n\
                   dependencies = [\"six==1.17.0\"]\n";
    let dir = tree(&[("pyproject.toml", project), (".python-version", "3.12")]);
    let locked = std::process::Command::new(uv)
        .args(["lock", "--quiet", "--no-cache", "--python-preference", "only-system"])
        .current_dir(dir.path())
        .status();
    assert!(locked.expect("uv runs").success());
    dir
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packages_of_the_source_itself_go_into_the_apps_layer() {
    in_lab(Limits::default(), |lab| async move {
    let app = lab.app("local").await;
    let files = [
        ("requirements.txt", "-e ./own\nsix==1.17.0\n"),
        (".python-version", "3.12"),
        (
            "own/pyproject.toml",
            "[project]\nname = \"library\"\nversion = \"1\"\n[tool.setuptools]\npy-modules = [\"library\"]\n",
        ),
        ("own/library.py", "NAME = 'mine'\n"),
    ];
    let ended = lab.build(&app, tree(&files).path()).await;
    succeeded(&ended);
    assert_eq!(ended.manifest().layers.len(), 2, "runtime and app");
    assert_eq!(
        lab.run(&ended, "cd /tmp; python -c 'import library, six; print(library.NAME, library.__file__)'"),
        "mine /app/own/library.py\n"
    );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_buildpacks_are_refused_for_now() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("ruby").await;
        let id: AppId = app.id;
        let set = lab.cx.store.write(move |tx| tx.set_buildpacks(id, &["heroku/ruby".to_owned()]));
        set.await.expect("set");
        let ended = lab.build(&app, &fixture("hello")).await;
        assert_eq!(ended.build.status, BuildStatus::Failed);
        assert!(
            ended.transcript.contains(" !     Error: The buildpack heroku/ruby is not supported yet.\n"),
            "{}",
            ended.transcript
        );
    })
    .await;
}
