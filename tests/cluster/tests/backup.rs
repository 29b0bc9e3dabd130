//! components/backup: the CronJob's backup, and a restore from it.

use std::fs;

use anyhow::{Result, ensure};

use crate::context::{TIMEOUT, TestContext};
use crate::manifests::overlay_with;

/// A job of the CronJob writes a backup of the orders; the same script restores it into an empty database.
pub(crate) fn backup_and_restore(context: &mut TestContext) -> Result<()> {
    context.deploy("crun")?;
    context.sql("INSERT INTO orders VALUES (1, 1, 1, 10.25, 0, 0.50, 'Backed up')")?;
    context.cluster.create_volume("backups")?;
    let copy = context.copy_manifests("with-backup")?;
    let directory = copy.join("overlays/backup");
    fs::create_dir(&directory)?;
    fs::write(directory.join("kustomization.yaml"), overlay_with("backup"))?;
    context.cluster.apply(&directory)?;
    context.cluster.kubectl(&["create", "job", "--from=cronjob/backup", "backup-now"])?;
    wait_for_job(context, "backup-now")?;
    let file = context.cluster.kubectl(&["logs", "job/backup-now"])?;
    ensure!(file.starts_with("/backups/orders-") && file.trim_end().ends_with(".sql.gz"), "no file: {file:?}");
    context.sql("CREATE DATABASE restored; GRANT ALL ON restored.* TO orders@'%'")?;
    restore(context, file.trim_end())?;
    let restored = context.sql("SELECT shipping_address FROM restored.orders WHERE order_id = 1")?;
    context.sql("DROP DATABASE restored")?;
    ensure!(restored.trim() == "Backed up", "the order is not in the backup: {restored:?}");
    // Its jobs go with it.
    context.cluster.kubectl(&["delete", "cronjob/backup"]).map(drop)
}

/// As docs/OPERATIONS.md says: the job with `restore FILE`, for another database.
fn restore(context: &TestContext, file: &str) -> Result<()> {
    let dry = ["create", "job", "--from=cronjob/backup", "restore-now", "--dry-run=client", "--output=json"];
    let mut job: serde_json::Value = serde_json::from_str(&context.cluster.kubectl(&dry)?)?;
    if let Some(container) = job.pointer_mut("/spec/template/spec/containers/0") {
        if let Some(fields) = container.as_object_mut() {
            fields.insert("command".into(), serde_json::json!(["sh", "/scripts/backup.sh", "restore", file]));
            let url = "mysql://orders:for-trying-out@mariadb:3306/restored";
            fields.insert("env".into(), serde_json::json!([{"name": "DATABASE_URL", "value": url}]));
        }
    }
    let path = context.cluster.dir().join("restore.json");
    fs::write(&path, job.to_string())?;
    context.cluster.kubectl(&["create", "-f", &path.to_string_lossy()])?;
    wait_for_job(context, "restore-now")
}

fn wait_for_job(context: &TestContext, name: &str) -> Result<()> {
    let timeout = format!("--timeout={}s", TIMEOUT.as_secs());
    let job = format!("job/{name}");
    context.cluster.kubectl(&["wait", &job, "--for=condition=complete", &timeout]).map(drop)
}
