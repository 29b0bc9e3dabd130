//! The soak in short, so that it can be relied on when it is wanted.

use std::time::Duration;

use anyhow::{Result, ensure};

#[test]
fn twenty_seconds_of_everything_at_once_leave_every_answer_right_and_nothing_behind() -> Result<()> {
    let plan = soak::Plan::of(Duration::from_secs(20), 7);
    let report = soak::run(&plan, &mut |_| ())?;
    ensure!(report.is_good(), "{}\n{:#?}", report.tables(), report.faults());
    Ok(())
}
