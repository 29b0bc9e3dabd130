//! `make cluster`: a Kubernetes on this machine with the order service on it, until Ctrl-C.

use std::fs;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use cluster::forward::forward;
use cluster::{ADDRESS, Cluster, say};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    // A second Ctrl-C ends this process at once; the kernel then ends the cluster.
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&stop))?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let cluster = Cluster::start()?;
    cluster.push_images()?;
    cluster.deploy("kubectl apply -k deploy/kubernetes/overlays/crun")?;
    let service = forward(&cluster.machine().network(), 8080, cluster.service_address()?)?;
    let api = forward(&cluster.machine().network(), 6443, format!("{ADDRESS}:6443").parse()?)?;
    let access = access_from_here(&cluster, api)?;
    show(&format!(
        "\nThe service:     curl http://127.0.0.1:{service}/orders\n\
         The cluster:     kubectl --kubeconfig {access} get pods\n\
         Its log files:   {}\n\
         Ctrl-C ends all of it and removes its data.\n",
        cluster.dir().display()
    ));
    while !stop.load(Ordering::SeqCst) {
        cluster.parts().all_run()?;
        thread::sleep(Duration::from_millis(200));
    }
    say("ending");
    drop(cluster);
    say("all ended");
    Ok(())
}

/// An administrator's access by way of the port on this machine.
fn access_from_here(cluster: &Cluster, port: u16) -> Result<String> {
    let inside = fs::read_to_string(cluster.kubeconfig())?;
    let path = cluster.dir().join("kubeconfig");
    fs::write(&path, inside.replace(&format!("{ADDRESS}:6443"), &format!("127.0.0.1:{port}")))?;
    Ok(path.display().to_string())
}

/// A terminal that has gone away is no reason to end badly.
fn show(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
