//! Tokens on a real engine: the Compose override, and a drain that needs an operator's token.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use testkit::TempDir;

use crate::compose::{exit_statuses, now};
use crate::support::{Docker, Project, SERVICE, client, docker, shell};

/// A directory with the file of tokens that the service reads, and the tokens outside of it.
pub(crate) struct Tokens {
    dir: TempDir,
    /// May read and write.
    pub(crate) shop: String,
    /// May drain.
    pub(crate) operator: String,
}

impl Tokens {
    pub(crate) fn new(docker: &Docker) -> Self {
        let dir = TempDir::new().unwrap();
        // The containers' users pass through it.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(dir.path().join("tokens")).unwrap();
        let file = dir.path().join("tokens/tokens").display().to_string();
        let make = |name, scopes| docker.script("scripts/new-token.sh", &[name, scopes, &file]).trim().to_owned();
        let (shop, operator) = (make("shop", "read,write"), make("operations", "operator"));
        fs::write(dir.path().join("operator-token"), format!("{operator}\n")).unwrap();
        Self { dir, shop, operator }
    }

    /// The directory to mount.
    pub(crate) fn directory(&self) -> PathBuf {
        self.dir.path().join("tokens")
    }

    /// The file with the operator's token.
    pub(crate) fn operator_file(&self) -> PathBuf {
        self.dir.path().join("operator-token")
    }

    /// Callers need a token, and the shop's is one.
    #[track_caller]
    pub(crate) fn check_service(&self) {
        let authorization = format!("Bearer {}", self.shop);
        let status = |headers: &[(&str, &str)]| client(SERVICE).send("GET", "/orders", headers, None).unwrap().status;
        assert_eq!(status(&[]), 401);
        assert_eq!(status(&[("Authorization", "Bearer ost_wrong")]), 401);
        assert_eq!(status(&[("Authorization", &authorization)]), 200);
    }
}

/// Runs `make down` with a file of the operator's token. Returns the exit status of the service, and the messages.
fn make_down(docker: &Docker, project: &Project<'_>, token_file: &str) -> (String, String) {
    let (container, since) = (project.containers("orders").remove(0), now());
    let messages = shell(docker, &format!("OPERATOR_TOKEN_FILE={token_file} make down 2>&1"));
    assert!(project.containers("orders").is_empty(), "{messages}");
    (exit_statuses(docker, &container, since).concat(), messages)
}

#[test]
fn the_compose_override_requires_tokens_and_make_down_drains_with_the_operators() {
    let docker = docker();
    let tokens = Tokens::new(&docker);
    let directory = tokens.directory().display().to_string().leak();
    let project = docker.project().file("deploy/compose/tokens.yml").env("TOKENS_DIR", directory);
    project.start();
    tokens.check_service();

    // Without the token the drain is refused, so the replica is killed.
    let (status, messages) = make_down(&docker, &project, "''");
    assert!(messages.contains("needs an operator's token"), "{messages}");
    assert_eq!(status, "137", "{messages}");

    project.start();
    let (status, messages) = make_down(&docker, &project, &tokens.operator_file().display().to_string());
    assert!(!messages.contains("did not accept"), "{messages}");
    assert_eq!(status, "0", "a drained process ends by itself:\n{messages}");
    assert!(!messages.contains(&tokens.operator), "the token is shown:\n{messages}");
}
