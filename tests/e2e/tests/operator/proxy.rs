//! The proxy's configuration in docs/OPERATIONS.md, in HAProxy.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::{Process, TempDir, artifacts, ports};

use e2e::{TestApp, wait_until};

use crate::access::token_file::TokenFile;

/// The configuration on the page, with a certificate of its own, and the addresses of a service in place of the page's.
fn configuration(directory: &Path, port: u16, app: &TestApp, admin: &str) -> String {
    let page = fs::read_to_string(artifacts::root().join("docs/OPERATIONS.md")).expect("docs/OPERATIONS.md");
    let (_, rest) = page.split_once("<!-- haproxy -->\n```\n").expect("the configuration");
    let (text, _) = rest.split_once("```").expect("its end");
    let certificate = directory.join("orders.pem").display().to_string();
    let admin_port = admin.rsplit(':').next().expect("a port");
    let replacements = [
        (":443 ", format!("127.0.0.1:{port} ")),
        ("/etc/haproxy/orders.pem", certificate),
        ("port 9090", format!("port {admin_port}")),
        ("10.0.0.11:8080", app.address().to_string()),
        ("10.0.0.12:8080", app.address().to_string()),
    ];
    replacements.into_iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not on the page");
        text.replace(from, &to)
    })
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().expect("a program");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Debian installs it in a directory that is not in a user's PATH.
fn haproxy() -> Command {
    let path = "/usr/sbin/haproxy";
    Command::new(if Path::new(path).exists() { path } else { "haproxy" })
}

fn write_certificate(directory: &Path) {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]);
    run(openssl.args(["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"]).current_dir(directory));
    let pem = ["cert.pem", "key.pem"].map(|name| fs::read_to_string(directory.join(name)).expect("a file")).concat();
    fs::write(directory.join("orders.pem"), pem).expect("a file");
}

#[test]
fn the_documented_proxy_serves_https_and_hides_nothing_of_the_service() {
    let (directory, file) = (TempDir::new().expect("a directory"), TokenFile::new());
    let token = file.add("shop", "read");
    let admin = format!("127.0.0.1:{}", ports::free().expect("a free port"));
    let app = TestApp::spawn_with(&[
        ("ADMIN_ADDR", &admin),
        ("API_TOKENS_FILE", &file.variable()),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("CORS_ALLOW_ORIGIN", "https://shop.example.com"),
    ]);
    let port = ports::free().expect("a free port");
    write_certificate(directory.path());
    let path = directory.path().join("haproxy.cfg");
    fs::write(&path, configuration(directory.path(), port, &app, &admin)).expect("a file");
    run(haproxy().arg("-c").arg("-f").arg(&path));
    let log = directory.path().join("log");
    let proxy = Process::start(haproxy().arg("-db").arg("-f").arg(&path), &log).expect("HAProxy");
    let curl = |arguments: &[&str], path: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--insecure", "--noproxy", "*", "--output", "-", "--include"]).args(arguments);
        String::from_utf8_lossy(&curl.arg(format!("https://127.0.0.1:{port}{path}")).output().expect("curl").stdout)
            .into_owned()
    };
    wait_until("the proxy to serve", || curl(&[], "/ready").starts_with("HTTP/2 200"));
    // Open without a token, as at the service itself.
    assert!(curl(&[], "/health").starts_with("HTTP/2 200"));
    assert!(curl(&["--http1.1"], "/").starts_with("HTTP/1.1 200"));
    let preflight =
        ["--request", "OPTIONS", "-H", "Origin: https://shop.example.com", "-H", "Access-Control-Request-Method: PUT"];
    let response = curl(&preflight, "/orders/1");
    assert!(response.starts_with("HTTP/2 204") && response.contains("access-control-allow-methods"), "{response}");
    // The service's own 401, with what a client needs to know.
    let response = curl(&[], "/orders");
    assert!(response.starts_with("HTTP/2 401") && response.contains("www-authenticate: Bearer"), "{response}");
    let authorization = format!("Authorization: Bearer {token}");
    // A client cannot choose the address that its quota counts for.
    let response = curl(&["-H", &authorization, "-H", "X-Forwarded-For: 192.0.2.1"], "/orders");
    assert!(response.starts_with("HTTP/2 200") && response.trim_end().ends_with("[]"), "{response}");
    wait_until("the request's log line", || app.service().log().contains("\"caller\":\"shop\""));
    assert!(!app.service().log().contains("192.0.2.1"), "{}", app.service().log());
    // The operator's endpoints are not behind it.
    assert!(curl(&["-H", &authorization], "/drain").starts_with("HTTP/2 404"));
    assert!(proxy.is_running(), "{}", proxy.log());
}

#[test]
fn the_balancer_of_compose_has_a_valid_configuration() {
    run(haproxy().arg("-c").arg("-f").arg(artifacts::root().join("deploy/compose/haproxy.cfg")));
}
