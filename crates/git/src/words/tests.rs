use insta::assert_snapshot;
use model::release::ReleaseVersion;

use super::{
    ANOTHER_DEPLOY, NO_SERVER, NOT_A_HOOK, SERVER_LOST, STOPPING, TOO_LONG, TOO_MANY_REFERENCES,
    UNAUTHENTICATED, branch_moved, client_gone, no_such_app, not_verified, refusal, source_too_large,
    starting_dynos, submodules, unreadable_commit, updated, waiting_for_older,
};
use crate::plan::Refusal;

/// Those that no test with a real push shows whole.
#[test]
fn the_words_are_these() {
    let texts = [
        UNAUTHENTICATED.to_owned(),
        no_such_app("demo"),
        NOT_A_HOOK.to_owned(),
        TOO_MANY_REFERENCES.to_owned(),
        NO_SERVER.to_owned(),
        SERVER_LOST.to_owned(),
        refusal(&Refusal::TwoDeploys),
        refusal(&Refusal::DeletesDeployed("refs/heads/main")),
        ANOTHER_DEPLOY.to_owned(),
        branch_moved("refs/heads/master"),
        unreadable_commit("1234567"),
        source_too_large(2 << 30),
        STOPPING.to_owned(),
        TOO_LONG.to_owned(),
        updated(1, "1234567"),
        submodules(2),
        waiting_for_older(ReleaseVersion(7)),
        starting_dynos(&[("web".to_owned(), 2), ("worker".to_owned(), 1)]),
        not_verified(ReleaseVersion(7)),
        client_gone("1234567"),
    ];
    assert_snapshot!(texts.join("\n---\n"));
}
