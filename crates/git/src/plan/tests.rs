use super::{Decision, Refusal, decide};
use crate::ask::{Oid, Update};

fn oid(digit: char) -> Oid {
    Oid::parse(&digit.to_string().repeat(40)).expect("hex digits")
}

/// `+name` is new, `-name` is deleted, `name` moves.
fn push(names: &[&str]) -> String {
    let updates: Vec<Update> = names
        .iter()
        .map(|name| match (name.strip_prefix('+'), name.strip_prefix('-')) {
            (Some(name), _) => Update { old: Oid::none(), new: oid('b'), name: name.to_owned() },
            (_, Some(name)) => Update { old: oid('a'), new: Oid::none(), name: name.to_owned() },
            _ => Update { old: oid('a'), new: oid('b'), name: (*name).to_owned() },
        })
        .collect();
    match decide(&updates) {
        Decision::Refuse(Refusal::TwoDeploys) => "refuse: two deploys".to_owned(),
        Decision::Refuse(Refusal::DeletesDeployed(branch)) => format!("refuse: deletes {branch}"),
        Decision::Store { skips_build } => {
            format!("store{}", if skips_build { ", say no build" } else { "" })
        }
        Decision::Deploy(deploy) => {
            assert_eq!(deploy.commit, oid('b'));
            format!("deploy {} from {}", deploy.branch, deploy.old.short())
        }
    }
}

#[test]
fn each_kind_of_push_has_its_meaning() {
    let cases: &[(&[&str], &str)] = &[
        (&["+refs/heads/main"], "deploy refs/heads/main from 0000000"),
        (&["refs/heads/master"], "deploy refs/heads/master from aaaaaaa"),
        (&["refs/heads/main", "+refs/heads/x", "+refs/tags/v1"], "deploy refs/heads/main from aaaaaaa"),
        (&["refs/heads/main", "refs/heads/master"], "refuse: two deploys"),
        (&["refs/heads/main", "-refs/heads/master"], "refuse: two deploys"),
        (&["-refs/heads/main"], "refuse: deletes refs/heads/main"),
        (&["-refs/heads/master", "+refs/heads/x"], "refuse: deletes refs/heads/master"),
        (&["+refs/heads/x"], "store, say no build"),
        (&["+refs/heads/main/x"], "store, say no build"),
        (&["-refs/heads/x"], "store"),
        (&["+refs/tags/v1"], "store"),
        (&["+refs/tags/main", "-refs/tags/v0"], "store"),
        (&[], "store"),
    ];
    for (names, meaning) in cases {
        assert_eq!(push(names), *meaning, "{names:?}");
    }
}
