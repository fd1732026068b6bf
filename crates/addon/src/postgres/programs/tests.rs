use super::{NoPrograms, Programs, major_in};

#[test]
fn versions_are_read_from_what_postgres_says() {
    assert_eq!(major_in("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
    assert_eq!(major_in("postgres (PostgreSQL) 18beta1\n"), Some(18));
    assert_eq!(major_in("command not found"), None);
}

#[tokio::test]
async fn data_is_only_opened_by_the_version_that_made_it() {
    let newest = Programs::find(None, None).await.expect("Postgres is installed");
    let same = Programs::find(None, Some(newest.major)).await;
    assert_eq!(same.as_ref(), Ok(&newest));
    let other = Programs::find(None, Some(9)).await.expect_err("too old to be installed");
    assert!(matches!(&other, NoPrograms::OtherVersion { major: 9, found } if found.contains(&newest.major)));
}
