use model::release::ReleaseVersion;
use model::time::Timestamp;

use super::*;

const USER: &str = "jane@example.com";

/// Every wording there is, in one table, so that a change to one is seen.
#[test]
fn the_words() {
    let at = Timestamp::from_micros(1_795_359_334_000_001);
    let version = ReleaseVersion(9);
    let commit = "954ab531c0ffee";
    let words = [
        state_changed("starting", "up"),
        starting_process("gunicorn site.wsgi"),
        process_exited(137),
        restarting(),
        cycling(),
        idling(),
        unidling(),
        stopping_with_sigterm(),
        stopping_with_sigkill(),
        stopping_rest_with_sigkill(),
        awaiting_client(),
        client_closed(),
        memory_in_use(912_680_550, 512 << 20),
        memory_in_use(0, 0),
        error_r10(60),
        error_r12(30),
        error_r13(),
        error_r14(),
        error_r15(),
        error_r16(),
        error_r17("SHA256:aa", "SHA256:bb"),
        error_r99("The machine is out of disk space"),
        tail_overflow(3, at),
        spool_overflow(222, at),
        by_user(&initial_release(), USER),
        by_user(&enable_logplex(), USER),
        by_user(&deploy(commit), USER),
        by_user(&deploy("954"), USER),
        by_user(&set_config_vars(&["FOO", "BAR"]), USER),
        by_user(&remove_config_vars(&["FOO"]), USER),
        by_user(&rollback(ReleaseVersion(7)), USER),
        by_user(&promote("staging", version, commit), USER),
        by_user(&attach("DATABASE", "postgresql-flat-02648"), USER),
        by_user(&detach("DATABASE", "postgresql-flat-02648"), USER),
        by_user(&provisioned("postgresql-flat-02648", &["DATABASE_URL"]), USER),
        updated_by_addon("DATABASE", "heroku-postgresql"),
        by_user(&upgrade_stack("heroku-24"), USER),
        release_created(version, USER),
        running_release_commands(version, USER),
        release_command_failed(version, USER),
        rollout_failed(version, "web.1 exited with status 3 before it served.", ReleaseVersion(2)),
        rollout_crashed(version, "web.1 exited with status 3 before it served."),
        build_started(USER),
        build_succeeded(),
        build_failed("https://dashboard.example.com/apps/a/activity/builds/b"),
        scaled_to(&[("web", 2, "Basic"), ("worker", 0, "Standard-1X")], USER),
        starting_process_by("bash", USER),
        stack_changed("heroku-22", "heroku-24", USER),
    ];
    insta::assert_snapshot!(words.join("\n"));
}
