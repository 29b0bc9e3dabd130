//! The soak test in short, as part of the end-to-end tests.

use std::time::Duration;

use anyhow::{Result, ensure};

#[test]
fn after_20_seconds_of_load_and_faults_all_rules_hold() -> Result<()> {
    let plan = soak::Plan::new(Duration::from_secs(20), 7);
    let report = soak::run(&plan, &mut |_| ())?;
    ensure!(report.passed(), "{}\n{:#?}", report.tables(), report.failures());
    Ok(())
}
