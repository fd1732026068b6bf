use super::{Scope, Scopes};

#[test]
fn each_scope_allows_what_heroku_s_does() {
    let allowed = |scope: Scope| -> Vec<_> {
        Scope::ALL.into_iter().filter(|needed| scope.allows(*needed)).map(Scope::as_str).collect()
    };
    assert_eq!(allowed(Scope::Global).len(), 6);
    assert_eq!(allowed(Scope::Identity), ["identity"]);
    assert_eq!(allowed(Scope::Read), ["read"]);
    assert_eq!(allowed(Scope::Write), ["read", "write"]);
    assert_eq!(allowed(Scope::ReadProtected), ["read", "read-protected"]);
    assert_eq!(allowed(Scope::WriteProtected), ["read", "write", "read-protected", "write-protected"]);
}

#[test]
fn several_scopes_add_up_and_none_is_everything() {
    let both: Scopes = "read identity".parse().expect("scopes");
    assert!(both.allow(Scope::Read) && both.allow(Scope::Identity) && !both.allow(Scope::Write));
    assert_eq!(both.to_string(), "identity read");
    assert_eq!(Scopes::of([]), Scopes::global());
    assert!("read everything".parse::<Scopes>().is_err());
}
