//! `make cluster`: runs the order service on a Kubernetes cluster on this machine until Ctrl-C.

use std::fs;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use cluster::{ADDRESS, Cluster, port_forward, progress};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    // A second Ctrl-C ends this process at once, and the kernel ends the cluster.
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&stop))?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let cluster = Cluster::start()?;
    cluster.push_images()?;
    cluster.deploy(cluster::service::APPLY)?;
    let network = cluster.node().network();
    let service = port_forward::start(&network, 8080, cluster.service_address()?)?;
    let api = port_forward::start(&network, 6443, format!("{ADDRESS}:6443").parse()?)?;
    let kubeconfig = local_kubeconfig(&cluster, api)?;
    print(&format!(
        "\nThe service:     curl http://127.0.0.1:{service}/orders\n\
         The cluster:     kubectl --kubeconfig {kubeconfig} get pods\n\
         Its log files:   {}\n\
         Ctrl-C stops the cluster and removes its data.\n",
        cluster.dir().display()
    ));
    while !stop.load(Ordering::SeqCst) {
        cluster.components().check_running()?;
        thread::sleep(Duration::from_millis(200));
    }
    progress("shutting down");
    drop(cluster);
    progress("stopped");
    Ok(())
}

/// An administrator's kubeconfig for the port on this machine.
fn local_kubeconfig(cluster: &Cluster, port: u16) -> Result<String> {
    let inside = fs::read_to_string(cluster.kubeconfig())?;
    let path = cluster.dir().join("kubeconfig");
    fs::write(&path, inside.replace(&format!("{ADDRESS}:6443"), &format!("127.0.0.1:{port}")))?;
    Ok(path.display().to_string())
}

/// Unlike `println!`, does not panic when standard output is closed.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
